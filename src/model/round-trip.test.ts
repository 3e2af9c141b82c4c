// Every column kind against real PostgreSQL: what the schema accepts is parsed, stored, and comes back as the schema says.

import { isIP } from 'node:net'
import addFormats from 'ajv-formats'
import { Ajv2020 } from 'ajv/dist/2020.js'
import * as pg from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratchDatabase, type ScratchDatabase, testDatabases } from '../../test/support/postgres.ts'
import { decodeText } from './decode.ts'
import { createSchema, exampleOf, fieldSchema, recordSchema } from './json-schema.ts'
import type { Field } from './model.ts'
import { parseField } from './parse-field.ts'
import { readTable } from './read-table.ts'
import { quoteName } from './sql-type.ts'

const custom = (type: string) => pg.customType<{ data: string }>({ dataType: () => type })()
const mood = pg.pgEnum('Mood of the "day"', ['happy', 'so so', "it's", 'NULL', 'a"b\\c'])

const things = pg.pgTable('every thing', {
  smallint: pg.smallint(),
  integer: pg.integer(),
  bigint_number: pg.bigint({ mode: 'number' }),
  bigint: pg.bigint({ mode: 'bigint' }),
  numeric: pg.numeric(),
  price: pg.numeric({ precision: 10, scale: 2 }),
  ratio: pg.numeric({ precision: 3, scale: 5, mode: 'number' }),
  whole: pg.numeric({ precision: 5, mode: 'bigint' }),
  real: pg.real(),
  double: pg.doublePrecision(),
  boolean: pg.boolean(),
  text: pg.text(),
  varchar: pg.varchar({ length: 5 }),
  char: pg.char({ length: 3 }),
  one_char: pg.char(),
  size: pg.text({ enum: ['small', 'large'] }),
  mood: mood(),
  uuid: pg.uuid(),
  bytea: pg.bytea(),
  json: pg.json(),
  jsonb: pg.jsonb(),
  date: pg.date(),
  js_date: pg.date({ mode: 'date' }),
  time: pg.time(),
  timetz: pg.time({ withTimezone: true }),
  timestamp: pg.timestamp(),
  timestamp_ms: pg.timestamp({ precision: 3, mode: 'string' }),
  timestamptz: pg.timestamp({ withTimezone: true }),
  interval: pg.interval(),
  inet: pg.inet(),
  cidr: pg.cidr(),
  macaddr: pg.macaddr(),
  macaddr8: pg.macaddr8(),
  bit: pg.bit({ dimensions: 5 }),
  varbit: custom('bit varying(6)'),
  point: pg.point(),
  point_xy: pg.point({ mode: 'xy' }),
  line: pg.line(),
  box: custom('box'),
  circle: custom('circle'),
  polygon: custom('polygon'),
  int4range: custom('int4range'),
  int8range: custom('int8range'),
  numrange: custom('numrange'),
  daterange: custom('daterange'),
  tsrange: custom('tsrange'),
  tstzrange: custom('tstzrange'),
  domain: custom('email'),
  xml: custom('xml'),
  integers: pg.integer().array(),
  words: pg.varchar({ length: 9 }).array('[][]'),
  documents: pg.jsonb().array(),
  moods: mood().array(),
  moments: pg.timestamp({ withTimezone: true }).array(),
  binaries: pg.bytea().array(),
  bits: pg.bit({ dimensions: 2 }).array(),
  flags: pg.boolean().array('[][][]'),
  floats: pg.doublePrecision().array(),
  labels: custom('text[]'),
})
const model = readTable(things)

const digits = (most: number) => fc.integer({ min: 0, max: most }).map((number) => String(number).padStart(String(most).length, '0'))
const day = fc.tuple(digits(9998), digits(12), digits(31)).map((parts) => parts.join('-'))
const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,12}$/))
const zone = fc.constantFrom('Z', 'z', '+00:00', '-00:00', '+14:00', '-23:59', '+05:30', '+0530', '-08')
const clock = fc.tuple(digits(23), digits(59), digits(59)).map((parts) => parts.join(':'))
const moment = fc.tuple(day, fc.constantFrom('T', 't', ' '), clock, fraction, zone).map((parts) => parts.join(''))
const plainText = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\u0000') && text.isWellFormed())
const part = (unit: string, most: number) =>
  fc.oneof(
    fc.constant(''),
    fc.integer({ min: -most, max: most }).map((number) => `${number}${unit}`),
  )
const duration = fc
  .tuple(part('Y', 99_999_999), part('M', 99_999_999), part('W', 9_999_999), part('D', 999_999_999))
  .chain((days) =>
    fc
      .tuple(part('H', 999_999_999), part('M', 999_999_999), part('S', 999_999_999))
      .map((hours) => `P${days.join('')}${hours.join('') && 'T'}${hours.join('')}`),
  )
const jsonText = fc
  .jsonValue({ depthSize: 'small', stringUnit: 'binary' })
  .filter(
    (value) =>
      !JSON.stringify(value).includes('\\u0000') && JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/i.test(JSON.stringify(value)),
  )
const range = (bound: fc.Arbitrary<string>, compare: (a: string, b: string) => number) =>
  fc.tuple(fc.constantFrom('[', '('), fc.tuple(bound, bound), fc.constantFrom(']', ')')).map(
    ([open, bounds, close]) =>
      `${open}${bounds
        .toSorted(compare)
        .map((text) => `"${text}"`)
        .join(',')}${close}`,
  )
const byNumber = (a: string, b: string) => Number(a) - Number(b)
const byText = (a: string, b: string) => (a < b ? -1 : 1)
const realDay = fc.date({ min: new Date('0002-01-01'), max: new Date('9998-01-01'), noInvalidDate: true }).map((date) => date.toISOString())
const number = fc.constantFrom('0', '-1.5', '12', '1e-7', '3.25')

/** Values that fit, or nearly, by kind; all kinds also get plain JSON of every sort. */
const byKind: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  integer: fc.oneof(fc.integer(), fc.integer({ min: -32768, max: 32767 }), fc.constantFrom(-0, 1.5, 2 ** 31, -(2 ** 31))),
  bigint: fc.oneof(
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
    fc.constantFrom('-0', '007', String(2n ** 63n - 1n), String(-(2n ** 63n))),
  ),
  numeric: fc.oneof(fc.stringMatching(/^-?\d{1,9}(\.\d{1,6})?$/), fc.stringMatching(/^-?0(\.0{0,2}\d{1,3})?$/)),
  float: fc.oneof(fc.double(), fc.float(), fc.constantFrom('NaN', 'Infinity', '-Infinity', 1e-300, -1e-46, 5e-324)),
  text: fc.oneof(plainText, fc.constantFrom('', ' ', 'a ', 'ab   ', 'small', '😀😀😀', 'NULL', '{}', '\\', '"')),
  enum: fc.constantFrom(...mood.enumValues, 'sad'),
  uuid: fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => `urn:uuid:${id.toUpperCase()}`),
  ),
  bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  json: jsonText,
  jsonb: jsonText,
  date: day,
  time: fc.tuple(clock, fc.constantFrom('', '.5', '.123456'), fc.constantFrom('', 'Z', '+02:00', '-15:59')).map((parts) => parts.join('')),
  timestamp: moment,
  interval: duration,
  inet: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.0/8', '10.1.2.3/8', '2001:DB8::/32', '::ffff:1.2.3.4')),
  cidr: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.0/8', '0.0.0.0/0', '2001:db8::/32', '::ffff:1.2.3.0/120')),
  network: fc.oneof(
    fc.constantFrom('08:00:2b:01:02:03', '08-00-2b-ff-fe-01-02-0A'),
    fc.stringMatching(/^[\da-f]{2}(:[\da-f]{2}){5}$/),
    fc.stringMatching(/^[\da-f]{2}(-[\da-f]{2}){7}$/),
  ),
  bit: fc.stringMatching(/^[01]{0,6}$/),
  geometric: fc.oneof(
    fc.tuple(number, number).map(([x, y]) => `(${x},${y})`),
    fc.tuple(number, number).map(([x, y]) => `{1,${x},${y}}`),
    fc.constantFrom('(1,1),(0,0)', '<(0,0),1.5>', '((0,0),(1,0),(1,1))', '[(0,0),(1,1)]'),
  ),
  int4range: range(fc.integer({ max: 2 ** 31 - 2 }).map(String), byNumber),
  int8range: range(fc.integer().map(String), byNumber),
  numrange: range(fc.stringMatching(/^-?\d{1,5}\.\d$/), byNumber),
  daterange: range(
    realDay.map((text) => text.slice(0, 10)),
    byText,
  ),
  tsrange: range(realDay, byText),
  tstzrange: range(realDay, byText),
  custom: fc.stringMatching(/^[a-z]{1,5}$/).map((word) => `<a>${word}</a>`),
}

function valuesFor(field: Field): fc.Arbitrary<unknown> {
  const element = fc.oneof(
    { weight: 9, arbitrary: byKind[field.castType] ?? byKind[field.kind.name] ?? fc.boolean() },
    fc.jsonValue({ maxDepth: 1 }),
  )
  if (field.kind.name === 'custom') return byKind.custom ?? element
  if (field.dimensions === 0) return element
  const list = fc.array(fc.oneof({ weight: 5, arbitrary: element }, fc.constant(null)), { maxLength: 4 })
  return Array.from({ length: field.dimensions - 1 }).reduce<fc.Arbitrary<unknown>>(
    (inner) =>
      fc.oneof(
        inner.map((value) => [value]),
        inner.map((value) => [value, value]),
      ),
    list,
  )
}

/** Ajv asserts formats as it knows them; those that only PostgreSQL knows are ours to generate right. */
function compiler(): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
  addFormats.default(ajv)
  const limit = 2n ** 63n
  ajv.addFormat('int64', {
    type: 'string',
    validate: (text: string) => /^-?\d+$/.test(text) && BigInt(text) >= -limit && BigInt(text) < limit,
  })
  const isNetwork = (text: string) => isIP(text.split('/')[0] ?? '') > 0
  for (const format of ['inet', 'cidr']) ajv.addFormat(format, { type: 'string', validate: isNetwork })
  for (const format of ['int16', 'decimal']) ajv.addFormat(format, true)
  return ajv
}
const ajv = compiler()

test('the schemas of a record and of its writes are valid JSON Schema', () => {
  expect(() => [ajv.compile(recordSchema(model)), ajv.compile(createSchema(model))]).not.toThrow()
})

test.each(model.fields)('the example of $name fits its own schema and its own parser', (field) => {
  expect(ajv.validate(fieldSchema(field), exampleOf(field))).toBe(true)
  expect(parseField(field, exampleOf(field))).toHaveProperty('value')
})

describe.each(testDatabases())('on $name', ({ url }) => {
  let database: ScratchDatabase
  let client: Client

  beforeAll(async () => {
    database = await scratchDatabase(url)
    // Every value as text, as the reader delivers it.
    client = new Client({ connectionString: database.url, types: { getTypeParser: () => String } })
    await client.connect()
    await client.query("set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'iso_8601'; set bytea_output = 'hex'")
    await client.query("create domain email as text check (value like '<%')")
    await client.query(
      `create type ${quoteName('Mood of the "day"')} as enum (${mood.enumValues.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ')})`,
    )
    const columns = model.fields.map((field) => `${quoteName(field.column)} ${field.sqlType}${'[]'.repeat(field.dimensions)}`)
    await client.query(`create table ${model.sqlName} (${columns.join(', ')})`)
  })

  afterAll(async () => {
    await client.end()
    await database.drop()
  })

  async function store(field: Field, texts: readonly string[]): Promise<string[]> {
    const rows = texts.map((_, i) => `($${i + 1}::${field.castType})`).join(', ')
    const column = quoteName(field.column)
    const { rows: stored } = await client.query<{ value: string }>(
      `insert into ${model.sqlName} (${column}) values ${rows} returning ${column} as value`,
      [...texts],
    )
    return stored.map(({ value }) => value)
  }

  test.each(model.fields)(
    '$name: whatever its schema accepts is stored, comes back as its schema says, and may be sent again',
    async (field) => {
      const accepts = ajv.compile(fieldSchema(field))
      const values = fc.sample(valuesFor(field), { numRuns: 300, seed: 20_261_120 })
      const accepted = values.filter((value) => value !== null && accepts(value) && isBox(value, field.dimensions))
      expect(accepted.length).toBeGreaterThan(5)
      const texts = accepted.map((value) => textOf(field, value))
      const stored = await store(field, texts)
      const shown = stored.map((text) => decodeText(field, text))
      for (const [i, value] of shown.entries())
        expect(accepts(value), `${JSON.stringify(accepted[i])} came back as ${JSON.stringify(value)}`).toBe(true)
      expect(
        await store(
          field,
          shown.map((value) => textOf(field, value)),
        ),
      ).toEqual(stored)
    },
  )
})

function textOf(field: Field, value: unknown): string {
  const parsed = parseField(field, value)
  if ('problem' in parsed) throw new Error(`${JSON.stringify(value)} was refused: ${parsed.problem}`)
  return parsed.value
}

/** A schema cannot say that lists of one level have the same length. */
function isBox(value: unknown, dimensions: number): boolean {
  if (dimensions < 2) return true
  const lists = value as unknown[][]
  return lists.every((list) => list.length === lists[0]?.length) && isBox(lists.flat(), dimensions - 1)
}

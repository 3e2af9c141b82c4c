// What each kind takes and what it refuses. That PostgreSQL agrees is shown in round-trip.test.ts.

import * as pg from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { parseField, parseFilterText } from '../parse-field.ts'
import { readTable } from '../read-table.ts'

const custom = (type: string) => pg.customType<{ data: string }>({ dataType: () => type })()
const model = readTable(
  pg.pgTable('things', {
    smallint: pg.smallint(),
    integer: pg.integer(),
    bigint: pg.bigint({ mode: 'number' }),
    numeric: pg.numeric(),
    price: pg.numeric({ precision: 5, scale: 2 }),
    real: pg.real(),
    double: pg.doublePrecision(),
    boolean: pg.boolean(),
    text: pg.text(),
    varchar: pg.varchar({ length: 3 }),
    size: pg.text({ enum: ['small', 'large'] }),
    mood: pg.pgEnum('mood', ['sad', 'happy'])(),
    uuid: pg.uuid(),
    bytes: pg.bytea(),
    json: pg.jsonb(),
    date: pg.date(),
    time: pg.time(),
    timetz: pg.time({ withTimezone: true }),
    timestamp: pg.timestamp(),
    timestamptz: pg.timestamp({ withTimezone: true }),
    interval: pg.interval(),
    inet: pg.inet(),
    cidr: pg.cidr(),
    macaddr: pg.macaddr(),
    bit: pg.bit({ dimensions: 3 }),
    point: pg.point(),
    line: pg.line(),
    vector: pg.vector({ dimensions: 2 }),
    range: custom('int4range'),
    period: custom('tstzrange'),
    tsvector: custom('tsvector'),
    list: pg.integer().array(),
    matrix: pg.text().array('[][]'),
    documents: pg.jsonb().array(),
  }),
)

function fieldOf(name: string) {
  const field = model.fieldByName.get(name)
  if (field === undefined) throw new Error(`There is no field ${name}.`)
  return field
}

function parsed(name: string, value: unknown): unknown {
  const result = parseField(fieldOf(name), value)
  return 'value' in result ? result.value : result
}

function filtered(name: string, text: string): unknown {
  const result = parseFilterText(fieldOf(name), text)
  return 'value' in result ? result.value : result
}

describe('a JSON value becomes the text that PostgreSQL reads', () => {
  test.each<[string, unknown, string]>([
    ['smallint', -32768, '-32768'],
    ['integer', 2147483647, '2147483647'],
    ['integer', -0, '0'],
    ['bigint', '9223372036854775807', '9223372036854775807'],
    ['bigint', 9007199254740991, '9007199254740991'],
    ['bigint', '007', '7'],
    ['numeric', '123456789012345678901234567890.123456789', '123456789012345678901234567890.123456789'],
    ['numeric', 12.5, '12.5'],
    ['numeric', 0.000001, '0.000001'],
    ['price', '999.99', '999.99'],
    ['price', '0001.500', '0001.500'],
    ['real', 1e-300, '0'],
    ['real', 'NaN', 'NaN'],
    ['double', 1e300, '1e+300'],
    ['double', '-Infinity', '-Infinity'],
    ['boolean', false, 'false'],
    ['varchar', '😀😀😀', '😀😀😀'],
    ['uuid', '0199C1D2-7A3B-7C4D-8E5F-60718293A4B5', '0199c1d2-7a3b-7c4d-8e5f-60718293a4b5'],
    ['bytes', 'aGk=', '\\x6869'],
    ['bytes', '', '\\x'],
    ['json', { a: [null, 1.5, 'x'] }, '{"a":[null,1.5,"x"]}'],
    ['json', 'text', '"text"'],
    ['date', '2024-02-29', '2024-02-29'],
    ['date', '2026-11-20T00:00:00.000Z', '2026-11-20'],
    ['timetz', '09:30Z', '09:30Z'],
    ['timestamp', '2026-11-20T09:00:00.5', '2026-11-20 09:00:00.5'],
    ['timestamp', '2026-11-20T00:30:00+02:00', '2026-11-19 22:30:00'],
    ['timestamptz', '2026-12-31T23:30:00-01:00', '2027-01-01 00:30:00+00'],
    ['timestamptz', '0099-01-01T00:00Z', '0099-01-01 00:00:00+00'],
    ['timestamptz', '2026-11-20T09:00:00.1234567899Z', '2026-11-20 09:00:00.123456789+00'],
    ['interval', 'P1Y-2M3DT4H5M-6.7S', 'P1Y-2M3DT4H5M-6.7S'],
    ['inet', '2001:DB8::1/64', '2001:db8::1/64'],
    ['cidr', '::ffff:1.2.3.0/120', '::ffff:1.2.3.0/120'],
    ['bit', '101', '101'],
    ['point', [1.5, -2], '(1.5,-2)'],
    ['point', { x: 1, y: 2 }, '(1,2)'],
    ['line', '{1,-1,0}', '{1,-1,0}'],
    ['vector', [0.5, 1], '[0.5,1]'],
    ['range', '[1,10)', '["1","10")'],
    ['range', '(,5]', '(,"5"]'],
    ['range', 'empty', 'empty'],
    ['period', '[2026-11-20T09:00:00+01:00,)', '["2026-11-20 08:00:00+00",)'],
    ['list', [1, null, 3], '{"1",NULL,"3"}'],
    ['list', [], '{}'],
    [
      'matrix',
      [
        ['a b', '"'],
        [null, '\\'],
      ],
      '{{"a b","\\""},{NULL,"\\\\"}}',
    ],
    ['documents', [[1], { a: null }], '{"[1]","{\\"a\\":null}"}'],
  ])('%s takes %j', (name, value, text) => {
    expect(parsed(name, value)).toBe(text)
  })
})

describe('what does not fit is refused in words', () => {
  test.each<[string, unknown, string]>([
    ['smallint', 32768, 'must be between -32768 and 32767'],
    ['integer', '5', 'must be a whole number, not text'],
    ['integer', 1.5, 'must be a whole number'],
    ['integer', true, 'must be a whole number, not true'],
    ['integer', [1], 'must be a whole number, not a list'],
    ['integer', null, 'must not be null'],
    ['bigint', '9223372036854775808', 'must be between -9223372036854775808 and 9223372036854775807'],
    ['bigint', 9007199254740993, 'must be sent in quotes when it is beyond 2^53'],
    ['bigint', '1e3', 'must be a whole number of at most 19 digits'],
    ['numeric', 'NaN', 'must be a decimal number'],
    ['numeric', 0.1 + 0.2, 'must be sent in quotes when it has more than 15 digits'],
    ['numeric', 1e21, 'must be sent in quotes when it has more than 15 digits'],
    ['numeric', Number('1e400'), 'must be sent in quotes when it has more than 15 digits'],
    ['numeric', '1'.repeat(20_000), 'must have at most 16383 characters'],
    ['price', '1000', 'must have at most 3 digits before the decimal point'],
    ['price', '1.005', 'must have at most 2 digits after the decimal point'],
    ['real', 1e39, 'must be between -3.4028235e+38 and 3.4028235e+38'],
    ['double', Number('1e400'), 'must be between -1.7976931348623157e+308 and 1.7976931348623157e+308'],
    ['double', '1.5', 'must be a number, not text'],
    ['boolean', 'true', 'must be true or false, not text'],
    ['boolean', 1, 'must be true or false, not a number'],
    ['text', 5, 'must be text, not a number'],
    ['text', true, 'must be text, not true'],
    ['text', {}, 'must be text, not an object'],
    ['text', 'a\u0000b', 'must not contain the NUL character (U+0000)'],
    ['text', '\ud83d', 'must be well-formed Unicode, without half of a surrogate pair'],
    ['varchar', '😀😀😀😀', 'must have at most 3 characters, not 4'],
    ['size', 'huge', 'must be one of small, large'],
    ['mood', 'angry', 'must be one of sad, happy'],
    ['uuid', '123', 'must be a UUID'],
    ['bytes', 'aGk', 'must be base64'],
    ['bytes', 'a_-=', 'must be base64'],
    ['json', { 'a\u0000': 1 }, 'must not contain the NUL character (U+0000)'],
    ['json', ['\udc00'], 'must be well-formed Unicode, without half of a surrogate pair'],
    ['json', [Number('1e400')], 'must not contain numbers beyond the range of a double'],
    ['json', [() => 1], 'must be a JSON value, not a function'],
    ['json', Array(400).fill(1e-300), 'must not contain numbers that have more than 100000 digits together'],
    ['date', '2023-02-29', 'must be a day that the calendar has'],
    ['date', '0000-01-01', 'must be a day that the calendar has'],
    ['date', 'infinity', 'must be a date'],
    ['date', '0044-03-15 BC', 'must be a date'],
    ['time', '24:00', 'must be a time of day'],
    ['time', '09:00Z', 'must be a time of day'],
    ['timetz', '09:00', 'must be a time of day with its offset from UTC'],
    ['timestamptz', '2026-11-20T09:00:00', 'must say its offset from UTC'],
    ['timestamptz', '2016-12-31T23:59:60Z', 'must have seconds from 00 to 59'],
    ['timestamptz', '2026-02-30T00:00:00Z', 'must be a day that the calendar has'],
    ['timestamptz', '9999-12-31T23:30:00-01:00', 'must be in the years 0001 to 9999 in UTC'],
    ['timestamptz', '0000-01-01T00:00:00Z', 'must be a day that the calendar has'],
    ['timestamptz', 'now', 'must be a date and time in ISO 8601'],
    ['timestamptz', '-infinity', 'must be a date and time in ISO 8601'],
    ['timestamptz', 1_700_000_000, 'must be a date and time in ISO 8601, not a number'],
    ['interval', '1 day', 'must be a duration in ISO 8601'],
    ['interval', 'P', 'must be a duration in ISO 8601'],
    ['interval', 'P1DT', 'must be a duration in ISO 8601'],
    ['inet', '300.1.1.1', 'must be an IP address, with or without a prefix length'],
    ['inet', 'fe80::1%eth0', 'must be an IP address, with or without a prefix length'],
    ['inet', '10.0.0.0/33', 'must be an IP address, with or without a prefix length'],
    ['cidr', '10.0.0.1/8', 'must have no bits set behind its prefix length'],
    ['cidr', '2001:db8::1/32', 'must have no bits set behind its prefix length'],
    ['macaddr', '08:00:2b', 'must be a MAC address of 6 bytes'],
    ['bit', '1010', 'must be zeros and ones, 3 of them'],
    ['point', '(1)', 'must be a point'],
    ['point', ['1', '2'], 'must be a point, not a list'],
    ['vector', [1], 'must have 2 numbers, not 1'],
    ['vector', [1, 'x'], 'must have only numbers in its list'],
    ['range', '[1,2', 'must be a range'],
    ['range', '[1,x]', 'has an upper bound that must be a whole number'],
    ['tsvector', 'x', 'cannot be set'],
    ['list', 5, 'must be a list, not a number'],
    ['list', [1, [2]], 'at [1] must be a whole number, not a list'],
    ['list', Array.from({ length: 10_001 }, () => 1), 'must have at most 10000 elements'],
    ['matrix', ['a'], 'at [0] must be a list, not text'],
    ['matrix', [['a'], ['b', 'c']], 'must have lists of equal length in each dimension'],
    ['matrix', [['a'], null], 'at [1] must be a list, not null'],
    ['matrix', [['a\u0000']], 'at [0][0] must not contain the NUL character (U+0000)'],
  ])('%s refuses %j', (name, value, problem) => {
    expect(parsed(name, value)).toMatchObject({ problem })
  })

  test('nesting that would exhaust a stack is refused without using one', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i += 1) deep = [deep]
    expect(parsed('json', deep)).toMatchObject({ problem: 'must not be nested deeper than 128 levels' })
  })

  test('base64 of twenty million characters is read without a stack', () => {
    expect(String(parsed('bytes', 'AAAA'.repeat(5_000_000)))).toHaveLength(30_000_002)
  })

  test('a hint says what would be right', () => {
    expect(parsed('timestamptz', '2026-11-20T09:00:00')).toMatchObject({
      hint: 'Add Z for UTC, or an offset: 2026-11-20T09:00:00Z, 2026-11-20T09:00:00+02:00.',
    })
    expect(parsed('integer', '5')).toMatchObject({ hint: 'Send it without quotes.' })
    expect(parsed('text', 5)).toMatchObject({ hint: 'Send it in quotes.' })
  })
})

describe('a value in a query string', () => {
  test.each<[string, string, string]>([
    ['integer', '+5', '5'],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['price', '1000.005', '1000.005'],
    ['double', '1e3', '1000'],
    ['boolean', 'true', 'true'],
    ['varchar', 'longer than the column', 'longer than the column'],
    ['mood', 'sad', 'sad'],
    ['timestamptz', '2026-11-20', '2026-11-20 00:00:00+00'],
    ['timestamptz', '2026-11-20T09:00:00 02:00', '2026-11-20 07:00:00+00'],
    ['timetz', '09:00 02', '09:00+02'],
    ['json', '{"a":1}', '{"a":1}'],
    ['bytes', 'a a=', '\\x6be6'],
    ['list', '7', '7'],
  ])('of %s: %j', (name, text, value) => {
    expect(filtered(name, text)).toBe(value)
  })

  test.each<[string, string, string]>([
    ['integer', '', 'must be a whole number'],
    ['integer', '1e3', 'must be a whole number'],
    ['integer', '2147483648', 'must be between -2147483648 and 2147483647'],
    ['double', '0x10', 'must be a number'],
    ['double', '1e400', 'must be between -1.7976931348623157e+308 and 1.7976931348623157e+308'],
    ['boolean', 'yes', 'must be true or false'],
    ['text', '\u0000', 'must not contain the NUL character (U+0000)'],
    ['mood', 'angry', 'must be one of sad, happy'],
    ['json', '{', 'must be JSON'],
    ['vector', '[1]', 'cannot be compared'],
  ])('of %s cannot be %j', (name, text, problem) => {
    expect(filtered(name, text)).toMatchObject({ problem })
  })
})

test('no kind throws, whatever it is given', () => {
  const oddities = [
    undefined,
    Symbol('x'),
    () => 1,
    10n,
    new Date(Number.NaN),
    new Map(),
    Object.create(null),
    Number.NaN,
    '',
    '\u0000',
    [[]],
    [[[]]],
  ]
  for (const field of model.fields) for (const oddity of oddities) expect(() => parseField(field, oddity)).not.toThrow()
})

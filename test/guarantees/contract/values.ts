// Values that fit a schema, and values that come near.

import fc from 'fast-check'
import { seed } from '../support/amount.ts'
import type { Contract, Schema } from './document.ts'

type Values = fc.Arbitrary<unknown>

/** Records that there are, so that some requests find what they ask for. */
export type Known = readonly Readonly<Record<string, unknown>>[]

/** Text that PostgreSQL can store. */
export const storable = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed() && !text.includes('\0'))

const words = fc.constantFrom(
  '',
  ' ',
  'a',
  'Post 1',
  'ÅÄÖ',
  '😀',
  "'",
  '"',
  '\\',
  '%',
  '_',
  '{}',
  'null',
  '0',
  '-1',
  'true',
  'a,b',
  'x'.repeat(60),
)
const text: Values = fc.oneof(words, storable, fc.string({ maxLength: 12 }))
const json: Values = fc
  .jsonValue({ depthSize: 'small', maxDepth: 3 })
  .filter((value) => !/\\u0000|\\ud[89a-f]|"(?:__proto__|constructor|prototype)"/i.test(JSON.stringify(value)))

const second = fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }).map((seconds) => new Date(seconds * 1_000))
const digits = fc.stringMatching(/^-?\d{1,9}$/)

/** Where a pattern alone is hard to meet. What does not fit the schema after all is thrown away. */
const formats: Readonly<Record<string, Values>> = {
  'date-time': fc.oneof(
    second.map((moment) => moment.toISOString()),
    second.map((moment) => moment.toISOString().replace('.000Z', '.123456+05:30')),
    second.map((moment) => moment.toISOString().replace('T', 't').replace('.000Z', 'z')),
  ),
  date: second.map((moment) => moment.toISOString().slice(0, 10)),
  time: second.map((moment) => moment.toISOString().slice(11, 23)),
  duration: fc.constantFrom('P1D', 'PT36H', 'P1Y2M3DT4H5M6S', 'PT0.5S', 'P3W'),
  uuid: fc.uuid(),
  int64: fc.oneof(digits, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  decimal: fc.oneof(digits, fc.stringMatching(/^-?\d{1,6}\.\d{1,2}$/)),
  inet: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('192.0.2.7/24', '2001:db8::1/64')),
  cidr: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('192.0.2.0/24')),
  byte: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64')),
}

/** @param known  values of properties and parameters by name */
export function fitting(contract: Contract, schema: Schema, known: Known): Values {
  const make = (inner: Schema): Values => fitting(contract, inner, known)
  if (schema['$ref'] !== undefined) return make(contract.resolve(schema))
  if ('const' in schema) return fc.constant(schema['const'])
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
  const either = (schema['oneOf'] ?? schema['anyOf']) as Schema[] | undefined
  if (either !== undefined) return fc.oneof(...either.map(make))
  const [only] = (schema['allOf'] ?? []) as Schema[]
  if (only !== undefined) return make(only)
  const types = [schema['type'] ?? 'any'].flat() as string[]
  return fc
    .oneof(...types.map((type) => ofType(contract, type, schema, make, known)))
    .filter((value) => contract.problems(schema, value).length === 0)
}

function ofType(contract: Contract, type: string, schema: Schema, make: (inner: Schema) => Values, known: Known): Values {
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return integer(schema)
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 })
    case 'string':
      return string(contract, schema)
    case 'array':
      return array(schema, make)
    case 'object':
      return object(contract, schema, make, known)
    default:
      return schema['type'] === undefined && schema['properties'] !== undefined ? object(contract, schema, make, known) : json
  }
}

function integer({ minimum = -(2 ** 31), maximum = 2 ** 31 - 1 }: { readonly minimum?: unknown; readonly maximum?: unknown }): Values {
  const [min, max] = [Number(minimum), Number(maximum)]
  const small = fc.integer({ min: Math.max(min, -3), max: Math.min(max, 50) })
  return fc.oneof(
    { weight: 3, arbitrary: min > 50 || max < -3 ? fc.integer({ min, max }) : small },
    fc.integer({ min, max }),
    fc.constantFrom(min, max),
  )
}

/** By their schema: texts in a given form are made once, because most that are made do not fit. */
const forms = new Map<string, Values>()

function string(contract: Contract, schema: Schema): Values {
  const { format, pattern, maxLength = 60 } = schema as { format?: string; pattern?: string; maxLength?: number }
  if (format === undefined && pattern === undefined) return text.map((value) => Array.from(String(value)).slice(0, maxLength).join(''))
  const name = JSON.stringify(schema)
  const known = forms.get(name) ?? fc.constantFrom(...textsInForm(contract, schema))
  forms.set(name, known)
  return known
}

function textsInForm(contract: Contract, schema: Schema): unknown[] {
  const { format, pattern = '', examples = [] } = schema as { format?: string; pattern?: string; examples?: unknown[] }
  // Durations have no format that PostgreSQL's weeks would fit.
  const named = formats[format ?? (pattern.startsWith('^P') ? 'duration' : '')]
  const sources = [...(named === undefined ? [] : [named]), ...(pattern === '' ? [] : matching(pattern))]
  const made = sources.flatMap((values) => fc.sample(values, { numRuns: 40, seed }))
  return [...new Set([...made, ...examples])].filter((value) => contract.problems(schema, value).length === 0)
}

/** fast-check cannot read every pattern: looking ahead and behind is beyond it. */
function matching(pattern: string): Values[] {
  return /\(\?[=!<]/.test(pattern) ? [] : [fc.stringMatching(new RegExp(pattern, 'u'))]
}

function array(schema: Schema, make: (inner: Schema) => Values): Values {
  const { items = {}, minItems = 0, maxItems = 4 } = schema as { items?: Schema; minItems?: number; maxItems?: number }
  return fc.array(make(items), { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, 4)) })
}

function object(contract: Contract, schema: Schema, make: (inner: Schema) => Values, known: Known): Values {
  const { properties = {}, required = [] } = schema as { properties?: Record<string, Schema>; required?: string[] }
  const entries = Object.entries(properties).map(
    ([name, property]) =>
      [
        name,
        withKnown(
          contract,
          property,
          known.map((record) => record[name]),
          make(property),
        ),
      ] as const,
  )
  return fc.record(Object.fromEntries(entries), { requiredKeys: required })
}

/** Two times in three a value that is known to be in use. */
export function withKnown(contract: Contract, schema: Schema, seen: readonly unknown[], values: Values): Values {
  const usable = seen.filter((value) => value !== undefined && value !== null && contract.problems(schema, value).length === 0)
  return usable.length === 0 ? values : fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...usable) }, { weight: 1, arbitrary: values })
}

/** Values that seldom fit anything. */
export const oddValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  1e300,
  '',
  'x',
  '1',
  'true',
  'x'.repeat(300),
  '2024-13-45',
  '2024-02-30T00:00:00Z',
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  ['x', 1],
]

/** The same as text, for addresses. `fits` of the fuzzer knows how they are read. */
export const oddTexts: readonly string[] = [
  '',
  'x',
  'abc',
  '1.5',
  '-1',
  '0',
  'TRUE',
  'null',
  '{}',
  '[]',
  '{',
  '1e3',
  '1 2',
  '99999999999999999999',
  '2024-13-45',
  '1,x',
  ',',
  'x'.repeat(300),
  '-',
  "'",
  '"',
]

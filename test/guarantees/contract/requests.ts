// Requests for one operation: such as the document allows, and such as it does not.

import fc from 'fast-check'
import type { Call } from '../support/caller.ts'
import type { Contract, Operation, Parameter, Schema } from './document.ts'
import { fitting, type Known, oddTexts, oddValues, storable, withKnown } from './values.ts'

export interface Request {
  readonly operation: Operation
  /** `allowed`: fits the document. `forbidden`: does not, and says in `why` where. */
  readonly kind: 'allowed' | 'forbidden'
  readonly why: string
  readonly call: Call
  /** Query parameters as they were meant. */
  readonly query: ReadonlyMap<string, string>
}

/** What a request is made of before it is written down. */
interface Parts {
  readonly path: Readonly<Record<string, unknown>>
  readonly query: readonly (readonly [name: string, text: string])[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

type Requests = fc.Arbitrary<Request>

export function allowedRequests(contract: Contract, operation: Operation, known: Known): Requests {
  return allowedParts(contract, operation, known).map((parts) => requestOf(operation, parts, 'allowed', ''))
}

function allowedParts(contract: Contract, operation: Operation, known: Known): fc.Arbitrary<Parts> {
  const { parameters, body } = operation
  const query = someOf(parameters.filter((parameter) => parameter.in === 'query')).chain((chosen) =>
    fc.tuple(
      ...chosen.map((parameter) =>
        valuesOf(contract, parameter, known).map((value) => [parameter.name, written(parameter, value)] as const),
      ),
    ),
  )
  const headers = someOf(parameters.filter((parameter) => parameter.in === 'header')).map((chosen) =>
    Object.fromEntries(chosen.map(({ name }) => [name.toLowerCase(), '"unknown"'])),
  )
  return paths(contract, operation, known).chain((path) =>
    fc.record({
      path: fc.constant(path),
      query,
      headers: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, headers),
      // A body may repeat the key of its record.
      body: body === undefined ? fc.constant(undefined) : fitting(contract, body, Object.keys(path).length === 0 ? known : [path]),
    }),
  )
}

function valuesOf(contract: Contract, { name, schema }: Parameter, known: Known): fc.Arbitrary<unknown> {
  return withKnown(
    contract,
    schema,
    known.map((record) => record[name]),
    fitting(contract, schema, known),
  )
}

/** Two times in three the whole key of a record that there is. */
function paths(contract: Contract, { parameters }: Operation, known: Known): fc.Arbitrary<Record<string, unknown>> {
  const inPath = parameters.filter((parameter) => parameter.in === 'path')
  const made = fc.record(
    Object.fromEntries(inPath.map((parameter) => [parameter.name, valuesOf(contract, parameter, known).filter(isSegment)])),
  )
  const keys = known.map((record) => Object.fromEntries(inPath.map(({ name }) => [name, record[name]])))
  const usable = keys.filter((key) => Object.values(key).every(isSegment))
  return usable.length === 0 || inPath.length === 0 ? made : fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...usable) }, made)
}

/** Up to five, mostly few. */
function someOf<item>(items: readonly item[]): fc.Arbitrary<item[]> {
  return fc.subarray([...items], { maxLength: Math.min(items.length, 5) })
}

/** An empty segment is another address, and so are dots. */
function isSegment(value: unknown): boolean {
  return !['', '.', '..'].includes(String(value))
}

function written({ style }: Parameter, value: unknown): string {
  if (style === 'json') return JSON.stringify(value)
  if (style === 'list') return (value as unknown[]).map((item) => String(item).replaceAll(/[\\,]/g, String.raw`\$&`)).join(',')
  return String(value)
}

function requestOf(operation: Operation, { path, query, headers, body }: Parts, kind: Request['kind'], why: string): Request {
  const address = operation.path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(path[name])))
  const search = query.map(([name, text]) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`).join('&')
  const call: Call = {
    method: operation.method,
    path: search === '' ? address : `${address}?${search}`,
    headers,
    // A value of its own kind of JSON: a text would be sent as it is.
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  }
  return { operation, kind, why, call, query: new Map(query) }
}

/** A change that makes allowed parts forbidden. */
type Spoiling = fc.Arbitrary<{ readonly why: string; readonly parts: Parts }>

/** Undefined when the operation takes nothing that could be wrong. */
export function forbiddenRequests(contract: Contract, operation: Operation, known: Known): Requests | undefined {
  const spoil = spoilings(contract, operation)
  if (spoil.length === 0) return undefined
  return allowedParts(contract, operation, known)
    .chain((parts) => fc.constantFrom(...spoil).chain((make) => make(parts)))
    .filter(({ why }) => why !== '')
    .map(({ why, parts }) => requestOf(operation, parts, 'forbidden', why))
}

function spoilings(contract: Contract, operation: Operation): ((parts: Parts) => Spoiling)[] {
  const { parameters, body } = operation
  const checked = parameters.filter((parameter) => parameter.in !== 'header')
  return [
    ...(operation.isStrict ? [(parts: Parts) => unknownParameter(operation, parts)] : []),
    ...(checked.some((parameter) => parameter.in === 'query') ? [repeatedParameter] : []),
    ...checked.map((parameter) => (parts: Parts) => oddParameter(contract, parameter, parts)),
    ...(body === undefined ? [] : Array.from({ length: 8 }, () => (parts: Parts) => oddBody(contract, body, parts))),
  ]
}

function unknownParameter(operation: Operation, parts: Parts): Spoiling {
  const names = fc.oneof(fc.constantFrom('nothing', 'Sort', 'filter', 'page', 'fields[', 'filter[nothing]', 'page[Size]', 'id'), storable)
  const isUnknown = (name: string) =>
    name !== '' && !operation.parameters.some((parameter) => parameter.name === name || name.startsWith('filter['))
  return names.map((name) => ({
    why: isUnknown(name) || name === 'filter[nothing]' ? `the parameter ${JSON.stringify(name)} does not exist` : '',
    parts: { ...parts, query: [...parts.query, [name, '1']] },
  }))
}

function repeatedParameter(parts: Parts): Spoiling {
  const [first] = parts.query
  return fc.constant(
    first === undefined ? { why: '', parts } : { why: `${first[0]} is there twice`, parts: { ...parts, query: [...parts.query, first] } },
  )
}

function oddParameter(contract: Contract, parameter: Parameter, parts: Parts): Spoiling {
  const { name } = parameter
  return fc.constantFrom(...oddTexts).map((odd) => {
    const isOdd = parameter.in === 'path' ? isSegment(odd) && !fits(contract, parameter, odd) : !fits(contract, parameter, odd)
    const rest = parts.query.filter(([other]) => other !== name)
    const spoiled =
      parameter.in === 'path' ? { ...parts, path: { ...parts.path, [name]: odd } } : { ...parts, query: [...rest, [name, odd] as const] }
    return { why: isOdd ? `${name} cannot be ${JSON.stringify(odd)}` : '', parts: spoiled }
  })
}

/** Whether a text in an address can be read as what the parameter is. */
function fits(contract: Contract, { schema, style }: Parameter, text: string): boolean {
  if (style === 'json') return fitsAs(contract, schema, jsonOf(text))
  if (style === 'plain') return isReadable(contract, schema, text)
  const {
    items = {},
    minItems = 0,
    maxItems = Number.POSITIVE_INFINITY,
  } = schema as { items?: Schema; minItems?: number; maxItems?: number }
  const texts = text.split(',')
  return texts.length >= minItems && texts.length <= maxItems && texts.every((item) => isReadable(contract, items, item))
}

function isReadable(contract: Contract, schema: Schema, text: string): boolean {
  const ways = (contract.resolve(schema)['anyOf'] ?? [schema]) as Schema[]
  return ways.some((way) => fitsAs(contract, way, readable(contract, way, text)))
}

function fitsAs(contract: Contract, schema: Schema, value: unknown): boolean {
  return value !== notReadable && contract.problems(schema, value).length === 0
}

const notReadable: unique symbol = Symbol('not readable')

function readable(contract: Contract, schema: Schema, text: string): unknown {
  const types = [contract.resolve(schema)['type'] ?? 'string'].flat() as string[]
  if (types.includes('string')) return text
  if (types.includes('boolean')) return text === 'true' || text === 'false' ? text === 'true' : notReadable
  const number = types.includes('integer') ? /^-?\d+$/ : /^-?\d+(?:\.\d+)?(?:e-?\d+)?$/
  return number.test(text) ? Number(text) : notReadable
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return notReadable
  }
}

function oddBody(contract: Contract, schema: Schema, parts: Parts): Spoiling {
  return fc.oneof(fc.constantFrom(...oddValues), spoiledValue(parts.body)).map((body) => ({
    why: contract
      .problems(schema, numbersAsText(contract, schema, body))
      .map((problem) => `the body${problem}`)
      .join('; '),
    parts: { ...parts, body },
  }))
}

/** The same value with one thing changed: a property taken away, added, or given an odd value; in a list, in one item. */
function spoiledValue(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value) && value.length > 0) {
    return fc.nat(value.length - 1).chain((index) => spoiledValue(value[index]).map((item) => value.with(index, item)))
  }
  if (typeof value !== 'object' || value === null) return fc.constantFrom(...oddValues)
  const names = Object.keys(value)
  const without = names.map((name) => Object.fromEntries(Object.entries(value).filter(([other]) => other !== name)))
  const added = fc.constantFrom('nmae', 'ID', '', 'toString', 'created_at', 'id', 'author').map((name) => ({ ...value, [name]: 'x' }))
  const changed = names.map((name) => fc.constantFrom(...oddValues).map((odd) => ({ ...value, [name]: odd })))
  return fc.oneof(added, ...(without.length === 0 ? [] : [fc.constantFrom(...without)]), ...changed)
}

/** The introduction of the document allows a JSON number where a record has a number as text. */
function numbersAsText(contract: Contract, reference: Schema, value: unknown): unknown {
  const schema = contract.resolve(reference)
  const choice = ((schema['oneOf'] ?? []) as Schema[]).find((part) => (contract.resolve(part)['type'] === 'array') === Array.isArray(value))
  if (choice !== undefined) return numbersAsText(contract, choice, value)
  if (typeof value === 'number') return ['int64', 'decimal'].includes(String(schema['format'])) ? String(value) : value
  if (Array.isArray(value)) return value.map((item) => numbersAsText(contract, (schema['items'] ?? {}) as Schema, item))
  if (typeof value !== 'object' || value === null) return value
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    Object.hasOwn(properties, name) ? numbersAsText(contract, properties[name] ?? {}, inner) : inner,
  ])
  return Object.fromEntries(entries)
}

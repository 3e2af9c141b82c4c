// PostgreSQL types → Drizzle builders. What Drizzle has no builder for becomes a custom type that carries text.

import type { DatabaseColumn } from './database-schema.ts'
import { quoteString } from './names.ts'
import type { RenderContext } from './render-column.ts'

export interface Builder {
  readonly name: string
  /** Where it is imported from; default: the module of all builders. */
  readonly module?: string
  /** Source of its argument: `{ length: 50 }`. */
  readonly options?: string
  /** `.defaultNow()` exists. */
  readonly now?: boolean
  /** Source of a plain default value, undefined when the SQL is not one. */
  readonly literal?: (sqlText: string) => string | undefined
}

/** The builder of a column's elements. */
export function builderOf(column: DatabaseColumn, { names }: RenderContext): Builder {
  if (column.typeKind === 'enum')
    return { name: names.enum(column.typeSchema, column.typeName), module: './enums.ts', literal: stringLiteral }
  const known =
    column.typeKind === 'base' && column.typeSchema === 'pg_catalog'
      ? builders[column.typeName]?.(modifiers(column.type), column.type)
      : undefined
  return known ?? { name: names.customType(column.type), module: './types.ts' }
}

/** Numbers in parentheses of a type: `numeric(10,2)` → [10, 2]. */
function modifiers(type: string): readonly number[] {
  return /\(([\d,\s-]+)\)/.exec(type)?.[1]?.split(',').map(Number) ?? []
}

type MakeBuilder = (numbers: readonly number[], type: string) => Builder | undefined

const plain =
  (name: string, extra: Partial<Builder> = {}): MakeBuilder =>
  () => ({ name, ...extra })

const builders: Readonly<Record<string, MakeBuilder>> = {
  int2: plain('smallint', { literal: integerLiteral }),
  int4: plain('integer', { literal: integerLiteral }),
  int8: plain('bigint', { options: `{ mode: 'bigint' }`, literal: (text) => suffixed(integerLiteral(text), 'n') }),
  bool: plain('boolean', { literal: (text) => (/^(true|false)$/.test(text) ? text : undefined) }),
  text: plain('text', { literal: stringLiteral }),
  varchar: ([length]) => ({
    name: 'varchar',
    ...(length === undefined ? {} : { options: `{ length: ${length} }` }),
    literal: stringLiteral,
  }),
  bpchar: ([length]) => (length === undefined ? undefined : { name: 'char', options: `{ length: ${length} }`, literal: stringLiteral }),
  numeric: (numbers) => ({ name: 'numeric', ...numericOptions(numbers), literal: (text) => quoted(numberLiteral(text)) }),
  float4: plain('real', { literal: numberLiteral }),
  float8: plain('doublePrecision', { literal: numberLiteral }),
  date: plain('date', { now: true }),
  time: (numbers) => temporal('time', numbers, false),
  timetz: (numbers) => temporal('time', numbers, true),
  timestamp: (numbers) => temporal('timestamp', numbers, false),
  timestamptz: (numbers) => temporal('timestamp', numbers, true),
  interval: intervalBuilder,
  json: plain('json'),
  jsonb: plain('jsonb'),
  uuid: plain('uuid'),
  bytea: plain('bytea'),
  inet: plain('inet'),
  cidr: plain('cidr'),
  macaddr: plain('macaddr'),
  macaddr8: plain('macaddr8'),
  point: plain('point'),
  line: plain('line'),
}

function numericOptions([precision, scale]: readonly number[]): { options?: string } {
  if (precision === undefined) return {}
  return { options: scale === undefined ? `{ precision: ${precision} }` : `{ precision: ${precision}, scale: ${scale} }` }
}

function temporal(name: string, [precision]: readonly number[], withTimezone: boolean): Builder {
  const options = [...(precision === undefined ? [] : [`precision: ${precision}`]), ...(withTimezone ? ['withTimezone: true'] : [])]
  return { name, now: true, ...(options.length === 0 ? {} : { options: `{ ${options.join(', ')} }` }) }
}

/** `interval day to second(3)` */
function intervalBuilder([precision]: readonly number[], type: string): Builder {
  const fields = /^interval ([a-z ]+)/.exec(type)?.[1]?.trim()
  const options = [
    ...(fields === undefined ? [] : [`fields: ${quoteString(fields)}`]),
    ...(precision === undefined ? [] : [`precision: ${precision}`]),
  ]
  return { name: 'interval', ...(options.length === 0 ? {} : { options: `{ ${options.join(', ')} }` }) }
}

/** `'it''s'::text` → `'it\'s'`; casts to a quoted or qualified type too. */
function stringLiteral(text: string): string | undefined {
  const value = /^'((?:[^']|'')*)'(?:::[\w."() ]+)?$/.exec(text)?.[1]
  return value === undefined ? undefined : quoteString(value.replaceAll("''", "'"))
}

/** `5`, `'-5'::integer` */
function integerLiteral(text: string): string | undefined {
  return /^(?:'(-?\d{1,18})'::\w+|(\d{1,18}))$/
    .exec(text)
    ?.slice(1)
    .find((digits) => digits !== undefined)
}

/** `1.50`, `'-1.5'::numeric`, `(0)::numeric`, `'0'::double precision` */
function numberLiteral(text: string): string | undefined {
  return /^(?:'(-?\d{1,15}(?:\.\d{1,15})?)'::[a-z ]+|\((\d{1,15})\)::[a-z ]+|(\d{1,15}(?:\.\d{1,15})?))$/
    .exec(text)
    ?.slice(1)
    .find((digits) => digits !== undefined)
}

function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : quoteString(text)
}

function suffixed(text: string | undefined, suffix: string): string | undefined {
  return text === undefined ? undefined : `${text}${suffix}`
}

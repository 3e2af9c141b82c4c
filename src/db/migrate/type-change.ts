// What a change of a column's type does to values that are there already.

import type { ColumnEntity } from './snapshot.ts'

interface SqlType {
  readonly base: string
  readonly parameters: readonly number[]
}

const families: readonly (readonly string[])[] = [
  ['varchar', 'char', 'text', 'citext', 'character varying', 'character', 'bpchar'],
  ['smallint', 'integer', 'bigint', 'numeric', 'decimal', 'real', 'double precision'],
  ['date', 'timestamp', 'timestamp with time zone'],
  ['time', 'time with time zone'],
]

/** What a serial is without its sequence. */
export const integerOf: Readonly<Record<string, string>> = { smallserial: 'smallint', serial: 'integer', bigserial: 'bigint' }

const wholeNumbers = ['smallint', 'integer', 'bigint']
const withoutBounds = new Set(['text', 'citext'])

/** Serials are integers with a sequence; `numeric(10, 2)` and `numeric(10,2)` are one. */
function parse(type: string): SqlType {
  const plain = integerOf[type.toLowerCase()] ?? type.toLowerCase()
  const parameters = /\(([\d\s,]+)\)/.exec(plain)?.[1]?.split(',').map(Number) ?? []
  return { base: plain.replace(/\s*\([\d\s,]+\)/, '').trim(), parameters }
}

/** True when PostgreSQL converts in place: checks, defaults and keys over the column survive. */
export function sameFamily(from: ColumnEntity, to: ColumnEntity): boolean {
  if (from.dimensions !== to.dimensions || from.typeSchema !== to.typeSchema) return false
  const [a, b] = [parse(from.type).base, parse(to.type).base]
  return a === b || families.some((family) => family.includes(a) && family.includes(b))
}

/** True when the column is declared differently: type, enum or array dimensions. */
export function typeChanged(from: ColumnEntity, to: ColumnEntity): boolean {
  if (from.dimensions !== to.dimensions || (from.typeSchema ?? null) !== (to.typeSchema ?? null)) return true
  const [a, b] = [parse(from.type), parse(to.type)]
  return a.base !== b.base || a.parameters.join() !== b.parameters.join() || from.type.includes('serial') !== to.type.includes('serial')
}

const castsAcross: readonly (readonly [string, string])[] = [
  ['integer', 'boolean'],
  ['json', 'jsonb'],
  ['inet', 'cidr'],
  ['interval', 'time'],
  ['timestamp', 'time'],
  ['timestamp with time zone', 'time'],
  ['integer', 'bit'],
  ['bigint', 'bit'],
  ['numeric', 'money'],
]

/** True when PostgreSQL has no cast from one type to the other, so that values have to go through text. */
export function castsThroughText(from: ColumnEntity, to: ColumnEntity): boolean {
  if (sameFamily(from, to)) return false
  const [a, b] = [parse(from.type).base, parse(to.type).base]
  const isText = (column: ColumnEntity, base: string): boolean =>
    column.typeSchema === null && column.dimensions === 0 && (families[0] ?? []).includes(base)
  if (isText(from, a) || isText(to, b)) return false
  const isKnown = castsAcross.some(([one, other]) => (a === one && b === other) || (a === other && b === one))
  return !isKnown || from.dimensions !== to.dimensions
}

/** True when every value of the old type is one of the new, digit for digit. What is not known to be safe counts as unsafe. */
export function keepsEveryValue(from: ColumnEntity, to: ColumnEntity): boolean {
  if (from.dimensions !== to.dimensions) return false
  if (from.typeSchema !== null || to.typeSchema !== null)
    return from.typeSchema === to.typeSchema ? from.type === to.type : to.type === 'text'
  const [a, b] = [parse(from.type), parse(to.type)]
  if (b.base === 'text') return a.base !== 'char' && a.base !== 'bytea'
  if (a.base === b.base) return sameBase(a, b)
  if (wholeNumbers.includes(a.base)) return wholeNumbers.indexOf(b.base) > wholeNumbers.indexOf(a.base) || holdsWhole(a, b)
  if (a.base === 'real') return b.base === 'double precision'
  if (a.base === 'date') return b.base === 'timestamp'
  return withoutBounds.has(b.base) && (a.base === 'varchar' || withoutBounds.has(a.base))
}

/** Digits before the point that hold any smallint, integer, bigint. */
const wholeDigits: Readonly<Record<string, number>> = { smallint: 5, integer: 10, bigint: 19 }

function holdsWhole(from: SqlType, to: SqlType): boolean {
  if (to.base === 'double precision') return from.base !== 'bigint'
  if (to.base !== 'numeric') return false
  const [precision = Infinity, scale = 0] = to.parameters
  return precision - scale >= (wholeDigits[from.base] ?? Infinity)
}

function sameBase(from: SqlType, to: SqlType): boolean {
  if (to.parameters.length === 0) return from.base !== 'char' && from.base !== 'bit'
  if (from.base === 'numeric') {
    const [[p1 = Infinity, s1 = 0], [p2 = Infinity, s2 = 0]] = [from.parameters, to.parameters]
    return from.parameters.length > 0 && s2 >= s1 && p2 - s2 >= p1 - s1
  }
  const [before = defaultPrecision(from.base), after = Infinity] = [from.parameters[0], to.parameters[0]]
  return ['varchar', 'char', 'timestamp', 'timestamp with time zone', 'time', 'interval'].includes(from.base)
    ? after >= before
    : before === after
}

/** Without a parameter a time has microseconds, a character one place, everything else no bound. */
function defaultPrecision(base: string): number {
  if (/^(time|interval)/.test(base)) return 6
  return base === 'char' ? 1 : Infinity
}

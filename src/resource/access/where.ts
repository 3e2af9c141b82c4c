// `where((who) => ({ status: 'published' }))`: what the function says of a caller, planned like the filter of a request. It sees every
// field and relation of the table. Whatever cannot be compared (`undefined`, a value that does not fit) is met by no row, also inside `not`.

import type { RowCondition, RowFilter, RowValue } from '../../auth/policies.ts'
import { anonymousCaller, type Caller } from '../../core/caller.ts'
import { AppError } from '../../core/errors.ts'
import type { FilterOperator } from '../../model/kinds/kind.ts'
import { planFilter } from '../filter.ts'
import type { Verdict } from '../plan.ts'
import type { CompiledResource } from '../registry.ts'
import type { FilterNode } from '../request.ts'
import { looksAtTime } from './clock.ts'
import { allOf, anyOf, turned } from './verdicts.ts'

type Condition = (who: Caller) => RowCondition
/** Is told that a condition looked at the time; what it throws is thrown. */
export type OnTimed = (problem: string) => void
type Comparison = Extract<FilterNode, { path: readonly string[] }>

/**
 * Watches the clock as well: one that looks at it for some callers only is not found at the start.
 *
 * @throws Error when the function fails, returns something else, or names what the table does not have; and what `onTimed` throws
 */
export function whereVerdict(condition: Condition, table: CompiledResource, who: Caller, negated: boolean, onTimed: OnTimed): Verdict {
  let said: unknown
  if (looksAtTime(() => void (said = condition(who)))) onTimed(timed)
  return verdictOf(said, table, negated)
}

function verdictOf(said: unknown, table: CompiledResource, negated: boolean): Verdict {
  return typeof said === 'boolean' ? said !== negated : filterVerdict(checked(said), table, negated)
}

/** An empty object or a promise would be every row. */
function checked(said: unknown): RowFilter {
  if (saysSomething(said)) return said as RowFilter
  throw new TypeError('A condition of where() is true, false, or an object that names at least one field.')
}

/** No list, no Set, no Map: they have no members of a name, and what says nothing is met by every row. */
function saysSomething(value: unknown): value is object {
  const isPlain = typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))
  return isPlain && Object.keys(value).length > 0
}

function filterVerdict(filter: RowFilter, table: CompiledResource, negated: boolean): Verdict {
  const groups = Object.entries(filter).filter(isGroup)
  const own = Object.entries(filter).filter((entry) => !isGroup(entry))
  const verdicts = [
    ...(own.length === 0 ? [] : [ownVerdict(own, table, negated)]),
    ...groups.map(([word, members]) => groupVerdict(word as 'or' | 'and', members as readonly RowFilter[], table, negated)),
  ]
  return negated ? anyOf(verdicts) : allOf(verdicts)
}

function isGroup([word, value]: [string, unknown]): boolean {
  return (word === 'or' || word === 'and') && Array.isArray(value)
}

function groupVerdict(word: 'or' | 'and', members: readonly RowFilter[], table: CompiledResource, negated: boolean): Verdict {
  if (word === 'and' && members.length === 0) throw new TypeError('where: "and" has no conditions, so every row would meet it.')
  const verdicts = members.map((member) => filterVerdict(checked(member), table, negated))
  return (word === 'and') === negated ? anyOf(verdicts) : allOf(verdicts)
}

/** The comparisons of one object: those behind the same relation are about the same record there. */
function ownVerdict(entries: readonly [string, unknown][], table: CompiledResource, negated: boolean): Verdict {
  const comparisons = entries.flatMap(([path, value]) => comparisonsOf(path, value))
  if (comparisons.includes(undefined)) return false
  try {
    return turned(planFilter(table, { all: comparisons as readonly Comparison[] }), negated)
  } catch (error) {
    if (error instanceof AppError && error.code === 'RESOURCE_INVALID_VALUE') return false
    throw error instanceof AppError ? mistake(error) : error
  }
}

/** Not with its cause, which would be taken for a mistake of the request. */
function mistake({ message }: AppError): Error {
  return new Error(`where: ${message}`)
}

function comparisonsOf(path: string, value: unknown): (Comparison | undefined)[] {
  const isPlain = typeof value !== 'object' || value === null || value instanceof Date
  if (isPlain) return [comparison(path, value === null ? 'null' : 'eq', value === null ? [true] : [value as RowValue])]
  if (!saysSomething(value)) throw new TypeError(`where: ${path} is compared with nothing. For one of several values: { in: [...] }.`)
  return Object.entries(value).map(([operator, values]) => comparison(path, operator as FilterOperator, [values as RowValue].flat()))
}

/** Undefined when a value is not known. */
function comparison(path: string, operator: FilterOperator, values: readonly RowValue[]): Comparison | undefined {
  const texts = values.map(textOf)
  if (texts.includes(undefined)) return undefined
  return { path: path.split('.'), operator, values: texts as readonly string[], source: path }
}

function textOf(value: RowValue): string | undefined {
  if (value === undefined || value === null) return undefined
  return value instanceof Date ? value.toISOString() : String(value)
}

const somebody: Caller = { ...anonymousCaller, kind: 'user', id: '1', tenant: '1' }

/** What can be known before anybody asks: the function is called for nobody and for somebody. What it throws for the latter may be right for others. */
export function whereProblems(condition: Condition, table: CompiledResource): string[] {
  const found: (string | undefined)[] = []
  const isTimed = looksAtTime(() => void found.push(...[anonymousCaller, somebody].map((who) => problemFor(condition, table, who))))
  const [nobodys, somebodys] = found
  const isNamed = (problem: string | undefined): boolean => problem?.startsWith('where: ') === true
  const told = [nobodys, ...(isNamed(somebodys) ? [somebodys] : []), ...(isTimed ? [timed] : [])]
  return [...new Set(told)].filter((problem) => problem !== undefined)
}

const timed =
  'where: the condition looks at the time. It is asked once for each caller, and the time that it was would be compared with from then on. Let the database do that, in a column or a view.'

function problemFor(condition: Condition, table: CompiledResource, who: Caller): string | undefined {
  try {
    verdictOf(condition(who), table, false)
    return undefined
  } catch (error) {
    const { message } = error as Error
    return message.startsWith('where: ') ? message : `where, for a caller who has not signed in: ${message}`
  }
}

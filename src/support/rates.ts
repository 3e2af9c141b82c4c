// How often something may be done, as people write it: `600/1m`, `10/1s, 1000/1h by caller`, or the same as data.

import { formatDuration, parseDuration } from './duration.ts'

/** Whose requests are counted together: those of one network address, or those of one caller (of one address while nobody has signed in). */
export type RateSubject = 'address' | 'caller'

/** @template by  what else requests may be counted by */
export interface RateRule<by = never> {
  /** Requests in any stretch of time of the length `per`. */
  readonly max: number
  /** `1s` to `1d`, in whole seconds. */
  readonly per: string
  /** Default: `address`. */
  readonly by?: RateSubject | by
  /** Limits of one name share a count, wherever they stand. Default: a count of its own. */
  readonly name?: string
}

/** One limit or several, all of which hold; false: none, where there would be one otherwise. */
export type RateLimit<by = never> = string | RateRule<by> | readonly (string | RateRule<by>)[] | false

/** A limit that was read. */
export interface Rate<by = never> {
  readonly max: number
  readonly windowMs: number
  readonly by: RateSubject | by
  readonly name: string | undefined
}

const names: readonly string[] = ['max', 'per', 'by', 'name'] satisfies (keyof RateRule)[]
const textForm = /^(\d{1,10})\s*\/\s*(\d[\d.]*\s*[a-z]+)(?:\s+by\s+(\w+))?$/i
const shortestMs = 1_000
const longestMs = 86_400_000
const mostHits = 1_000_000_000

/** @param limit  without problems. @returns the shortest window first: what it refuses is not counted in the longer ones */
export function ratesOf<by = never>(limit: RateLimit<by>): readonly Rate<by>[] {
  const rates = rulesOf(limit).map((rule): Rate<by> => {
    const { max, per, by = 'address', name } = rule as RateRule<by>
    return { max, windowMs: parseDuration(per) ?? 0, by, name }
  })
  return rates.toSorted((a, b) => a.windowMs - b.windowMs)
}

/** `600/1m`. */
export function rateText({ max, windowMs }: Pick<Rate, 'max' | 'windowMs'>): string {
  return `${max}/${formatDuration(windowMs)}`
}

/**
 * What is wrong with a limit, a sentence each.
 *
 * @param takesFunctions  whether requests may be counted by what a function says of them
 */
export function rateProblems(limit: unknown, takesFunctions = false): string[] {
  const rules = rulesOf(limit)
  if (rules.length === 0 && limit !== false) return ['a list of limits has at least one. To lift a limit, write false.']
  const problems = rules.flatMap((rule) => (typeof rule === 'string' ? [notRead(rule)] : ruleProblems(rule, takesFunctions)))
  return problems.length > 0 ? problems : repetitions(ratesOf(limit as RateLimit<() => string>))
}

/** A text that cannot be read stays a text. */
function rulesOf(limit: unknown): readonly unknown[] {
  if (limit === false) return []
  return [limit].flat().flatMap((rule: unknown) => (typeof rule === 'string' ? rule.split(',').map((part) => ruleIn(part.trim())) : [rule]))
}

function ruleIn(text: string): RateRule | string {
  const [, max, per, by] = textForm.exec(text) ?? []
  if (max === undefined || per === undefined) return text
  return { max: Number(max), per, ...(by === undefined ? {} : { by: by as RateSubject }) }
}

function notRead(text: string): string {
  return `${JSON.stringify(text)} is not a limit such as "600/1m" or "100/1h by caller".`
}

function ruleProblems(rule: unknown, takesFunctions: boolean): string[] {
  if (typeof rule !== 'object' || rule === null) return [notRead(String(rule))]
  const { max, per, by, name } = rule as Readonly<Record<string, unknown>>
  const unknown = Object.keys(rule).filter((key) => !names.includes(key))
  return [
    ...unknown.map((key) => `"${key}" is not a part of a limit. There is: ${names.join(', ')}.`),
    ...(isCount(max) ? [] : [`max is a whole number from 1 to ${mostHits}, not ${String(max)}.`]),
    ...(isWindow(per) ? [] : [`per is a time in whole seconds from "1s" to "1d", not ${JSON.stringify(per)}.`]),
    ...subjectProblems(by, takesFunctions),
    ...(name === undefined || (typeof name === 'string' && name !== '') ? [] : ['name is a text.']),
  ]
}

function isCount(max: unknown): boolean {
  return Number.isSafeInteger(max) && Number(max) >= 1 && Number(max) <= mostHits
}

function isWindow(per: unknown): boolean {
  const ms = typeof per === 'string' ? parseDuration(per) : undefined
  return ms !== undefined && ms % 1_000 === 0 && ms >= shortestMs && ms <= longestMs
}

function subjectProblems(by: unknown, takesFunctions: boolean): string[] {
  if (by === undefined || by === 'address' || by === 'caller') return []
  if (typeof by !== 'function') return [`by is "address" or "caller"${takesFunctions ? ', or a function' : ''}, not ${JSON.stringify(by)}.`]
  if (!takesFunctions) return ['by is "address" or "caller" here. A function that looks at the request is for custom routes.']
  return by.constructor.name === 'AsyncFunction' ? ['by cannot be async: it is called for every request.'] : []
}

/** Two limits of the same requests in the same time are a slip: the larger one never refuses. */
function repetitions(rates: readonly Rate<() => string>[]): string[] {
  return rates.flatMap((rate, index) => {
    const same = rates
      .slice(0, index)
      .filter(({ by, windowMs, name }) => by === rate.by && windowMs === rate.windowMs && name === rate.name)
    return same.map((other) => `${rateText(other)} and ${rateText(rate)} limit the same requests twice.`)
  })
}

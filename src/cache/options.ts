// What a resource says about its cache: `cache: '5m'`, or `{ ttl, mode, near }`. Parsed at start; each mistake becomes a sentence.

import { parseDuration } from '../support/duration.ts'
import { nearest } from '../support/similar.ts'
import type { CacheModeName, CacheSettings } from './read.ts'

export interface CacheOptions {
  /** How long an answer is kept at most: `5m`. From 1s to 1d. It bounds memory, not staleness: what was written since is never given. */
  readonly ttl: string
  /**
   * `verified` (default): every read asks the database for the version of what it reads, and nothing else when it is unchanged.
   * `fenced`: reads of one record by its key ask Redis alone; writes fence what they change. All other reads are verified.
   */
  readonly mode?: CacheModeName
  /** Answers without asking for the version for so long (10ms to 1m): other processes' writes may be seen that much later. Not with `fenced`. */
  readonly near?: string
}

/** A time to live, or more than that. */
export type CacheOption = string | CacheOptions

const modes: readonly CacheModeName[] = ['verified', 'fenced']
const names: readonly string[] = ['ttl', 'mode', 'near'] satisfies (keyof CacheOptions)[]

/** @param option  without problems */
export function cacheSettings(option: CacheOption): CacheSettings {
  const { ttl, mode = 'verified', near } = optionsOf(option)
  return { mode, ttlMs: parseDuration(ttl) ?? 0, nearMs: near === undefined ? 0 : (parseDuration(near) ?? 0) }
}

/** What is wrong with an option; each sentence begins with its name. */
export function cacheProblems(option: CacheOption): string[] {
  const options: Partial<Record<string, unknown>> = { ...optionsOf(option) }
  const { ttl, mode, near } = options
  return [
    ...Object.keys(options).flatMap((name) => (names.includes(name) ? [] : [`cache: ${unknown(name, names, 'an option of it')}`])),
    ...timeProblems('cache.ttl', ttl, '1s', '1d'),
    ...(mode === undefined || modes.includes(mode as CacheModeName)
      ? []
      : [`cache.mode: ${unknown(typeof mode === 'string' ? mode : JSON.stringify(mode), modes, 'a mode')}`]),
    ...(near === undefined ? [] : timeProblems('cache.near', near, '10ms', '1m')),
    ...(near !== undefined && mode === 'fenced'
      ? ['cache.near and mode "fenced" exclude each other: a near copy may be late, a fenced one never is.']
      : []),
  ]
}

function optionsOf(option: CacheOption): CacheOptions {
  return typeof option === 'string' ? { ttl: option } : option
}

function timeProblems(name: string, value: unknown, least: string, most: string): string[] {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined
  const inBounds = ms !== undefined && ms >= (parseDuration(least) ?? 0) && ms <= (parseDuration(most) ?? 0)
  return inBounds
    ? []
    : [`${name} is a time from ${least} to ${most}, such as "${name === 'cache.ttl' ? '5m' : '1s'}", not ${JSON.stringify(value)}.`]
}

function unknown(name: string, known: readonly string[], what: string): string {
  const near = nearest(name, known)
  return `"${name}" is not ${what}.${near === undefined ? ` There is: ${known.join(', ')}.` : ` Perhaps you meant "${near}".`}`
}

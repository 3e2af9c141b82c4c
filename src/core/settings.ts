// The kinds of values an environment variable can have. A setting knows how it is read, written down and defaulted.

import { parseBytes } from '../support/bytes.ts'
import { parseDuration } from '../support/duration.ts'
import { type RateLimit, rateProblems } from '../support/rates.ts'
import type { Environment } from './config.ts'
import { parseRedisUrl } from './redis-url.ts'

/** What a variable's text means, or what is wrong with it; the sentence continues `BODY_LIMIT …`. */
export type Reading<value> = { readonly value: value } | { readonly problem: string }

/** A default as it would be written in the environment, the same everywhere or one per environment. */
export type Default = string | Readonly<Partial<Record<Environment, string>>>

export interface Setting<value = unknown> {
  readonly description: string
  /** For the reference page: `bytes`, `duration`, `true or false`, … */
  readonly type: string
  readonly default?: Default
  /** Never shown; can also be given as a file with `NAME_FILE`. */
  readonly secret?: boolean
  /** Whether an empty value says something; of other settings it is as good as none. */
  readonly emptyCounts?: boolean
  parse(text: string): Reading<value>
}

export interface SettingOptions {
  readonly default?: Default
  readonly secret?: boolean
  readonly emptyCounts?: boolean
}

export function text(description: string, options: SettingOptions = {}): Setting<string> {
  return { description, type: 'text', ...options, parse: (value) => ({ value }) }
}

export function secret(description: string): Setting<string> {
  return text(description, { secret: true })
}

/** A whole number from `least` to `most`. */
export function integer(description: string, least: number, most: number, options: SettingOptions = {}): Setting<number> {
  const wanted = `a whole number from ${least} to ${most}`
  return {
    description,
    type: wanted,
    ...options,
    parse: (value) => inRange(/^\d{1,15}$/.test(value) ? Number(value) : undefined, least, most, wanted),
  }
}

export function port(description: string, options: SettingOptions = {}): Setting<number> {
  return { ...integer(description, 0, 65_535, options), type: 'port' }
}

/** An amount such as `64KB` or `1MB`. */
export function bytes(description: string, least: string, options: SettingOptions = {}): Setting<number> {
  const wanted = `an amount such as 64KB or 1MB, at least ${least}`
  return { description, type: 'bytes', ...options, parse: (value) => inRange(parseBytes(value), parseBytes(least) ?? 0, 2 ** 31, wanted) }
}

/** A time such as `500ms`, `5s` or `1m`, at most a day. */
export function duration(description: string, least: string, options: SettingOptions = {}): Setting<number> {
  const wanted = `a time such as 500ms, 5s or 1m, at least ${least}`
  return {
    description,
    type: 'duration',
    ...options,
    parse: (value) => inRange(parseDuration(value), parseDuration(least) ?? 0, 86_400_000, wanted),
  }
}

/** How long something is kept: days, up to a hundred years. */
export function retention(description: string, options: SettingOptions = {}): Setting<number> {
  return {
    description,
    type: 'duration',
    ...options,
    parse: (value) => inRange(parseDuration(value), 86_400_000, 36_525 * 86_400_000, 'a time such as 30d or 400d, at least 1d'),
  }
}

export function flag(description: string, options: SettingOptions = {}): Setting<boolean> {
  return { description, type: 'true or false', ...options, parse: parseFlag }
}

function parseFlag(value: string): Reading<boolean> {
  if (/^(?:true|1|yes|on)$/i.test(value)) return { value: true }
  if (/^(?:false|0|no|off)$/i.test(value)) return { value: false }
  return { problem: `must be true or false, not ${JSON.stringify(value)}` }
}

export function choice<const value extends string>(
  description: string,
  values: readonly value[],
  options: SettingOptions = {},
): Setting<value> {
  return {
    description,
    type: values.join(', '),
    ...options,
    parse(given) {
      const value = values.find((candidate) => candidate === given.toLowerCase())
      return value === undefined ? { problem: `must be one of ${values.join(', ')}, not ${JSON.stringify(given)}` } : { value }
    },
  }
}

/** Values separated by commas or spaces. `problemOf` says what is wrong with one. */
export function list(
  description: string,
  problemOf: (item: string) => string | undefined,
  options: SettingOptions = {},
): Setting<readonly string[]> {
  return {
    description,
    type: 'list, separated by commas',
    ...options,
    parse(given) {
      const items = given.split(/[\s,]+/).filter((item) => item !== '')
      const problem = items.map(problemOf).find((found) => found !== undefined)
      return problem === undefined ? { value: items } : { problem }
    },
  }
}

/** A URL of one of the given schemes. It may hold a password, so it is a secret and never shown. */
export function secretUrl(description: string, schemes: readonly string[]): Setting<string> {
  const wanted = `must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`
  return {
    description,
    type: 'URL',
    secret: true,
    parse: (value) => (URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)) ? { value } : { problem: wanted }),
  }
}

/** Where Redis is; it may hold a password, so it is a secret and never shown. */
export function redisAddress(description: string): Setting<string> {
  const wanted = `must be a URL such as redis://host:6379, redis+cluster://host1:7000,host2:7000 or redis+sentinel://host1:26379/mymaster`
  return {
    description,
    type: 'URL',
    secret: true,
    parse: (value) => (parseRedisUrl(value) === undefined ? { problem: wanted } : { value }),
  }
}

/** URLs as `secretUrl` takes them, separated by commas or spaces. */
export function secretUrls(description: string, schemes: readonly string[]): Setting<readonly string[]> {
  const one = secretUrl(description, schemes)
  const problemOf = (item: string): string | undefined => {
    const reading = one.parse(item)
    return 'problem' in reading ? reading.problem : undefined
  }
  return { ...list(description, problemOf), type: 'URLs, separated by commas', secret: true }
}

/** A rate limit such as `600/1m` or `10/1s, 1000/1h by caller`; `off` for none. */
export function rateLimit(description: string): Setting<RateLimit> {
  return {
    description,
    type: 'rate limits, separated by commas',
    parse(given) {
      if (/^(?:off|none|false|0)$/i.test(given)) return { value: false }
      const [problem] = rateProblems(given)
      return problem === undefined ? { value: given } : { problem: `is not usable: ${problem}` }
    },
  }
}

export function webUrl(description: string): Setting<string> {
  return {
    description,
    type: 'URL',
    parse: (value) =>
      /^https?:\/\//.test(value) && URL.canParse(value)
        ? { value: value.replace(/\/+$/, '') }
        : { problem: `must be a URL that starts with http:// or https://, not ${JSON.stringify(value)}` },
  }
}

function inRange(value: number | undefined, least: number, most: number, wanted: string): Reading<number> {
  return value === undefined || value < least || value > most ? { problem: `must be ${wanted}` } : { value }
}

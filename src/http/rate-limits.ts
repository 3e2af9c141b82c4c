// Rate limits as data: what routes, resources and the application say → what is counted for each route. Read when a route is registered, so
// that a request without a limit costs nothing; mistakes are collected and told together at start.

import type { FastifyRequest, RouteOptions } from 'fastify'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { RateCounter } from '../state/rate-counter.ts'
import { addressBlock } from '../support/address-block.ts'
import { formatDuration } from '../support/duration.ts'
import { type Rate, type RateLimit, rateProblems, ratesOf, rateText } from '../support/rates.ts'
import { httpErrors } from './errors.ts'
import { RefusedRates } from './refused-rates.ts'

/** Whose request it is, for a limit of its own kind: an API key, a form's e-mail address. Undefined: this request is not limited. */
export type RequestSubject = (request: FastifyRequest) => string | undefined

/** A rate limit of a custom route: `config: { rateLimit: '10/1m' }`. */
export type RouteRateLimit = RateLimit<RequestSubject>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How often the route may be called: `'10/1m'`, `{ max, per, by }`, several in a list, or false for as often as wanted. */
    readonly rateLimit?: RouteRateLimit
  }
}

/** One limit of a route, ready to be counted. */
export interface RouteRate {
  /** For log and metrics: `POST /login 10/1m by address`. */
  readonly about: string
  /** In the headers: `address-1m`. */
  readonly policy: string
  /** What stands before the subject in the key of its count. */
  readonly scope: string
  readonly max: number
  readonly windowMs: number
  readonly subjectOf: RequestSubject
}

/** Each with the shortest window first. */
export interface RouteLimits {
  /** By address: counted before anything is known of the caller, so that attempts to sign in are counted, too. */
  readonly early: readonly RouteRate[]
  /** Counted when the caller is known, and before the body is read. */
  readonly late: readonly RouteRate[]
}

export interface RateLimitParts {
  /** Asked for when there is a limit. */
  readonly rates: () => RateCounter
  readonly log: Logger
  readonly metrics: Metrics
  /** Of all routes together that have no limit of their own, health and metrics excepted. */
  readonly standard?: RouteRateLimit | undefined
}

export class RateLimits {
  /** Of all routes without a limit of their own. */
  readonly standard: RouteLimits | undefined
  readonly #parts: RateLimitParts
  readonly #problems: string[] = []
  #counting: { readonly rates: RateCounter; readonly refused: RefusedRates } | undefined

  constructor(parts: RateLimitParts) {
    this.#parts = parts
    this.standard = parts.standard === undefined ? undefined : this.#compile('rateLimit', 'all routes', parts.standard)
  }

  /** The limits of a route that is being registered. */
  of({ method, url, config }: RouteOptions): RouteLimits | undefined {
    const own = config?.rateLimit
    if (own === undefined) return config?.quiet === true ? undefined : this.standard
    const name = `${[method].flat().join(', ').replace('HEAD', 'GET')} ${url}`
    return this.#compile(`${name}: config.rateLimit`, name, own)
  }

  /** Where hits are counted, and refusals noted. */
  get counting(): { readonly rates: RateCounter; readonly refused: RefusedRates } {
    const { rates, log, metrics } = this.#parts
    this.#counting ??= { rates: rates(), refused: new RefusedRates(log, metrics) }
    return this.#counting
  }

  /** @throws AppError HTTP_INVALID_RATE_LIMITS with every mistake in what has been registered so far */
  check(): void {
    if (this.#problems.length > 0) throw httpErrors.INVALID_RATE_LIMITS([...new Set(this.#problems)])
  }

  #compile(place: string, scope: string, limit: RouteRateLimit): RouteLimits | undefined {
    const problems = rateProblems(limit, true)
    this.#problems.push(...problems.map((problem) => `${place}: ${problem}`))
    if (problems.length > 0) return undefined
    const rates = ratesOf<RequestSubject>(limit)
    const early = rates.filter(({ by }) => by === 'address')
    const late = rates.filter(({ by }) => by !== 'address')
    if (rates.length === 0) return undefined
    const functions = new Set(late.map(({ by }) => by).filter((by) => typeof by === 'function'))
    const wordOf = ({ by }: Rate<RequestSubject>): string => (typeof by === 'string' ? by : `custom${[...functions].indexOf(by)}`)
    return {
      early: early.map((rate) => routeRate(scope, rate, wordOf(rate))),
      late: late.map((rate) => routeRate(scope, rate, wordOf(rate))),
    }
  }
}

/** @param word  for whose requests are counted; the same for limits that are counted by the same function */
function routeRate(ownScope: string, rate: Rate<RequestSubject>, word: string): RouteRate {
  const { max, windowMs, by, name } = rate
  const scope = name ?? ownScope
  return {
    about: `${scope} ${rateText(rate)} by ${word}`,
    policy: `${word}-${formatDuration(windowMs)}`,
    scope: `limit:${scope}:${word}:`,
    max,
    windowMs,
    subjectOf: typeof by === 'string' ? subjects[by] : by,
  }
}

const subjects: Readonly<Record<'address' | 'caller', RequestSubject>> = {
  address: (request) => addressBlock(request.ip),
  caller(request) {
    const caller = request.exchange?.caller
    return caller?.id === undefined ? addressBlock(request.ip) : `${caller.kind} ${caller.id}`
  },
}

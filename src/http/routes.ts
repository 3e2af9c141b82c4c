// What is known of each route when it is registered, so that no request has to find out: its timings, its deadline, its methods.

import type { RouteOptions } from 'fastify'
import findMyWay, { type HTTPMethod } from 'find-my-way'
import type { LimitsConfig } from '../core/config.ts'
import type { Metrics, RouteTimings } from '../core/metrics.ts'
import type { RateLimits, RouteLimits } from './rate-limits.ts'

export interface RouteFacts {
  readonly pattern: string
  readonly timings: Readonly<Record<string, RouteTimings>>
  readonly timeoutMs: number
  /** Probes and scrapes: their access lines are written at debug level only. */
  readonly quiet: boolean
  /** How often it may be called; undefined: as often as wanted. */
  readonly limits: RouteLimits | undefined
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly facts?: RouteFacts
    /** True for machine endpoints: no access line above debug. */
    readonly quiet?: boolean
  }
}

/** Order in which `Allow` lists methods. */
const methods: readonly HTTPMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Knows the methods of every address, for 405 and OPTIONS. */
export interface AllowedMethods {
  /** Methods of the routes that match `url`, `OPTIONS` last; empty when no route does. */
  of(url: string): string[]
}

/** What is known of every route of a server. */
export class RouteBook implements AllowedMethods {
  /** For addresses without a route, all together: a scanner must not make a metric per address. */
  readonly unknown: RouteFacts
  readonly #router: ReturnType<typeof findMyWay>
  readonly #metrics: Metrics
  readonly #timeoutMs: number
  readonly #rateLimits: RateLimits | undefined

  constructor(metrics: Metrics, { handlerTimeoutMs, urlBytes }: LimitsConfig, rateLimits?: RateLimits) {
    this.#router = findMyWay({ ignoreTrailingSlash: true, maxParamLength: urlBytes })
    this.#metrics = metrics
    this.#timeoutMs = handlerTimeoutMs
    this.#rateLimits = rateLimits
    const timings = timingsOf([...methods, 'OPTIONS'], 'unknown', metrics)
    this.unknown = { pattern: 'unknown', timings, timeoutMs: handlerTimeoutMs, quiet: false, limits: rateLimits?.standard }
  }

  /** To be called for each route before it is registered (`onRoute`). A route's own `handlerTimeout` is taken over by our one timer. */
  add(route: RouteOptions): void {
    const own = (Array.isArray(route.method) ? route.method : [route.method]) as HTTPMethod[]
    for (const method of own)
      if (methods.includes(method) && !this.#router.hasRoute(method, route.url)) this.#router.on(method, route.url, ignored)
    const timings = timingsOf(own, route.url, this.#metrics)
    const facts: RouteFacts = {
      pattern: route.url,
      timings,
      timeoutMs: route.handlerTimeout ?? this.#timeoutMs,
      quiet: route.config?.quiet ?? false,
      limits: this.#rateLimits?.of(route),
    }
    delete route.handlerTimeout
    route.config = { ...route.config, facts }
  }

  of(url: string): string[] {
    const found = methods.filter((method) => this.#router.find(method, url) !== null)
    return found.length === 0 ? [] : [...found, 'OPTIONS']
  }
}

function timingsOf(own: readonly string[], pattern: string, metrics: Metrics): RouteFacts['timings'] {
  return Object.fromEntries(own.map((method) => [method, metrics.route(method, pattern)]))
}

// find-my-way wants a handler; this router is only asked whether it has one.
function ignored(): void {}

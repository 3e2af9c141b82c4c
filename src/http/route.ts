// A route as data. Faces make these; only this room tells Fastify about them.

import { isIdempotent } from './idempotency/marked.ts'
import type { RouteRateLimit } from './rate-limits.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, HTTPMethods } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route does, in a few words: `list posts`. */
    readonly answers?: string
  }
  /** What a custom route says of itself, for the OpenAPI document. */
  interface FastifySchema {
    readonly summary?: string
    readonly description?: string
    readonly tags?: readonly string[]
    readonly operationId?: string
    /** True keeps the route out of the document. */
    readonly hide?: boolean
    /** Ways to show who one is, of which one will do: `[{ bearer: [] }, { cookie: [] }]`. The route itself has to look. */
    readonly security?: readonly object[]
  }
}

export type HttpRequest = FastifyRequest
export type HttpReply = FastifyReply

export interface Route {
  readonly method: HTTPMethods
  /** Path with parameters as `:name`. */
  readonly url: string
  readonly answers: string
  /** How often it may be called; without it as often as the application says for all routes. */
  readonly rateLimit?: RouteRateLimit | undefined
  handler(request: HttpRequest, reply: HttpReply): unknown
}

export function addRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  for (const { method, url, answers, rateLimit, handler } of routes) {
    const config = { answers, ...(rateLimit === undefined ? {} : { rateLimit }) }
    app.route({ method, url, handler, config })
  }
}

/** A route as it was registered, by whomever. */
export interface RegisteredRoute {
  readonly method: string
  readonly path: string
  readonly answers: string
  /** What a custom route says of itself: `{ summary, tags, body, querystring, params, response }`. */
  readonly schema?: FastifySchema
  /** True for routes that neither a resource nor a machine endpoint is. */
  readonly custom: boolean
  /** True for custom routes that take an Idempotency-Key. */
  readonly idempotent: boolean
  /** True for routes that may be called only so often. */
  readonly limited: boolean
}

/** Lists the routes registered from now on; HEAD and OPTIONS, which Fastify adds by itself, are left out. */
export function collectRoutes(app: FastifyInstance): readonly RegisteredRoute[] {
  const routes: RegisteredRoute[] = []
  app.addHook('onRoute', ({ method, url, config, schema, handler }) => {
    const answers = config?.answers ?? (config?.quiet === true ? 'machine endpoint' : 'custom route')
    // What has a schema is described by it, whoever has added it.
    const custom = answers === 'custom route' || schema !== undefined
    const limited = config?.facts?.limits !== undefined
    for (const name of [method].flat())
      if (name !== 'HEAD' && name !== 'OPTIONS')
        routes.push({ method: name, path: url, answers, schema, custom, idempotent: isIdempotent(handler), limited })
  })
  return routes
}

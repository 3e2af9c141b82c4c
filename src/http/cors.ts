// Which other origins a browser may let read our answers. Off unless origins are listed; never `*` with credentials.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../core/config.ts'

const exposed =
  'X-Request-Id, ETag, Location, Link, X-Total-Count, X-Pagination, Retry-After, Idempotency-Replayed, X-Read-After, RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset'
const acceptedHeaders =
  'Content-Type, Authorization, If-Match, If-None-Match, Idempotency-Key, Prefer, X-Read-After, X-Request-Id, X-Tenant, X-CSRF-Token'
/** Seconds a browser may keep the answer to a preflight; Chromium's maximum. */
const preflightSeconds = '7200'

export interface Cors {
  /** Adds the headers that let the origin of `request` read the answer; an unlisted origin gets none. */
  allow(request: FastifyRequest, reply: FastifyReply): void
  /** Adds what a preflight asks for, when `request` is one. Comes after `allow`. */
  preflight(request: FastifyRequest, reply: FastifyReply, methods: readonly string[]): void
}

/** @returns undefined when no origin is listed: nothing is to be done then */
export function createCors({ origins, credentials }: Config['cors']): Cors | undefined {
  if (origins.length === 0) return undefined
  const anyone = origins.includes('*') && !credentials
  const listed = new Set(origins)
  const allowed = (origin: string | undefined) => origin !== undefined && (anyone || listed.has(origin))
  return {
    allow(request, reply) {
      if (!anyone) addVary(reply, 'Origin')
      const { origin } = request.headers
      if (!allowed(origin)) return
      reply.header('access-control-allow-origin', anyone ? '*' : origin)
      reply.header('access-control-expose-headers', exposed)
      // The default of same-origin would keep the listed origin from using what it may read.
      reply.header('cross-origin-resource-policy', 'cross-origin')
      if (credentials) reply.header('access-control-allow-credentials', 'true')
    },
    preflight(request, reply, methods) {
      if (request.headers['access-control-request-method'] === undefined || !allowed(request.headers.origin)) return
      reply.header('access-control-allow-methods', methods.join(', '))
      reply.header('access-control-allow-headers', acceptedHeaders)
      reply.header('access-control-max-age', preflightSeconds)
    },
  }
}

/** Adds names to `Vary` without losing those already there. */
export function addVary(reply: FastifyReply, ...names: readonly string[]): void {
  if (names.length === 0) return
  const present = reply.getHeader('vary')
  if (present === undefined) return void reply.header('vary', names.join(', '))
  const known = new Set(namesIn(String(present)))
  const missing = names.filter((name) => !known.has(name.toLowerCase()))
  if (missing.length > 0) reply.header('vary', [String(present), ...missing].join(', '))
}

function namesIn(list: string): string[] {
  return list.toLowerCase().split(/\s*,\s*/)
}

// What happens to every request, in this order. Callback hooks on purpose: a promise per hook and request is not free.

import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { writeAccessLine } from '../core/access-line.ts'
import type { Logger } from '../core/log.ts'
import type { LimitsConfig } from '../core/config.ts'
import { runInContext } from '../core/context.ts'
import type { Cors } from './cors.ts'
import { Exchange, type InFlight } from './in-flight.ts'
import { hearInContext } from './request-events.ts'
import type { RouteBook } from './routes.ts'
import { targetProblem } from './request-target.ts'
import { securityHeaders } from './security-headers.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the first hook; null before it, and on requests the router itself refuses. */
    exchange: Exchange | null
  }
}

export interface HookParts {
  readonly limits: LimitsConfig
  readonly routes: RouteBook
  readonly inFlight: InFlight
  readonly cors: Cors | undefined
  readonly hasTenants: boolean
}

type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** The ordered list. What a plugin adds with `addHook` runs after it. */
export function addRequestHooks(app: FastifyInstance, parts: HookParts): void {
  const { cors } = parts
  const onRequest: Hook[] = [
    beginExchange(parts),
    enterContext(parts),
    setStandardHeaders,
    ...(cors === undefined ? [] : [allowOrigin(cors)]),
    refuseBadTarget(parts.limits),
  ]
  app.decorateRequest('exchange', null)
  for (const hook of onRequest) app.addHook('onRequest', hook)
  app.addHook('onResponse', endExchange(parts.inFlight))
}

function beginExchange({ routes, inFlight }: HookParts): Hook {
  return (request, reply, done) => {
    const route = request.routeOptions.config.facts ?? routes.unknown
    const exchange = new Exchange(request, reply, route, inFlight.heldSince(request.raw))
    request.exchange = exchange
    inFlight.begin(exchange)
    done()
  }
}

/** Also called where the router refuses a request before any hook runs. */
export function setStandardHeaders(request: FastifyRequest, reply: FastifyReply, done?: HookHandlerDoneFunction): void {
  reply.headers(securityHeaders).header('x-request-id', request.id)
  done?.()
}

function allowOrigin(cors: Cors): Hook {
  return (request, reply, done) => {
    cors.allow(request, reply)
    done()
  }
}

function refuseBadTarget({ urlBytes }: LimitsConfig): Hook {
  return (request, _reply, done) => done(targetProblem(request.raw, urlBytes))
}

/** Ahead of whatever may refuse the request: what the application does about that, it does for the request as well. */
function enterContext({ hasTenants }: HookParts): Hook {
  return (request, reply, done) => {
    const { exchange } = request
    if (exchange === null) return done()
    if (hasTenants) hearInContext(request, reply, exchange)
    runInContext(exchange, done)
  }
}

function endExchange(inFlight: InFlight): Hook {
  return ({ exchange }, reply, done) => {
    if (exchange !== null && inFlight.end(exchange)) recordExchange(exchange, reply.statusCode)
    done()
  }
}

/** Status that stands in log and metrics when the client left before its answer; nginx's number for the same. */
const clientClosedRequest = 499

/** Records a request whose client went away. */
export function recordAbandoned(exchange: Exchange): void {
  recordExchange(exchange, clientClosedRequest)
}

/** Counts an answered request and writes its access line. */
export function recordExchange({ request, requestId, startedAt, route }: Exchange, status: number): void {
  const log = request.log as Logger
  const durationMs = performance.now() - startedAt
  route.timings[request.method]?.observe(status, durationMs / 1000)
  writeAccessLine(log, route.quiet ? 'debug' : 'info', {
    requestId,
    method: request.method,
    url: request.url,
    route: route.pattern,
    status,
    durationMs,
    ip: request.ip,
  })
}

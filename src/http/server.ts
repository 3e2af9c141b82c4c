// The HTTP server: an ordinary Fastify with its limits, time-outs, hooks, bodies and refusals set. Routes are added by others.

import type { Server } from 'node:http'
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Config, LimitsConfig } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import { networkMatcher } from '../support/networks.ts'
import { answerKnown } from './answer-known.ts'
import { clientErrorHandler } from './client-error.ts'
import { createCors } from './cors.ts'
import { handleErrors, logFailure, sendError, toAppError, type ErrorReply } from './error-handler.ts'
import { addRequestHooks, recordAbandoned, recordExchange, setStandardHeaders } from './hooks.ts'
import { Exchange, InFlight } from './in-flight.ts'
import { readJsonBodies } from './json-body.ts'
import { KnownAnswers } from './known-answers.ts'
import { handleNotFound } from './not-found.ts'
import { refuseSurplus } from './overload.ts'
import { addLateLimits, limitByAddress, limitUnknown } from './rate-limit-hooks.ts'
import type { RateLimits } from './rate-limits.ts'
import { hearConnection } from './request-events.ts'
import { requestIds } from './request-id.ts'
import { originForm } from './request-target.ts'
import { RouteBook } from './routes.ts'
import { schemaCompilers } from './schema-compilers.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly inFlight: InFlight
    readonly knownAnswers: KnownAnswers
  }
}

export interface ServerParts {
  readonly config: Config
  readonly log: Logger
  readonly metrics: Metrics
  readonly errorReply: ErrorReply
  /** How often routes may be called; without it as often as wanted. */
  readonly rateLimits?: RateLimits
  /** What is told of a request is heard in its context, because without one code acts in all tenants. */
  readonly hasTenants?: boolean
}

/** A server without routes. `listen` and `drainServer` start and stop it; `inject` works without either. */
export function createServer({ config, log, metrics, errorReply, rateLimits, hasTenants = false }: ServerParts): FastifyInstance {
  const { limits } = config
  const trusts = networkMatcher(config.api.trustedProxies)
  const ids = requestIds(trusts)
  const routes = new RouteBook(metrics, limits, rateLimits)
  const inFlight = new InFlight(limits, recordAbandoned)
  const known = new KnownAnswers(inFlight)
  const cors = createCors(config.cors)
  const options: FastifyHttpOptions<Server> = {
    ...socketOptions(limits),
    ...logOptions(log),
    genReqId: (request) => ids.of(request),
    trustProxy: config.api.trustedProxies.length > 0 && trusts,
    rewriteUrl: originForm,
    schemaController: { compilersFactory: schemaCompilers },
    frameworkErrors: refuseEarly(errorReply, routes),
    clientErrorHandler: clientErrorHandler({ errorReply, log, routes, inFlight, ids, limits }),
  }
  const app = fastify(options)
  // One of several processes must close what is too much, as a single one does. By default it hands it back, and the primary would hand it
  // out again for ever (a quarter of a core for six connections, measured). Node's types do not know it.
  Object.assign(app.server, { maxConnections: limits.connections, dropMaxConnection: true })
  if (hasTenants) app.server.on('connection', hearConnection)
  app.decorate('inFlight', inFlight)
  app.decorate('knownAnswers', known)
  app.addHook('onClose', () => inFlight.stop())
  app.addHook('onRoute', (route) => routes.add(route))
  readJsonBodies(app, limits)
  addRequestHooks(app, { limits, routes, inFlight, cors, hasTenants })
  if (rateLimits !== undefined) limitRates(app, rateLimits)
  answerKnown(app, { known, inFlight, ids, log, trusts })
  refuseSurplus(app, { inFlight, limits, log, metrics, errorReply, ids, routes })
  handleNotFound(app, routes, cors, rateLimits === undefined ? undefined : limitUnknown(rateLimits))
  handleErrors(app, errorReply)
  return app
}

/** After the hooks of every request, inside the context. */
function limitRates(app: FastifyInstance, rateLimits: RateLimits): void {
  app.addHook('onRequest', limitByAddress(rateLimits))
  app.addHook('onRoute', (route) => addLateLimits(rateLimits, route))
  app.addHook('onReady', async () => rateLimits.check())
}

function logOptions(log: Logger) {
  return {
    loggerInstance: log as FastifyBaseLogger,
    // Log lines find their request id by themselves, so no child logger is made per request (0.8 us).
    childLoggerFactory: () => log,
    logController: new LogController({ disableRequestLogging: true }),
  }
}

function socketOptions(limits: LimitsConfig) {
  return {
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: limits.urlBytes },
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      // It looks at those alone that are late, so it may look often: a connection outlives its time by as much.
      connectionsCheckingInterval: Math.max(20, Math.min(500, Math.floor(limits.headersTimeoutMs / 10))),
      // A missing Host is refused by our own hook, in our own format.
      requireHostHeader: false,
      insecureHTTPParser: false,
    },
  }
}

/** Refusals of the router, which come before any hook. */
function refuseEarly(errorReply: ErrorReply, routes: RouteBook) {
  return (thrown: Error, request: FastifyRequest, reply: FastifyReply): void => {
    const error = toAppError(thrown)
    setStandardHeaders(request, reply)
    logFailure(error, thrown, request)
    sendError(reply, error, errorReply)
    recordExchange(new Exchange(request, reply, routes.unknown), error.status)
  }
}

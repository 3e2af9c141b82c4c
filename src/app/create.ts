// `createApp`: the composition root. Everything an application is made of is put together here, in this order, once.

import type { FastifyInstance, InjectOptions, LightMyRequestResponse, RouteHandlerMethod } from 'fastify'
import type { Auth } from '../auth/create-auth.ts'
import type { Cache, CacheInternals } from '../cache/cache.ts'
import type { Config } from '../core/config.ts'
import { Lifecycle } from '../core/lifecycle.ts'
import { type Logger, openLog } from '../core/log.ts'
import { createMetrics, type Metrics } from '../core/metrics.ts'
import { createBus } from '../core/processes/bus.ts'
import { noPeers, type Peers } from '../core/processes/peers.ts'
import { type Begun, runAcrossTenants } from '../core/tenant.ts'
import { createDatabase } from '../db/create-database.ts'
import type { Database, TransactionOptions } from '../db/database.ts'
import { callersFromContext, callersInTenants } from '../http/callers.ts'
import { drainServer } from '../http/drain.ts'
import { type IdempotentHandler, idempotentHandler } from '../http/idempotency/idempotent.ts'
import { Once } from '../http/idempotency/once.ts'
import { answerSweeper } from '../http/idempotency/sweeper.ts'
import { RateLimits } from '../http/rate-limits.ts'
import { addReadAfter } from '../http/read-after.ts'
import { collectRoutes, type RegisteredRoute } from '../http/route.ts'
import { createServer } from '../http/server.ts'
import { createMailer, type Mailer } from '../mail/mailer.ts'
import { readTable } from '../model/read-table.ts'
import type { Redis } from '../redis/redis.ts'
import { compileResources } from '../resource/compile.ts'
import { cursorKey } from '../resource/cursor.ts'
import { recordShaper } from '../resource/record-shaper.ts'
import type { Engine } from '../resource/run.ts'
import { compileWriter, type Writer } from '../resource/writer.ts'
import { replyFormats } from '../rest/reply-format.ts'
import { createState, type State } from '../state/create-state.ts'
import { auditRoles } from './audited-roles.ts'
import { addCacheDesk } from './cache-desk.ts'
import type { AppDefinition } from './define.ts'
import { appErrors } from './errors.ts'
import { addFaces } from './faces.ts'
import { logOnce } from './log-once.ts'
import { addMailDesk } from './mail-desk.ts'
import { readModels } from './models.ts'
import { orderModules } from './modules.ts'
import { faceAuth, openAuth } from './open-auth.ts'
import { openCache } from './open-cache.ts'
import { openRedis } from './open-redis.ts'
import { type ResourceHandle, resourceHandle } from './resource-handle.ts'
import { hasTenants, WallWatch, withoutTenants } from './wall.ts'

export interface App {
  readonly name: string
  readonly definition: AppDefinition
  readonly config: Config
  readonly log: Logger
  readonly db: Database
  /** Undefined when the configuration names none. */
  readonly redis: Redis | undefined
  /** Undefined when no resource is cached. */
  readonly cache: Cache | undefined
  /** Sessions and rate counters, shared with the other processes; costs nothing before something of it is used. */
  readonly state: State
  readonly mail: Mailer
  /** Accounts, roles, sessions and tokens; undefined without `auth`. */
  readonly auth: Auth | undefined
  readonly engine: Engine
  readonly fastify: FastifyInstance
  /** Every route, in the order of registration; complete once `fastify.ready()` has resolved. */
  readonly routes: readonly RegisteredRoute[]
  /** A resource for code in this process. @throws Error when the application has no resource of that name */
  resource(name: string): ResourceHandle
  /**
   * Runs `work` so that it is held to no tenant, with all that it starts: for code of the application that is about several, inside of a
   * request, too. What is done in the name of a caller (`.as(caller)`) stays in that caller's.
   *
   * @example  `const total = await app.acrossTenants(() => app.resource('notes').list({ count: 'exact' }))`
   */
  acrossTenants<result>(work: () => result): Begun<result>
  /**
   * A handler for a custom route that changes something: it runs in a transaction, and a request that is repeated with the same
   * Idempotency-Key gets the first answer. What the handler throws, or answers with 400 and above, rolls back what it did.
   *
   * @example  `fastify.post('/orders', app.idempotent(async (request) => ({ status: 201, body: await order(request.body) })))`
   */
  idempotent(handler: IdempotentHandler, options?: TransactionOptions): RouteHandlerMethod
  /** Runs a request without a socket. */
  inject(request: InjectOptions | string): Promise<LightMyRequestResponse>
  /** Listens. @returns the address, with the port that was taken */
  start(): Promise<{ readonly url: string }>
  /**
   * Finishes what has begun, then closes listeners, connections and logs.
   *
   * @param options  `retiring` when other processes serve on at the same address
   */
  stop(options?: { readonly retiring?: boolean }): Promise<void>
}

/**
 * Makes an application ready to be started. The database need not be reachable: requests are answered 503 until it is.
 *
 * @param config  from `readConfig`
 * @param peers   the other processes of the application on this machine; without it there are none
 * @throws AppError RESOURCE_INVALID_DEFINITION with every mistake, or the database's when the embedded one cannot start
 */
export function createApp(definition: AppDefinition, config: Config, peers: Peers = noPeers()): Promise<App> {
  return createAppWith({}, definition, config, peers)
}

/** What tests set otherwise. */
export interface AppInternals {
  readonly cache?: CacheInternals
  /** True: the engine knows of no tenants, and row-level security alone keeps their records apart. */
  readonly withoutFirstWall?: boolean
}

/** As `createApp`, for tests. */
export async function createAppWith(
  internals: AppInternals,
  definition: AppDefinition,
  config: Config,
  peers: Peers = noPeers(),
): Promise<App> {
  const process = peers.worker === undefined ? undefined : `worker ${peers.worker}`
  const { log, stream } = openLog(config, definition.options.name, process)
  for (const warning of config.warnings) log.warn(warning)
  const onTimed = config.env === 'production' ? logOnce(log) : undefined
  const registry = readRegistry(internals.withoutFirstWall === true ? withoutTenants(definition) : definition, onTimed)
  const metrics = createMetrics({ processMetrics: config.env === 'production', peers })
  const redis = await openRedis(config, definition.options.name, log, metrics)
  const { root, env } = config
  const db = await createDatabase({ ...config.database, root, env, hasTenants: hasTenants(definition) }, log, metrics).catch(
    async (error: unknown) => {
      await redis?.close()
      throw error
    },
  )
  const life = new Lifecycle(log, [
    { name: 'The log', stop: () => stream.close() },
    { name: 'The database', stop: () => db.close() },
    { name: 'Redis', stop: () => redis?.close() },
  ])
  await life.start()
  try {
    await redis?.ready()
    const cache = await openCache({ config, registry, db, redis, bus: createBus(peers), log, metrics }, internals.cache)
    return await composeApp(definition, { config, log, peers, metrics, db, redis, cache, registry, closeRest: () => life.stop() })
  } catch (error) {
    await life.stop()
    throw error
  }
}

/** @param onTimed  is told of a condition of a policy that looks at the time; without it what asks for it fails */
export function readRegistry({ options }: AppDefinition, onTimed?: (problem: string) => void): Engine['registry'] {
  const { models, declarations } = readModels(options)
  const { auth } = options
  return compileResources(auditRoles(declarations, auth), models, options.relations, {
    users: auth && readTable(auth.users).name,
    tenants: auth?.tenants && readTable(auth.tenants.table).name,
    onTimed,
  })
}

export interface AppParts {
  readonly config: Config
  readonly log: Logger
  readonly peers: Peers
  readonly metrics: Metrics
  readonly db: Database
  readonly redis: Redis | undefined
  readonly cache: Cache | undefined
  readonly registry: Engine['registry']
  /** Closes what was opened for the application, after its server. */
  closeRest(): Promise<void>
}

/** Joins engine, server and faces; opens nothing. */
export async function composeApp(definition: AppDefinition, parts: AppParts): Promise<App> {
  const { config, log, peers, metrics, db, redis, cache, registry, closeRest } = parts
  const { options } = definition
  const modules = orderModules(options.modules ?? [])
  const { ttlMs } = config.idempotency
  const callers = options.auth?.tenants === undefined ? callersFromContext : callersInTenants
  const once = new Once({ db, callers, ttlMs, waitMs: config.database.lockTimeoutMs })
  const state = createState({ db, redis, log, metrics, secret: config.secrets.secretKey })
  const { mailer, close: closeMailer } = createMailer(config, log)
  const surroundings = { config, name: options.name, db, state, mailer, log }
  const auth = await openAuth(options.auth, surroundings)
  const identity = auth === undefined ? [] : [auth.part]
  const life = new Lifecycle(log, [answerSweeper({ db, log, ttlMs }), state.sweeper, ...identity, ...modules])
  const engine: Engine = { db, registry, cursorKey: cursorKey(config.secrets.secretKey), cache }
  const writers = new Map(
    [...registry.resources.values()].map((resource) => [
      resource.name,
      compileWriter(db, resource, recordShaper(resource), registry.models.values(), cache?.fenced),
    ]),
  )
  const wall = new WallWatch(definition, db, log)
  const rateLimits = new RateLimits({ rates: () => state.rates, log, metrics, standard: config.rateLimit ?? options.rateLimit })
  const format = replyFormats[options.replies ?? 'envelope']
  const fastify = createServer({ config, log, metrics, errorReply: format.error, rateLimits, hasTenants: hasTenants(definition) })
  if (config.database.replicaUrls.length > 0) addReadAfter(fastify, db, config)
  const app: App = {
    name: options.name,
    definition,
    config,
    log,
    db,
    redis,
    cache,
    state,
    mail: mailer,
    auth,
    engine,
    fastify,
    routes: collectRoutes(fastify),
    resource: (name) => handleOf(engine, writers.get(name), name),
    acrossTenants: runAcrossTenants,
    idempotent: (handler, transaction) => idempotentHandler({ db, once }, handler, transaction),
    inject: (request) => fastify.inject(request),
    async start() {
      await wall.start()
      await life.start()
      await cache?.start()
      return listen(app)
    },
    async stop(options) {
      await drainServer(fastify, config.limits, log, options)
      await fastify.close()
      await life.stop()
      await closeMailer()
      wall.stop()
      auth?.close()
      state.close()
      await cache?.close()
      await closeRest()
    },
  }
  if (cache !== undefined) addCacheDesk(app, cache, peers)
  await faceAuth(fastify, auth, format, surroundings)
  await addFaces(app, { writers, peers, metrics, modules, once, callers, wall })
  if (auth !== undefined) addMailDesk(fastify, mailer, config)
  for (const module of modules) await module.setup?.(app)
  rateLimits.check()
  return app
}

function handleOf(engine: Engine, writer: Writer | undefined, name: string): ResourceHandle {
  if (writer === undefined) throw new Error(`The application has no resource "${name}".`)
  return resourceHandle(engine, writer.resource, writer)
}

/** Fastify writes a log line for every network interface; who starts the application says where it listens, once. */
async function listen({ fastify, config, log }: App): Promise<{ url: string }> {
  const { host, port } = config.api
  await fastify.ready()
  const { level } = log
  log.level = 'silent'
  try {
    return { url: await fastify.listen({ host, port }) }
  } catch (error) {
    throw listenError(error, host, port)
  } finally {
    log.level = level
  }
}

function listenError(error: unknown, host: string, port: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return appErrors.PORT_IN_USE(port)
  return code === undefined ? error : appErrors.CANNOT_LISTEN(host, port, message)
}

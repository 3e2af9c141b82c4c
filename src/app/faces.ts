// What the server answers: machine endpoints, every resource, then the application's own routes.

import type { Metrics } from '../core/metrics.ts'
import type { HealthCheck, Module } from '../core/module.ts'
import type { Peers } from '../core/processes/peers.ts'
import { addHealthRoutes } from '../http/health.ts'
import type { Callers } from '../http/callers.ts'
import type { Once } from '../http/idempotency/once.ts'
import { addRoutes } from '../http/route.ts'
import type { Writer } from '../resource/writer.ts'
import { docsRoutes } from '../rest/docs-page.ts'
import { type DescribedApp, openapiDocument, openapiRoutes } from '../rest/openapi.ts'
import { replyFormats } from '../rest/reply-format.ts'
import { securitySchemes } from '../rest/openapi-security.ts'
import { resourceRoutes } from '../rest/routes.ts'
import type { App } from './create.ts'
import { cacheChecks } from './open-cache.ts'
import { redisChecks } from './open-redis.ts'
import type { WallWatch } from './wall.ts'

export interface FaceParts {
  readonly writers: ReadonlyMap<string, Writer>
  readonly peers: Peers
  readonly metrics: Metrics
  readonly modules: readonly Module<App>[]
  readonly once: Once
  readonly callers: Callers
  readonly wall: WallWatch
}

export async function addFaces(app: App, parts: FaceParts): Promise<void> {
  const { fastify, engine, definition } = app
  const { options } = definition
  const { once, callers } = parts
  fastify.knownAnswers.open(fastify)
  const format = replyFormats[options.replies ?? 'envelope']
  const prefix = options.prefix ?? '/api'
  addHealthRoutes(fastify, {
    checks: [
      databaseCheck(app),
      ...redisChecks(app.redis),
      ...cacheChecks(app.cache),
      ...parts.wall.checks(app.config.env === 'production'),
      ...parts.modules.flatMap(({ checks }) => checks ?? []),
    ],
    metrics: parts.metrics,
    version: options.version,
    peers: parts.peers,
    privateOnly: app.config.env === 'production',
  })
  for (const resource of engine.registry.resources.values()) {
    const writer = parts.writers.get(resource.name)
    if (writer === undefined) throw new Error(`"${resource.name}" has no writer.`)
    const path = `${prefix}/${resource.name}`
    const explains = app.config.env === 'development'
    const tellsCache = app.config.env !== 'production'
    const known = fastify.knownAnswers
    addRoutes(fastify, resourceRoutes({ engine, resource, writer, format, path, explains, tellsCache, once, callers, known }))
  }
  addRoutes(
    fastify,
    openapiRoutes(() => describedApp(app)),
  )
  addRoutes(fastify, docsRoutes(describedApp(app)))
  for (const plugin of options.routes ?? []) await fastify.register(plugin, { app })
}

function databaseCheck({ db }: App): HealthCheck {
  return { name: 'database', check: async () => ({ ...(await db.health()) }) }
}

/** The OpenAPI document of an application whose routes are all registered. */
export function openapiOf(app: App): object {
  return openapiDocument(describedApp(app))
}

function describedApp({ definition, engine, config, routes, fastify }: App): DescribedApp {
  const { name, version = '1.0.0', description, prefix = '/api', replies = 'envelope' } = definition.options
  return {
    name,
    version,
    description,
    prefix,
    format: replyFormats[replies],
    registry: engine.registry,
    serverUrl: config.api.url,
    customRoutes: routes
      .filter(({ custom }) => custom)
      .map(({ method, path, schema, idempotent, limited }) => ({ method, url: path, schema, idempotent, limited })),
    limited: (config.rateLimit ?? definition.options.rateLimit ?? false) !== false,
    ...(definition.options.auth === undefined ? {} : { securitySchemes: securitySchemes(config.env === 'production') }),
    hasTenants: definition.options.auth?.tenants !== undefined,
    customSchemas: fastify.getSchemas(),
  }
}

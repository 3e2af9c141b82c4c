// What an application answers, as data, without a database: for `plinth routes`, `plinth openapi` and the infrastructure.

import type { Config } from '../core/config.ts'
import { silentLog } from '../core/log.ts'
import { createMetrics } from '../core/metrics.ts'
import { noPeers } from '../core/processes/peers.ts'
import type { Database } from '../db/database.ts'
import type { RegisteredRoute } from '../http/route.ts'
import { type App, composeApp, readRegistry } from './create.ts'
import type { AppDefinition } from './define.ts'

/** The application composed but not connected: its routes exist, its database refuses. */
export function composeUnconnected(definition: AppDefinition, config: Config): Promise<App> {
  return composeApp(definition, {
    config,
    log: silentLog(),
    peers: noPeers(),
    metrics: createMetrics(),
    db: noDatabase,
    redis: undefined,
    cache: undefined,
    registry: readRegistry(definition),
    closeRest: async () => {},
  })
}

export async function describeRoutes(definition: AppDefinition, config: Config): Promise<readonly RegisteredRoute[]> {
  const app = await composeUnconnected(definition, config)
  await app.fastify.ready()
  return app.routes
}

const noDatabase: Database = new Proxy({} as Database, {
  get(_target, name) {
    throw new Error(`This command describes the application without a database, and yet db.${String(name)} was used.`)
  },
})

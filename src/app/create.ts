// `createApp`: the composition root. Everything an application is made of is put together here, in this order, once.

import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Config } from '../core/config.ts'
import { createLog, type Logger } from '../core/log.ts'
import { type LogStream, openLogStream } from '../core/log-stream.ts'
import { createMetrics } from '../core/metrics.ts'
import { createDatabase } from '../db/create-database.ts'
import type { Database } from '../db/database.ts'
import { drainServer } from '../http/drain.ts'
import { createServer } from '../http/server.ts'
import { compileResources } from '../resource/compile.ts'
import { cursorKey } from '../resource/cursor.ts'
import { recordShaper } from '../resource/record-shaper.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { Engine } from '../resource/run.ts'
import { compileWriter, type Writer } from '../resource/writer.ts'
import { replyFormats } from '../rest/reply-format.ts'
import { addFaces } from './faces.ts'
import type { AppDefinition } from './define.ts'
import { readModels } from './models.ts'
import { type ResourceHandle, resourceHandle } from './resource-handle.ts'

export interface App {
  readonly name: string
  readonly definition: AppDefinition
  readonly config: Config
  readonly log: Logger
  readonly db: Database
  readonly engine: Engine
  readonly fastify: FastifyInstance
  /** A resource for code in this process. @throws Error when the application has no resource of that name */
  resource(name: string): ResourceHandle
  /** Runs a request without a socket. */
  inject(request: InjectOptions | string): Promise<LightMyRequestResponse>
  /** Listens. @returns the address, with the port that was taken */
  start(): Promise<{ readonly url: string }>
  /** Finishes what has begun, then closes listeners, connections and logs. */
  stop(): Promise<void>
}

/**
 * @param config  from `readConfig`
 * @throws AppError RESOURCE_INVALID_DEFINITION with every mistake, or the database's when the embedded one cannot start
 */
export async function createApp(definition: AppDefinition, config: Config): Promise<App> {
  const { options } = definition
  const stream = openLogStream(config.log, options.name)
  const log = createLog({ level: config.log.level, stream })
  const { models, declarations } = readModels(options)
  const registry = compileResources(declarations, models, options.relations)
  const db = await createDatabase({ ...config.database, root: config.root, env: config.env }, log)
  const engine: Engine = { db, registry, cursorKey: cursorKey(config.secrets.secretKey) }
  const writers = new Map([...registry.resources.values()].map((resource) => [resource.name, compileWriter(db, resource, recordShaper(resource))]))
  const metrics = createMetrics({ processMetrics: config.env === 'production' })
  const fastify = createServer({ config, log, metrics, errorReply: replyFormats[options.replies ?? 'envelope'].error })
  const app: App = {
    name: options.name,
    definition,
    config,
    log,
    db,
    engine,
    fastify,
    resource: (name) => handleOf(engine, registry.resources.get(name), writers.get(name), name),
    inject: (request) => fastify.inject(request),
    start: () => listen(app),
    stop: () => stop(app, stream),
  }
  await addFaces(app, { writers, metrics })
  return app
}

function handleOf(engine: Engine, resource: CompiledResource | undefined, writer: Writer | undefined, name: string): ResourceHandle {
  if (resource === undefined || writer === undefined) throw new Error(`The application has no resource "${name}".`)
  return resourceHandle(engine, resource, writer)
}

async function listen({ fastify, config, log }: App): Promise<{ url: string }> {
  const url = await fastify.listen({ host: config.api.host, port: config.api.port })
  log.info({ url }, 'listening')
  return { url }
}

async function stop({ fastify, db, log, config }: App, stream: LogStream): Promise<void> {
  await drainServer(fastify, config.limits, log)
  await fastify.close()
  await db.close()
  stream.close()
}

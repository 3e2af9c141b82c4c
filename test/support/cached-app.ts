// Applications with caches on one database, as several processes of a deployment: each has its own connections, memory and metrics.

import { tmpdir } from 'node:os'
import type { AppDefinition } from 'plinth'
import { onTestFinished } from 'vitest'
import { type App, createAppWith } from '../../src/app/create.ts'
import { schemaOf } from '../../src/app/models.ts'
import { trackingOf } from '../../src/app/tracking.ts'
import type { CacheInternals } from '../../src/cache/cache.ts'
import { readConfig } from '../../src/core/env.ts'
import type { Database, Reads } from '../../src/db/database.ts'
import { createSchema } from '../../src/testing/create-schema.ts'
import { send, type TestReply } from '../../src/testing/request.ts'
import { scratchDatabase, testDatabase } from './postgres.ts'

export interface CachedApp {
  readonly app: App
  readonly db: Database
  get(path: string, headers?: Record<string, string>): Promise<TestReply>
  post(path: string, body: unknown): Promise<TestReply>
  patch(path: string, body: unknown): Promise<TestReply>
  delete(path: string, body?: unknown): Promise<TestReply>
  /** Where the answer to a read came from. */
  status(path: string): Promise<unknown>
}

export interface CachedAppsOptions {
  readonly serverUrl?: string
  readonly environment?: Readonly<Record<string, string>>
  /** For each of the applications. */
  readonly internals?: readonly CacheInternals[]
  readonly count?: number
  /** SQL that is run before the applications start. */
  readonly sql?: string
}

/** The secret is the same for all, as for the processes of a deployment. */
const secret = 'a secret of forty characters, or a few more'

/** Makes a database with the tables of the definition and what their cache needs, and applications on it; two, when nothing is said. */
export async function cachedApps(definition: AppDefinition, options: CachedAppsOptions = {}): Promise<CachedApp[]> {
  const { serverUrl = testDatabase().url, count = 2, internals = [] } = options
  const scratch = await scratchDatabase(serverUrl)
  onTestFinished(() => scratch.drop())
  await createSchema(scratch.url, schemaOf(definition.options), trackingOf(definition))
  const apps: CachedApp[] = []
  for (let i = 0; i < count; i++) apps.push(await cachedApp(definition, scratch.url, options.environment, internals[i]))
  if (options.sql !== undefined) await apps[0]?.db.query(options.sql)
  return apps
}

/** One more application on a database that is there. */
export async function cachedApp(
  definition: AppDefinition,
  url: string,
  environment: Readonly<Record<string, string>> = {},
  internals: CacheInternals = {},
): Promise<CachedApp> {
  const variables = { APP_ENV: 'testing', LOG_LEVEL: 'silent', DATABASE_URL: url, API_PORT: '0', SECRET_KEY: secret, ...environment }
  const config = readConfig(variables, tmpdir())
  const app = await createAppWith({ cache: internals }, definition, config)
  await app.cache?.start()
  onTestFinished(() => app.stop())
  return {
    app,
    db: app.db,
    get: (path, headers) => send(app, { path, headers }),
    post: (path, body) => send(app, { method: 'POST', path, body }),
    patch: (path, body) => send(app, { method: 'PATCH', path, body }),
    delete: (path, body) => send(app, { method: 'DELETE', path, body }),
    status: async (path) => (await send(app, { path })).headers['x-cache'],
  }
}

/** Texts of the statements that are read through `db` until the returned function is called. */
export function watchReads(db: Database): () => string[] {
  const texts: string[] = []
  const { read, readAll } = db
  const watched: Reads = {
    read: (statement, options) => (texts.push(statement.text), read.call(db, statement, options)),
    readAll: (statements, options) => (texts.push(...statements.map(({ text }) => text)), readAll.call(db, statements, options)),
  }
  Object.assign(db, watched)
  return () => {
    delete (db as Partial<Database>).read
    delete (db as Partial<Database>).readAll
    return texts
  }
}

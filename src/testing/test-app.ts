// An application on a database of its own, for one test file: made from the models in milliseconds, gone afterwards.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, createApp } from '../app/create.ts'
import type { AppDefinition } from '../app/define.ts'
import { schemaOf } from '../app/models.ts'
import { trackingOf } from '../app/tracking.ts'
import { readConfig } from '../core/env.ts'
import { createScratchDatabase } from '../db/scratch-database.ts'
import { applyMigrations, createSchema } from './create-schema.ts'
import { send, type TestReply, type TestRequest } from './request.ts'
import { openTestServer } from './test-server.ts'

export interface TestAppOptions {
  /** Any database of a server on which databases may be made. Default: `DATABASE_URL`, and without it the embedded server of `root`. */
  readonly url?: string
  /** Folder of the application, whose `.env` is read and whose `.plinth/` the embedded server keeps its data in; default: where the tests were started. */
  readonly root?: string
  /** Variables of the configuration: `{ LOG_LEVEL: 'debug' }`. Nothing else of the environment reaches the application. */
  readonly environment?: Readonly<Record<string, string>>
  /**
   * Folder of migrations to make the tables with. Default: the models are the truth, and the tables are made from them, so that a
   * test sees a model as soon as it is saved. Name the folder when migrations hold what no model says: triggers, functions, data.
   */
  readonly migrations?: string
}

export interface TestApp {
  readonly app: App
  /** Of the database. */
  readonly url: string
  get(path: string, headers?: Record<string, string>): Promise<TestReply>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>
  patch(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>
  delete(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>
  /** Any method, any headers, and a body that need not be JSON. */
  request(request: TestRequest): Promise<TestReply>
  /** Runs the application's seed. */
  seed(): Promise<void>
  /** Stops the application and removes its database. */
  close(): Promise<void>
}

/**
 * @example
 * const test = await testApp(definition)
 * const reply = await test.post('/api/items', { name: 'Hammer' })
 */
export async function testApp(definition: AppDefinition, options: TestAppOptions = {}): Promise<TestApp> {
  const { url, close: closeDatabase } = await testDatabase(definition, options)
  // Of its own: what an application writes beside itself, somebody else could not read or replace.
  const folder = mkdtempSync(join(tmpdir(), 'plinth-test-app-'))
  const close = async (): Promise<void> => {
    rmSync(folder, { recursive: true, force: true })
    await closeDatabase()
  }
  try {
    const app = await createApp(definition, configOf(definition, url, folder, options))
    await app.cache?.start()
    await app.auth?.part.start?.()
    const stop = async (): Promise<void> => {
      await app.stop()
      await close()
    }
    return { ...requestsTo(app), app, url, seed: () => seed(app), close: stop }
  } catch (error) {
    await close()
    throw error
  }
}

/** A database with the application's tables. */
async function testDatabase(definition: AppDefinition, options: TestAppOptions): Promise<{ url: string; close(): Promise<void> }> {
  const server = await openTestServer(options)
  const database = await createScratchDatabase(server.url).catch(async (error: unknown) => {
    await server.stop()
    throw error
  })
  const close = async (): Promise<void> => {
    await database.drop()
    await server.stop()
  }
  try {
    if (options.migrations === undefined) await createSchema(database.url, schemaOf(definition.options), trackingOf(definition))
    else await applyMigrations(database.url, options.migrations)
    return { url: database.url, close }
  } catch (error) {
    await close()
    throw error
  }
}

function configOf({ options }: AppDefinition, url: string, folder: string, { environment }: TestAppOptions) {
  const variables = { APP_ENV: 'testing', LOG_LEVEL: 'silent', DATABASE_URL: url, API_PORT: '0', ...environment }
  return readConfig(variables, folder, options.environment)
}

function requestsTo(app: App): Pick<TestApp, 'get' | 'post' | 'put' | 'patch' | 'delete' | 'request'> {
  return {
    get: (path, headers) => send(app, { path, headers }),
    post: (path, body, headers) => send(app, { method: 'POST', path, body, headers }),
    put: (path, body, headers) => send(app, { method: 'PUT', path, body, headers }),
    patch: (path, body, headers) => send(app, { method: 'PATCH', path, body, headers }),
    delete: (path, body, headers) => send(app, { method: 'DELETE', path, body, headers }),
    request: (request) => send(app, request),
  }
}

async function seed(app: App): Promise<void> {
  await app.definition.options.seed?.(app, { progress: () => {} })
}

// An application on a database of its own, for one test file: made from the models in milliseconds, gone afterwards.

import { tmpdir } from 'node:os'
import { type App, createApp } from '../app/create.ts'
import type { AppDefinition } from '../app/define.ts'
import { schemaOf } from '../app/models.ts'
import { loadConfig, readConfig } from '../core/env.ts'
import { startEmbedded } from '../db/embedded/start.ts'
import { createScratchDatabase } from '../db/scratch-database.ts'
import { createSchema } from './create-schema.ts'

export interface TestAppOptions {
  /** Any database of a server on which databases may be made. Default: `DATABASE_URL`, and without it the embedded server of `root`. */
  readonly url?: string
  /** Folder whose `.plinth/` the embedded server keeps its data in; default: where the tests were started. */
  readonly root?: string
  /** Variables of the configuration: `{ LOG_LEVEL: 'debug' }`. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A reply with its body parsed. */
export interface TestReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into bodies whose shape it is about to check
  readonly body: any
}

export interface TestApp {
  readonly app: App
  readonly url: string
  get(path: string, headers?: Record<string, string>): Promise<TestReply>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>
  patch(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>
  delete(path: string, body?: unknown, headers?: Record<string, string>): Promise<TestReply>
  /** Stops the application and removes its database. */
  close(): Promise<void>
}

/**
 * @example
 * const test = await testApp(definition)
 * const reply = await test.post('/api/items', { name: 'Hammer' })
 */
export async function testApp(definition: AppDefinition, options: TestAppOptions = {}): Promise<TestApp> {
  const server = await serverFor(options)
  const database = await createScratchDatabase(server.url)
  await createSchema(database.url, schemaOf(definition.options))
  const config = readConfig(
    { APP_ENV: 'testing', LOG_LEVEL: 'silent', DATABASE_URL: database.url, API_PORT: '0', ...options.environment },
    tmpdir(),
    definition.options.environment,
  )
  const app = await createApp(definition, config)
  return {
    app,
    url: database.url,
    get: (path, headers) => send(app, 'GET', path, undefined, headers),
    post: (path, body, headers) => send(app, 'POST', path, body, headers),
    put: (path, body, headers) => send(app, 'PUT', path, body, headers),
    patch: (path, body, headers) => send(app, 'PATCH', path, body, headers),
    delete: (path, body, headers) => send(app, 'DELETE', path, body, headers),
    async close() {
      await app.stop()
      await database.drop()
      await server.stop()
    },
  }
}

interface Server {
  readonly url: string
  stop(): Promise<void>
}

/** An embedded server that the application itself is running on is joined, and left running. */
async function serverFor({ url, root = process.cwd() }: TestAppOptions): Promise<Server> {
  const known = url ?? loadConfig(tmpdir()).database.url
  return known === undefined ? startEmbedded({ root }) : { url: known, stop: async () => {} }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

async function send(app: App, method: Method, url: string, body: unknown, headers: Record<string, string> = {}): Promise<TestReply> {
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const reply = await app.inject({ method, url, headers: { ...type, ...headers }, ...payload })
  const json = reply.headers['content-type']?.includes('json') === true
  return { status: reply.statusCode, headers: reply.headers, text: reply.body, body: json ? JSON.parse(reply.body) : undefined }
}

// The contract of this API to the letter, over HTTP, with the database going away and coming back.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { servePlinth } from '../../../test/support/cli.ts'
import { startPostgres, type PostgresServer } from '../../../test/support/postgres-server.ts'
import { testDatabase } from '../../../test/support/postgres.ts'

let server: PostgresServer
let app: Awaited<ReturnType<typeof servePlinth>>

beforeAll(async () => {
  server = await startPostgres(testDatabase().binaries)
  const env = {
    DB_HOST: '127.0.0.1',
    DB_PORT: String(server.port),
    DB_NAME: 'postgres',
    DB_USER: 'postgres',
    DB_PASSWORD: 'any-4711',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: '6379',
  }
  app = await servePlinth(['start', '--prepare'], { cwd: join(import.meta.dirname, '..'), env })
}, 60_000)
afterAll(async () => {
  app.process.kill('SIGTERM')
  await app.exited
  await server.destroy()
})

const request = async (method: string, path: string, body?: string): Promise<{ status: number; text: string }> => {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const reply = await fetch(`${app.url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
  return { status: reply.status, text: await reply.text() }
}

test('health, create and get answer exactly as specified', async () => {
  expect(await request('GET', '/health')).toEqual({ status: 200, text: '{"status":"ok"}' })
  const stored = '{"id":1,"name":"Docker","description":"Compose test"}'
  expect(await request('POST', '/items', '{"name":"Docker","description":"Compose test"}')).toEqual({ status: 201, text: stored })
  expect(await request('GET', '/items/1')).toEqual({ status: 200, text: stored })
})

test('an item that is not there is a 404 that says so', async () => {
  const { status, text } = await request('GET', '/items/4711')
  expect(status).toBe(404)
  expect(JSON.parse(text)).toMatchObject({ message: 'There is no such record in "items".', status: 404 })
})

test('while the database is down items are answered 503 and health 200; when it is back they work again without a restart', async () => {
  await server.stop()
  const { status, text } = await request('GET', '/items/1')
  expect(status).toBe(503)
  expect(JSON.parse(text)).toMatchObject({ status: 503, code: 'DB_UNAVAILABLE' })
  expect((await request('GET', '/health')).status).toBe(200)
  await server.start()
  expect(await statusWithin(5_000)).toBe(200)
  expect((await request('POST', '/items', '{"name":"Back"}')).status).toBe(201)
})

/** The status of an item once it is no longer 503, or after `deadlineMs`. */
async function statusWithin(deadlineMs: number): Promise<number> {
  for (const deadline = Date.now() + deadlineMs; Date.now() < deadline; await sleep(50)) {
    const { status } = await request('GET', '/items/1')
    if (status !== 503) return status
  }
  return 503
}

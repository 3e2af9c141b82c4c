// The contract of this API to the letter, over HTTP, with Redis and the database going away and coming back.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { servePlinth } from '../../../test/support/cli.ts'
import { startPostgres, type PostgresServer } from '../../../test/support/postgres-server.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { hasRedis, type RedisServer, startRedis } from '../../../test/support/redis-server.ts'

let server: PostgresServer
let redis: RedisServer | undefined
let app: Awaited<ReturnType<typeof servePlinth>>

beforeAll(async () => {
  server = await startPostgres(testDatabase().binaries)
  redis = hasRedis() ? await startRedis() : undefined
  const env = {
    DB_HOST: '127.0.0.1',
    DB_PORT: String(server.port),
    DB_NAME: 'postgres',
    DB_USER: 'postgres',
    DB_PASSWORD: 'any-4711',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis?.port ?? 1),
  }
  app = await servePlinth(['start', '--prepare'], { cwd: join(import.meta.dirname, '..'), env })
}, 60_000)
afterAll(async () => {
  app.process.kill('SIGTERM')
  await app.exited
  await redis?.destroy()
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

test.skipIf(!hasRedis())('later lookups come from Redis and are the same; with Redis stopped no answer changes', async () => {
  const { text } = await request('GET', '/items/1')
  await untilFromRedis('/items/1')
  expect((await request('GET', '/items/1')).text).toBe(text)
  await redis?.stop()
  for (let time = 0; time < 5; time += 1) expect(await request('GET', '/items/1')).toEqual({ status: 200, text })
  expect(await request('POST', '/items', '{"name":"Alone"}')).toEqual({ status: 201, text: '{"id":2,"name":"Alone","description":null}' })
  expect((await request('GET', '/items/2')).text).toBe('{"id":2,"name":"Alone","description":null}')
  await redis?.start()
  await untilFromRedis('/items/2')
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

/** A hit while Redis has a row: the process's own memory alone would not be enough. */
async function untilFromRedis(path: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(50)) {
    const { headers } = await fetch(`${app.url}${path}`)
    const rows = await redis?.command('EVAL', 'return#redis.call([[keys]],[[*:r:*]])', '0')
    if (headers.get('x-cache') === 'hit' && rows !== ':0') return
  }
  throw new Error(`${path} does not come from Redis.`)
}

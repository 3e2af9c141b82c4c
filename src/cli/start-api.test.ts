import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { plinth, servePlinth, spawnPlinth, temporaryApp, type RunningPlinth } from '../../test/support/cli.ts'
import { scratchDatabase, type ScratchDatabase } from '../../test/support/postgres.ts'

/** Items, and a route that takes its time. */
const slowRoute = `import { defineApp } from 'plinth'
import * as models from './models/index.ts'
import * as resources from './resources/index.ts'
import { seed } from './seed.ts'
export default defineApp({ name: 'items', models, resources, seed, routes: [async (fastify) => {
  fastify.get('/slow', async () => {
    await new Promise((resolve) => setTimeout(resolve, 500))
    return { finished: true }
  })
}] })
`
const app = temporaryApp({ 'api/app.ts': slowRoute })
let database: ScratchDatabase
const running: RunningPlinth[] = []

beforeEach(async () => {
  database = await scratchDatabase()
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.process.kill('SIGKILL')
    await child.exited
  }
  await database.drop()
})
afterAll(() => app.remove())

async function serve(args: readonly string[], env: Record<string, string> = {}): Promise<RunningPlinth & { readonly url: string }> {
  const child = await servePlinth(['start', 'api', ...args], { cwd: app.root, env: { DATABASE_URL: database.url, ...env } })
  running.push(child)
  return child
}

test('it migrates and seeds when asked, prints where it serves, once, and serves', async () => {
  const { url, stdout, stderr } = await serve(['--prepare'])
  const lines = stdout().trimEnd().split('\n')
  expect(lines).toEqual([
    expect.stringMatching(/^applied {2}0001_create_items {2}\d+ ms$/),
    'items is running',
    `  API   ${url}/api`,
    `  Docs  ${url}/docs`,
    '  Stop with Ctrl+C',
  ])
  expect(stderr()).toBe('')
  expect(((await (await fetch(`${url}/api/items`)).json()) as { data: unknown[] }).data).toHaveLength(3)
})

test('a database that lacks migrations is said after the start', async () => {
  const child = await serve([])
  await child.says('Apply them')
  expect(child.stderr()).toBe('The database lacks migrations:\n  - 0001_create_items\nApply them: plinth db upgrade\n')
})

describe('its end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s finishes the requests that have begun, and ends with 0', async (signal) => {
    const child = await serve([])
    const answer = fetch(`${child.url}/slow`)
    await sleep(200)
    child.process.kill(signal)
    expect(await (await answer).json()).toEqual({ finished: true })
    expect(await child.exited).toBe(0)
  })

  test('the same Ctrl+C from the terminal and from npm is one; a later one ends at once', async () => {
    const child = await serve([], { DRAIN_TIME: '10s' })
    child.process.kill('SIGINT')
    child.process.kill('SIGINT')
    await sleep(1_200)
    expect(child.process.exitCode).toBeNull()
    child.process.kill('SIGINT')
    expect(await child.exited).toBe(130)
  })

  test('a signal that comes while the embedded database is being made ends it as well, and leaves nothing running', async () => {
    const child = spawnPlinth(['start', 'api'], { cwd: app.root })
    running.push(child)
    const home = join(app.root, '.plinth/postgres')
    while (!existsSync(home)) await sleep(5)
    child.process.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    expect(existsSync(join(home, 'data/PG_VERSION'))).toBe(true)
    expect(existsSync(join(home, 'data/postmaster.pid'))).toBe(false)
  })
})

test('of two that start together one migrates and seeds, the other waits for it', async () => {
  app.write(
    'migrations/0001_create_items/up.sql',
    `select pg_sleep(1);\nCREATE TABLE items (id serial primary key, name varchar(100) not null, description text, created_at timestamptz not null default now(), updated_at timestamptz not null default now());\n`,
  )
  const [one, other] = await Promise.all([serve(['--prepare']), serve(['--prepare'])])
  const output = [one, other].map((child) => child.stdout() + child.stderr())
  expect(output.filter((text) => text.includes('applied  0001_create_items'))).toHaveLength(1)
  expect(output.filter((text) => text.includes('Another process is migrating; waiting for it …'))).toHaveLength(1)
  expect(((await (await fetch(`${other.url}/api/items`)).json()) as { data: unknown[] }).data).toHaveLength(3)
})

test('a port that is taken ends it with 1, and names the port and the variable', async () => {
  const port = new URL((await serve([])).url).port
  const { code, stdout, stderr } = await plinth(['start', 'api'], { cwd: app.root, env: { DATABASE_URL: database.url, API_PORT: port } })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(
    `Port ${port} is in use by another process.\nStop that process, or choose another port: API_PORT=${Number(port) + 1}\n`,
  )
})

test('in production its log is JSON and says once where it listens', async () => {
  const secrets = { SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7', JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8' }
  const child = await serve([], { APP_ENV: 'production', ...secrets })
  child.process.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  const lines = child
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: string })
  expect(lines.map(({ message }) => message)).toEqual(['listening', 'stopping'])
})

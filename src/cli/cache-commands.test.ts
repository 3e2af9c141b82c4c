import { join } from 'node:path'
import { Client } from 'pg'
import type { AppDefinition } from 'plinth'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Finished, plinth, type RunningPlinth, servePlinth, temporaryApp, type TemporaryApp } from '../../test/support/cli.ts'
import { freePort } from '../../test/support/postgres-server.ts'
import { scratchDatabase } from '../../test/support/postgres.ts'
import { redisServer, until } from '../../test/support/redis.ts'
import { cacheDeskPath, type CacheRequest, type StatsAnswer, tokenText, type WhyAnswer } from '../app/cache-desk.ts'
import { schemaOf } from '../app/models.ts'
import { trackingOf } from '../app/tracking.ts'
import type { Explanation } from '../cache/explain.ts'
import { operatorToken } from '../core/operator-token.ts'
import { createSchema } from '../testing/create-schema.ts'

/** Four ways to be cached, and one not to be. */
const source = `import { anyone, defineApp, defineResource } from 'plinth'
import { pgTable, serial, text } from 'plinth/db'
const table = (name) => pgTable(name, { id: serial().primaryKey(), name: text().notNull() })
const [books, rows, near, plain] = ['books', 'rows', 'near', 'plain'].map(table)
const access = { read: anyone, write: anyone }
export default defineApp({ name: 'shop', models: { books, rows, near, plain }, resources: [
  defineResource(books, { access, cache: '5m' }),
  defineResource(rows, { access, cache: { ttl: '5m', mode: 'fenced' } }),
  defineResource(near, { access, cache: { ttl: '5m', near: '30s' } }),
  defineResource(plain, { access }),
] })
`

/** Starting commands is most of the time that these tests take. */
const patient = { timeout: 90_000 }

const secrets = { SECRET_KEY: `${'a1B2-'.repeat(10)}x`, JWT_SECRET_KEY: `${'c3D4-'.repeat(10)}y` }
const running: RunningPlinth[] = []
let app: TemporaryApp
let definition: AppDefinition

beforeAll(async () => {
  app = temporaryApp({ 'api/app.ts': source, 'package.json': '{"type":"module"}' }, { from: 'nothing' })
  const module = (await import(join(app.root, 'api/app.ts'))) as { readonly default: AppDefinition }
  definition = module.default
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.process.kill('SIGKILL')
    await child.exited
  }
})
afterAll(() => app.remove())

interface Shop {
  readonly url: string
  readonly databaseUrl: string
  /** `plinth cache …` about the running application. */
  cache(...args: string[]): Promise<Finished>
  /** The same without the command, for what is asked again and again. */
  ask<answer>(request: CacheRequest): Promise<answer>
  /** What the first process says of an address or a key. */
  why(about: string): Promise<Explanation>
  /** Where the answer came from. */
  read(path: string): Promise<string | null>
  create(resource: string): Promise<void>
  sql(text: string): Promise<void>
}

async function startShop(environment: Record<string, string> = {}, args: readonly string[] = []): Promise<Shop> {
  const database = await scratchDatabase()
  onTestFinished(() => database.drop())
  await createSchema(database.url, schemaOf(definition.options), trackingOf(definition))
  const env = { DATABASE_URL: database.url, LOG_LEVEL: 'error', ...secrets, ...environment }
  const child = await servePlinth(['start', 'api', ...args], { cwd: app.root, env })
  running.push(child)
  const { url } = child
  const ask = async <answer>(request: CacheRequest): Promise<answer> => {
    const token = operatorToken(secrets.SECRET_KEY, tokenText(request))
    const headers = { 'content-type': 'application/json', authorization: `Operator ${token}` }
    const reply = await fetch(`${url}${cacheDeskPath}`, { method: 'POST', headers, body: JSON.stringify(request) })
    expect(reply.status).toBe(200)
    return (await reply.json()) as answer
  }
  return {
    url,
    databaseUrl: database.url,
    ask,
    cache: (...words) => plinth(['cache', ...words, '--url', url], { cwd: app.root, env }),
    async why(about) {
      const [first] = (await ask<WhyAnswer>({ want: 'why', about })).processes
      if (first?.answer === undefined) throw new Error('No process has answered.')
      return first.answer as Explanation
    },
    read: async (path) => (await fetch(`${url}${path}`)).headers.get('x-cache'),
    async create(resource) {
      const body = JSON.stringify({ name: 'one' })
      const reply = await fetch(`${url}/api/${resource}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      expect(reply.status).toBe(201)
    },
    async sql(text) {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      await client.query(text)
      await client.end()
    },
  }
}

async function isFencedOn({ ask }: Shop): Promise<boolean> {
  const { processes } = await ask<StatsAnswer>({ want: 'stats' })
  return processes.every(({ answer }) => answer?.fenced?.ok === true)
}

describe('without Redis', patient, () => {
  test('why says before each read what X-Cache says of it', async () => {
    const shop = await startShop()
    for (const resource of ['books', 'near', 'rows']) await shop.create(resource)
    for (const path of ['/api/books/1', '/api/books?filter[name]=one', '/api/near', '/api/rows/1', '/api/rows']) {
      for (let time = 0; time < 2; time += 1) {
        const { verdict } = await shop.why(path)
        expect(await shop.read(path), `${path} ${time}`).toBe(verdict)
      }
    }
    expect(await shop.read('/api/near')).toBe('near')
    await shop.sql(`update books set name = 'two'`)
    expect(await shop.why('/api/books/1')).toMatchObject({ verdict: 'miss', because: 'Its tables were written to since.' })
    expect(await shop.read('/api/books/1')).toBe('miss')
    await shop.sql('alter table books disable trigger all')
    await until(async () => (await shop.read('/api/books')) === 'bypass')
    expect(await shop.why('/api/books')).toMatchObject({ verdict: 'bypass', untracked: ['"books"'] })
  })

  test('why tells mode, tables, version and what is in memory, for people', async () => {
    const shop = await startShop()
    await shop.create('books')
    await shop.read('/api/books/1')
    const { stdout, code } = await shop.cache('why', `${shop.url}/api/books/1`)
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'resource  books',
      'mode      verified, kept for 5 min',
      expect.stringMatching(/^key {7}[\w-]{43}\.1$/),
      'tables    "books"',
      expect.stringMatching(/^version {3}\S/),
      'Process 1 would answer: hit. This process has the answer for the version of now.',
      expect.stringMatching(/^ {2}memory {2}\d+ bytes, for [45] min more, of the version of now$/),
      '  redis   not configured',
      '',
    ])
    const { key } = await shop.why('/api/books/1')
    const asJson = JSON.parse((await shop.cache('why', '/api/books/1', '--json')).stdout) as WhyAnswer
    expect(asJson).toMatchObject({ resource: 'books', processes: [{ worker: 1, answer: { key, verdict: 'hit' } }] })
    expect((await shop.cache('why', key)).stdout).toMatch(/^Process 1\n {2}memory {2}\d+ bytes, for .*, of version .*\n {2}redis {3}not/)
  })

  test('why says of the fenced cache that it is off, and why', async () => {
    const shop = await startShop()
    expect((await shop.cache('why', '/api/rows/1')).stdout).toContain('  fenced  off: Redis is not configured\n')
  })

  test('why says what is not cached, and what an address is refused for', async () => {
    const shop = await startShop()
    const said = async (about: string): Promise<string> => (await shop.cache('why', about)).stdout
    expect(await said('/api/plain/1')).toBe('Not cached. The resource "plain" has no cache.\n')
    expect(await said('/api/nothing')).toBe('Not cached. No resource reads at this address.\n')
    for (const about of ['/health', '/api/books/1/2', '/api/books/%zz', '/api/booksy'])
      expect(await shop.ask({ want: 'why', about }), about).toMatchObject({ uncached: 'No resource reads at this address.' })
    const refused = await shop.cache('why', '/api/books?filter[nam]=x')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('name')
    expect(refused.stderr).not.toContain(' at ')
  })

  test('stats counts what X-Cache said, and clear drops what is kept', async () => {
    const shop = await startShop()
    for (const path of ['/api/books', '/api/books', '/api/books', '/api/near', '/api/near']) await shop.read(path)
    const lines = (await shop.cache('stats')).stdout.split('\n')
    expect(lines[0]).toMatch(/^RESOURCE +HIT +NEAR +MISS +BYPASS +FROM CACHE/)
    expect(lines[1]?.split(/ {2,}/).slice(0, 6)).toEqual(['books', '2', '0', '1', '0', '66.7 %'])
    expect(lines[2]?.split(/ {2,}/).slice(0, 6)).toEqual(['near', '0', '1', '1', '0', '50 %'])
    expect(lines[3]).toMatch(/^Process 1 \(pid \d+\): 2 answers, [\d.]+ KB of 64 MB, 0 made room\.$/)
    expect(lines.slice(4)).toEqual(['  The fenced cache is off: Redis is not configured.', 'Redis is not configured.', ''])
    expect(await shop.cache('clear')).toMatchObject({ code: 0, stdout: 'Cleared.\n' })
    expect(await shop.read('/api/books')).toBe('miss')
    expect(await shop.read('/api/near')).toBe('miss')
  })

  test('every one of several processes is asked, and cleared', async () => {
    const shop = await startShop({}, ['--processes', '2'])
    const processes = async () =>
      (await shop.ask<WhyAnswer>({ want: 'why', about: '/api/books' })).processes.map(({ answer }) => answer?.memory)
    // Connections go to one process after the other.
    await until(async () => {
      for (let time = 0; time < 3; time += 1)
        await fetch(`${shop.url}/api/books`, { headers: { connection: 'close' } }).then((reply) => reply.text())
      const kept = await processes()
      return kept.length === 2 && kept.every((memory) => memory !== undefined)
    }, 20_000)
    await shop.cache('clear')
    expect(await processes()).toEqual([undefined, undefined])
  })
})

describe('with Redis', patient, () => {
  test('why and X-Cache tell of the fenced row, from the switch to the hit, and of a lock', async () => {
    const redis = await redisServer()
    const shop = await startShop({ REDIS_URL: redis.url })
    await shop.create('rows')
    await until(() => isFencedOn(shop))
    expect(await shop.why('/api/rows/1')).toMatchObject({ mode: 'fenced', verdict: 'miss', because: 'The row is not in Redis yet.' })
    expect(await shop.read('/api/rows/1')).toBe('miss')
    await until(async () => (await shop.why('/api/rows/1')).verdict === 'hit')
    expect(await shop.read('/api/rows/1')).toBe('hit')
    expect((await shop.cache('why', '/api/rows/1')).stdout).toMatch(/ {2}fenced {2}on, \d+ bytes for [45] min more: fenced:\{\S+:r:\S+:1\n/)
    const key = /fenced:\{.*:1/.exec((await shop.cache('why', '/api/rows/1')).stdout)?.[0] ?? ''
    await redis.command('HSET', `plinth:shop:${key}`, 'x', '1', 'x:token.1', '1')
    expect(await shop.why('/api/rows/1')).toMatchObject({ verdict: 'bypass', fenced: { on: true, row: { locked: true } } })
    expect(await shop.read('/api/rows/1')).toBe('bypass')
  })

  test('an entry in Redis is found by its key, and clear says how many were there', async () => {
    const redis = await redisServer()
    const shop = await startShop({ REDIS_URL: redis.url })
    await until(async () => (await shop.ask<StatsAnswer>({ want: 'stats' })).redis.length === 1)
    await shop.read('/api/books')
    await until(async () => (await shop.why('/api/books')).redis !== undefined)
    const { key } = await shop.why('/api/books')
    expect(await redis.command('EXISTS', `plinth:shop:v:${key}`)).toBe(':1')
    expect(await shop.why(`plinth:shop:v:${key}`)).toMatchObject({ redis: { bytes: expect.any(Number) as number } })
    expect(await shop.cache('clear')).toMatchObject({ code: 0, stdout: 'Cleared, 1 of the answers in Redis.\n' })
    expect(await redis.command('EXISTS', `plinth:shop:v:${key}`)).toBe(':0')
    expect(await shop.read('/api/books')).toBe('miss')
  })

  test('a Redis that is away is said, and what can be cleared is', async () => {
    const redis = await redisServer()
    const shop = await startShop({ REDIS_URL: redis.url })
    await until(() => isFencedOn(shop))
    await shop.read('/api/books')
    await redis.stop()
    await until(async () => (await shop.ask<StatsAnswer>({ want: 'stats' })).redis.length === 0)
    await until(async () => !(await isFencedOn(shop)))
    expect((await shop.cache('stats')).stdout).toContain('Redis cannot be reached.')
    expect((await shop.cache('why', '/api/rows/1')).stdout).toContain('  fenced  off: Redis cannot be reached\n')
    const cleared = await shop.cache('clear')
    expect(cleared.code).toBe(1)
    expect(cleared.stdout).toContain('Redis cannot be reached: what it has stays')
    expect(await shop.read('/api/books')).toBe('miss')
  })
})

describe('who may ask', patient, () => {
  test('a request without the secret, or for something else, is told that there is nothing', async () => {
    const shop = await startShop()
    for (const authorization of ['', 'Operator', 'Operator 1.x', `Operator ${Date.now()}.${'x'.repeat(43)}`]) {
      const headers = { 'content-type': 'application/json', authorization }
      const reply = await fetch(`${shop.url}/health/cache`, { method: 'POST', headers, body: '{"want":"clear"}' })
      expect(reply.status).toBe(404)
      expect(await reply.text()).toContain('HTTP_NOT_FOUND')
    }
    const asked = await plinth(['cache', 'stats', '--url', shop.url], { cwd: app.root, env: { DATABASE_URL: shop.databaseUrl } })
    expect(asked).toMatchObject({ code: 1, stdout: '' })
    expect(asked.stderr).toMatch(/another SECRET_KEY/)
  })

  test('an application that does not run is said, and one that caches nothing', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none', API_PORT: String(await freePort()) }
    expect(await plinth(['cache', 'clear'], { cwd: app.root, env })).toEqual({
      code: 1,
      stdout: '',
      stderr: `No application answers at http://127.0.0.1:${env.API_PORT}. Start it, or say where it runs: --url http://host:port\n`,
    })
    expect(await plinth(['cache', 'clear', '--url', 'localhost'], { cwd: app.root, env })).toMatchObject({ code: 2 })
    const plain = temporaryApp({ 'api/app.ts': source.replaceAll(/, cache: ('5m'|\{[^}]*\})/g, '') }, { from: 'nothing' })
    onTestFinished(() => plain.remove())
    const uncached = await plinth(['cache', 'stats'], { cwd: plain.root, env })
    expect(uncached.code).toBe(2)
    expect(uncached.stderr).toMatch(/^No resource of this application is cached/)
  })

  test('in production replies do not say where they came from, and the command does', async () => {
    const shop = await startShop({ APP_ENV: 'production', LOG_LEVEL: 'info' })
    for (let time = 0; time < 2; time += 1) expect(await shop.read('/api/books')).toBeNull()
    expect(await shop.why('/api/books')).toMatchObject({ verdict: 'hit' })
  })
})

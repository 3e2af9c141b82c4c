// Rate limits of resources and whole applications, counted where their processes see them.

import { anyone, type AppDefinition, type AppOptions, defineApp, defineResource, type ResourceRateLimit, type RoutePlugin } from 'plinth'
import { pgTable, serial, text } from 'plinth/db'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CachedApp, cachedApp, cachedApps } from '../../test/support/cached-app.ts'
import { compileDocument } from '../../test/support/openapi.ts'
import { type ScratchDatabase, scratchDatabase } from '../../test/support/postgres.ts'
import { redisServer } from '../../test/support/redis.ts'
import { readRegistry } from '../app/create.ts'
import { createSchema } from '../testing/create-schema.ts'

const notes = pgTable('notes', { id: serial().primaryKey(), text: text().notNull() })
const tags = pgTable('tags', { id: serial().primaryKey(), name: text().notNull() })
const access = { read: anyone, write: anyone }

function definition(rateLimit?: ResourceRateLimit, more: Partial<AppOptions> = {}) {
  const resources = [defineResource(notes, { access, ...(rateLimit === undefined ? {} : { rateLimit }) }), defineResource(tags, { access })]
  return defineApp({ name: 'limited', models: { notes, tags }, resources, ...more })
}

let database: ScratchDatabase
beforeAll(async () => {
  database = await scratchDatabase()
  await createSchema(database.url, { notes, tags })
})
afterAll(() => database.drop())

/** Applications on one database, in which nothing is counted yet. */
async function applications(made: AppDefinition, count = 1, environment: Record<string, string> = {}): Promise<CachedApp[]> {
  const psql = new Client({ connectionString: database.url })
  await psql.connect()
  await psql.query('TRUNCATE plinth.rate_counters, plinth.idempotency')
  await psql.end()
  const apps: CachedApp[] = []
  while (apps.length < count) apps.push(await cachedApp(made, database.url, environment))
  return apps
}

type Ask = (app: CachedApp) => Promise<{ readonly status: number }>

const list: Ask = (app) => app.get('/api/notes')
const create: Ask = (app) => app.post('/api/notes', { text: 'a' })
const createMany: Ask = (app) => app.post('/api/notes', [{ text: 'a' }, { text: 'b' }])

/** The statuses of requests to the applications in turn. */
async function statuses(apps: readonly CachedApp[], ...asks: readonly Ask[]): Promise<number[]> {
  const found: number[] = []
  for (const [number, ask] of asks.entries()) {
    const app = apps[number % apps.length]
    if (app !== undefined) found.push((await ask(app)).status)
  }
  return found
}

describe('a resource', () => {
  test('has one count for all its operations, and a request with many records is one', async () => {
    const apps = await applications(definition('4/1m'))
    const read: Ask = (app) => app.get('/api/notes/1')
    expect(await statuses(apps, createMany, list, read, create, list, create)).toEqual([201, 200, 200, 201, 429, 429])
    expect(await statuses(apps, (app) => app.get('/api/tags'))).toEqual([200])
  })

  test('has counts by operation where it names them, the narrow word before the wide one', async () => {
    const apps = await applications(definition({ read: '2/1m', create: '1/1m' }, { rateLimit: '1/1h' }))
    const patch: Ask = (app) => app.patch('/api/notes/1', { text: 'b' })
    expect(await statuses(apps, create, create)).toEqual([201, 429])
    expect(await statuses(apps, list, (app) => app.get('/api/notes/1'), list)).toEqual([200, 200, 429])
    // Nothing is said of it, so the limit of the application holds, which it shares with other resources.
    expect(await statuses(apps, patch, (app) => app.get('/api/tags'))).toEqual([200, 429])
  })

  test('is not limited where it says so', async () => {
    const apps = await applications(definition({ write: false }, { rateLimit: '1/1m' }))
    expect(await statuses(apps, create, create, list, list)).toEqual([201, 201, 200, 429])
  })

  test('has every mistake in its limit found at start', () => {
    const problems = (rateLimit: unknown): string[] => {
      try {
        readRegistry(definition(rateLimit as ResourceRateLimit))
        return []
      } catch (error) {
        return (error as Error).message.split('\n').slice(1)
      }
    }
    expect(problems({ reed: '1/1m', create: 'x', list: { max: 1, per: '1m', by: () => 'a' } })).toEqual([
      expect.stringContaining('resource "notes": rateLimit: "reed" is not an operation. Perhaps you meant "read".'),
      expect.stringContaining('rateLimit.create: "x" is not a limit'),
      expect.stringContaining('rateLimit.list: by is "address" or "caller" here.'),
    ])
    expect(problems('5')).toEqual([expect.stringContaining('rateLimit: "5" is not a limit')])
    expect(problems({ max: 1, per: 'x' })).toEqual([expect.stringContaining('rateLimit: per is a time')])
  })
})

test('RATE_LIMIT takes the place of what the application says for all routes', async () => {
  const [two, off] = [{ RATE_LIMIT: '2/1m' }, { RATE_LIMIT: 'off' }]
  expect(await statuses(await applications(definition(undefined, { rateLimit: '1/1m' }), 1, two), list, list, list)).toEqual([
    200, 200, 429,
  ])
  expect(await statuses(await applications(definition(undefined, { rateLimit: '1/1m' }), 1, off), list, list, list)).toEqual([
    200, 200, 200,
  ])
  await expect(applications(definition(), 1, { RATE_LIMIT: '2 per minute' })).rejects.toMatchObject({
    code: 'CORE_INVALID_CONFIG',
    message: expect.stringContaining('RATE_LIMIT is not usable: "2 per minute" is not a limit such as "600/1m"'),
  })
})

test('an application with mistakes in its limits is not made, and is told all of them', async () => {
  const routes: RoutePlugin[] = [(fastify) => void fastify.get('/hello', { config: { rateLimit: '5/0s' } }, () => 'hello')]
  await expect(applications(definition(undefined, { rateLimit: 'often', routes }))).rejects.toMatchObject({
    code: 'HTTP_INVALID_RATE_LIMITS',
    message: expect.stringMatching(/ {2}- rateLimit: "often" is not a limit.*\n {2}- GET \/hello: config\.rateLimit: per is a time/),
  })
})

test('a request that is repeated with its Idempotency-Key is a request', async () => {
  const [app] = await applications(definition({ create: '2/1m' }))
  const repeated = async () =>
    app?.app
      .inject({ method: 'POST', url: '/api/notes', headers: { 'idempotency-key': 'k1' }, payload: { text: 'a' } })
      .then(({ statusCode, headers }) => ({
        status: statusCode,
        replayed: headers['idempotency-replayed'],
        left: headers['ratelimit-remaining'],
      }))
  const [first, second, third] = [await repeated(), await repeated(), await repeated()]
  expect(first).toMatchObject({ status: 201, left: '1' })
  // What is said of the limit is of this request, not of the first one.
  expect(second).toMatchObject({ status: 201, replayed: 'true', left: '0' })
  expect(third).toMatchObject({ status: 429 })
})

describe.each(['Redis', 'PostgreSQL'])('counted in %s', (where) => {
  const environment = async (): Promise<Record<string, string>> =>
    where === 'Redis' ? { REDIS_URL: (await redisServer()).url, REDIS_BUDGET: '1s' } : {}

  test('two processes have one limit between them', async () => {
    const apps = await applications(definition('3/1m'), 2, await environment())
    expect(await statuses(apps, list, list, list, list, list)).toEqual([200, 200, 200, 429, 429])
  })
})

test('reads that near copies answer are counted like all others', async () => {
  const resources = (rateLimit?: ResourceRateLimit) => [
    defineResource(notes, { access, cache: { ttl: '5m', near: '1m' }, ...(rateLimit === undefined ? {} : { rateLimit }) }),
  ]
  const [limited] = await cachedApps(defineApp({ name: 'limited', resources: resources('4/1m') }), { count: 1 })
  const [free] = await cachedApps(defineApp({ name: 'free', resources: resources() }), { count: 1 })
  const read = async (app?: CachedApp) => {
    const { url = '' } = (await app?.app.start()) ?? {}
    const found: unknown[] = []
    for (const _ of '123456')
      found.push(await fetch(`${url}/api/notes`).then(({ status, headers }) => `${status} ${headers.get('x-cache')}`))
    return found
  }
  expect(await read(limited)).toEqual(['200 miss', '200 near', '200 near', '200 near', '429 null', '429 null'])
  expect((await read(free)).slice(4)).toEqual(['200 near', '200 near'])
})

test('a Redis that is killed fails and delays nothing, and gives nobody the limit once more', async () => {
  const server = await redisServer()
  const apps = await applications(definition('6/1m'), 2, { REDIS_URL: server.url, REDIS_BUDGET: '1s' })
  expect(await statuses(apps, list, list)).toEqual([200, 200])
  server.signal('SIGKILL')
  // The one that has heard of both comes first; the other would begin where it was.
  expect(await statuses(apps.toReversed(), list, list, list, list, list, list)).toEqual([200, 200, 200, 200, 429, 429])
})

test('without a database, limited routes that do not need it go on, each process by its own count', async () => {
  const hello: RoutePlugin = (fastify) => void fastify.get('/hello', { config: { rateLimit: '2/1m' } }, () => 'hello')
  const apps = await applications(definition(undefined, { routes: [hello] }))
  await apps[0]?.db.close()
  const ask: Ask = (app) => app.get('/hello')
  expect(await statuses(apps, ask, ask, ask)).toEqual([200, 200, 429])
})

test('the document names the refusal and the headers of limited operations, and of no others', async () => {
  const custom: RoutePlugin = (fastify) => {
    fastify.get('/limited', { config: { rateLimit: '1/1m' } }, () => 'done')
    fastify.get('/free', () => 'done')
  }
  const [app] = await applications(definition({ create: '3/1m' }, { routes: [custom] }))
  const document = (await app?.get('/openapi.json'))?.body as Described
  const limited = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, operation]) => '429' in (operation.responses ?? {}))
      .map(([method]) => `${method} ${path}`),
  )
  expect(limited.toSorted()).toEqual(['get /limited', 'post /api/notes'])
  const { 201: created } = document.paths['/api/notes']?.['post']?.responses ?? {}
  expect(Object.keys(created?.headers ?? {})).toEqual(
    expect.arrayContaining(['RateLimit', 'RateLimit-Policy', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset']),
  )
  const { examples, fits } = compileDocument(document)
  for (const { pointer, value } of examples) expect(fits(pointer, value), pointer).toEqual([])
})

interface Described {
  readonly paths: Record<string, Record<string, { readonly responses?: Record<string, { readonly headers?: object }> }>>
}

// An application with Redis, one that never had any, and one whose Redis goes and comes back in the middle are asked the same: everything
// the OpenAPI document allows and forbids. The answers must be the same, and none a failure.

import { setTimeout as sleep } from 'node:timers/promises'
import { type AppDefinition, anyone, defineApp, defineResource, type RoutePlugin } from 'plinth'
import { boolean, integer, numeric, pgTable, serial, softDelete, text, varchar } from 'plinth/db'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'
import { fuzzContract } from './contract-fuzzer.ts'
import { amount, report, seed } from './support/amount.ts'
import { type Caller, type Call, describeCall, inLanes, type Reply } from './support/caller.ts'
import { type LiveApp, liveApp } from './support/live-app.ts'

const timeoutMs = 300_000

const makers = pgTable('makers', { id: serial().primaryKey(), name: varchar({ length: 60 }).notNull().unique() })
const products = pgTable('products', {
  id: serial().primaryKey(),
  maker_id: integer().references(() => makers.id),
  name: text().notNull(),
  price: numeric({ precision: 8, scale: 2 }),
  sold_out: boolean().notNull().default(false),
})
const reviews = pgTable('reviews', {
  id: serial().primaryKey(),
  product_id: integer()
    .notNull()
    .references(() => products.id, { onDelete: 'cascade' }),
  text: text().notNull(),
  ...softDelete,
})

/** Each mode of the cache, with relations between them. */
function shop(routes: readonly RoutePlugin[] = []): AppDefinition {
  const access = { read: anyone, write: anyone }
  return defineApp({
    name: 'shop',
    models: { makers, products, reviews },
    resources: [
      defineResource(makers, { access, cache: '5m' }),
      defineResource(products, { access, cache: { ttl: '5m', mode: 'fenced' }, search: ['name'] }),
      defineResource(reviews, { access, cache: { ttl: '5m', near: '1s' } }),
    ],
    routes,
  })
}

interface Twin {
  readonly name: string
  readonly app: LiveApp
}

/** What of a reply must be the same. Of moments that they are moments: the clock goes on between two applications. */
function essence({ status, headers, text }: Reply): string {
  const moment = /\d{4}-\d\d-\d\dT[\d:.]+Z/g
  const own = ['content-type', 'location', 'allow', 'cache-control', 'vary', 'x-total-count', 'retry-after']
  const kept = own.flatMap((name) => (headers[name] === undefined ? [] : [`${name}: ${String(headers[name])}`]))
  // Of what has a moment in it: in the body, or, of a record that was softly deleted, unseen.
  const etag = moment.test(text) || status === 204 ? [] : [`etag: ${String(headers['etag'])}`]
  const withoutCursors = text.replaceAll(/"(?:next|previous)(?:_cursor)?":"[^"]*"/g, '"cursor"').replaceAll(moment, '<moment>')
  return [status, ...kept, ...etag, withoutCursors].join('\n')
}

/** What tells of the process, and of its Redis. */
function isAboutTheProcess({ path }: Call): boolean {
  return /^\/(?:health\/details|metrics)(?:$|\?)/.test(path)
}

/** Sends each request to all of them, and keeps what was not answered in the same way. */
class Twins implements Caller {
  readonly port: number
  readonly differences: string[] = []
  requests = 0
  /** Runs before each request, with the number of those that were sent. */
  before: (count: number) => Promise<void> = async () => {}
  readonly #twins: readonly Twin[]

  constructor(twins: readonly Twin[]) {
    this.#twins = twins
    this.port = twins[0]?.app.port ?? 0
  }

  /** Reads are sent twice: the second answer may come from a cache. */
  async send(call: Call): Promise<Reply> {
    await this.before(this.requests)
    const first = await this.compare(call)
    return (call.method ?? 'GET') === 'GET' ? this.compare(call) : first
  }

  async compare(call: Call): Promise<Reply> {
    this.requests += 1
    const replies = await Promise.all(this.#twins.map(({ app }) => app.send(call)))
    const [first, ...others] = replies
    if (first === undefined) throw new Error('There is nobody to ask.')
    for (const [index, other] of others.entries())
      if (!isAboutTheProcess(call) && essence(other) !== essence(first))
        this.differences.push(`${describeCall(call)}\n${essence(first)}\n--- ${this.#twins[index + 1]?.name}\n${essence(other)}`)
    return first
  }

  close(): void {}
}

async function start(name: string, redis?: RedisServer, routes?: readonly RoutePlugin[]): Promise<Twin> {
  const app = await liveApp(shop(routes), { SECRET_KEY: 'b7Fk29dkLq0s8dkW2mxPq93jdkalQwz7', ...(redis && { REDIS_URL: redis.url }) })
  onTestFinished(() => app.stop())
  await app.test.app.resource('makers').createMany(['Acme', 'Bolt', 'Cog'].map((maker) => ({ name: maker })))
  await app.test.app
    .resource('products')
    .createMany([1, 2, 3, 4].map((id) => ({ name: `Product ${id}`, maker_id: (id % 3) + 1, price: `${id}.50` })))
  await app.test.app.resource('reviews').createMany([1, 2, 3].map((id) => ({ product_id: id, text: `review ${id}` })))
  return { name, app }
}

async function redisServer(): Promise<RedisServer> {
  const redis = await startRedis()
  onTestFinished(() => redis.destroy())
  return redis
}

/** Kills the Redis of `twin` about every `period` requests, while lookups come from it if they can, and starts it again half a period later. */
class Comings {
  /** Kills while the fenced cache was on. */
  kills = 0
  #next = 0
  #isThere = true

  constructor(caller: Twins, twin: Twin, redis: RedisServer, period: number) {
    caller.before = async (count) => {
      if (count < this.#next) return
      this.#next = count + period / 2
      this.#isThere = !this.#isThere
      if (this.#isThere) return redis.start()
      if (await comesOn(twin)) this.kills += 1
      const lookups = Array.from({ length: 32 }, (_, index) => ({ path: `/api/products/${(index % 4) + 1}` }))
      await Promise.all([inLanes(lookups, 4, async (lookup) => void (await caller.compare(lookup))), sleep(5).then(() => redis.stop())])
    }
  }
}

/** Whether lookups may come from Redis. After each kill the application waits longer before it relies on that Redis again. */
async function comesOn({ app }: Twin): Promise<boolean> {
  for (const deadline = Date.now() + 2_000; Date.now() < deadline; await sleep(20)) {
    await app.send({ path: '/api/products/1' })
    const { checks } = (await app.send({ path: '/health/details' })).json() as { checks: { cache: { fenced: { ok: boolean } } } }
    if (checks.cache.fenced.ok) return true
  }
  return false
}

describe.skipIf(!hasRedis())('D8: Redis is optional', () => {
  test(
    'with it, without it from the start, and with it gone and back again and again: the same answers, and no failure',
    async () => {
      const [stable, moving] = [await redisServer(), await redisServer()]
      const unstable = await start('Redis goes and comes back', moving)
      const twins = [await start('with Redis', stable), await start('without Redis'), unstable]
      const caller = new Twins(twins)
      const comings = new Comings(caller, unstable, moving, amount(200, 1_000))
      const { findings } = await fuzzContract(caller, { requests: amount(240, 6_000), seed })
      const found = await hits(twins[0])
      report(
        `D8: ${caller.requests} requests each to three applications, seed ${seed}: ${caller.differences.length} differences, ${found} of the first's from its cache, ${comings.kills} kills of a Redis in use`,
      )
      expect(caller.differences.slice(0, 3)).toEqual([])
      expect(findings).toEqual([])
      expect(caller.requests).toBeGreaterThanOrEqual(amount(240, 6_000))
      expect(comings.kills).toBeGreaterThanOrEqual(amount(1, 3))
      expect(found).toBeGreaterThan(amount(10, 200))
    },
    timeoutMs,
  )

  test('control: a route that fails without Redis is found, and one that remembers an old answer with it', async () => {
    const caller = new Twins([
      await start('with Redis', await redisServer(), [needy, forgetful]),
      await start('without Redis', undefined, [needy, forgetful]),
    ])
    await fuzzContract(caller, { requests: 200, seed })
    const found = caller.differences.join('\n')
    expect(found).toContain('GET /planted/needy')
    expect(found).toContain('GET /planted/forgetful')
    expect(caller.differences.filter((difference) => !difference.startsWith('GET /planted/'))).toEqual([])
  })
})

const schema = { response: { 200: { type: 'object', properties: { value: { type: 'integer' } }, required: ['value'] } } }

const needy: RoutePlugin = (fastify, { app }) => {
  fastify.get('/planted/needy', { schema }, (_request, reply) =>
    app.config.redis === undefined ? Promise.reject(new Error('planted')) : reply.send({ value: 1 }),
  )
}

/** As a cache would that nobody tells of writes. */
const forgetful: RoutePlugin = (fastify, { app }) => {
  let kept: unknown
  fastify.get('/planted/forgetful', { schema }, async () => {
    const ask = async (): Promise<unknown> => (await app.db.query('select coalesce(max(id), 0)::int as value from makers'))[0]
    if (app.config.redis === undefined) return ask()
    kept ??= await ask()
    return kept
  })
}

/** Answers that came from the cache. */
async function hits(twin: Twin | undefined): Promise<number> {
  const text = (await twin?.app.send({ path: '/metrics' }))?.text ?? ''
  return [...text.matchAll(/^plinth_cache_hits_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
}

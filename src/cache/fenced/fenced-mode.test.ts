// Resources with `mode: 'fenced'` as an application has them: what Redis answers, what goes past it, and which writes fence their rows.

import { anyone, defineApp, defineResource } from 'plinth'
import { integer, pgTable, primaryKey, serial, text } from 'plinth/db'
import { describe, expect, test } from 'vitest'
import { type CachedApp, cachedApp, cachedApps, watchReads } from '../../../test/support/cached-app.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { redisServer, until } from '../../../test/support/redis.ts'
import type { Database } from '../../db/database.ts'
import { defineScript } from '../../redis/script.ts'
import type { FencedFaults } from './faults.ts'

const makers = pgTable('makers', { id: serial().primaryKey(), name: text().notNull() })
const items = pgTable('items', {
  id: serial().primaryKey(),
  name: text().notNull(),
  maker_id: integer().references(() => makers.id, { onDelete: 'cascade' }),
})
const stocks = pgTable('stocks', { place: text(), shelf: integer(), count: integer().notNull() }, (table) => [
  primaryKey({ columns: [table.place, table.shelf] }),
])
const notes = pgTable('notes', { id: serial().primaryKey(), text: text().notNull() })

const access = { read: anyone, write: anyone }
const fenced = { ttl: '5m', mode: 'fenced' } as const
const definition = defineApp({
  name: 'shop',
  models: { makers, items, stocks, notes },
  resources: {
    makers: defineResource(makers, { access }),
    items: defineResource(items, { access, cache: fenced }),
    stocks: defineResource(stocks, { access, cache: fenced }),
    notes: defineResource(notes, { access }),
  },
})

const sql = `insert into makers (name) values ('Acme'); insert into items (name, maker_id) values ('old', 1), ('second', null);
  insert into stocks values ('Graz', 7, 1)`

interface Options {
  readonly serverUrl?: string
  readonly fencedFaults?: FencedFaults
  readonly sql?: string
}

/** Two processes on one database and one Redis; the rows are there before they start. */
async function start(options: Options = {}): Promise<[CachedApp, CachedApp]> {
  const redis = await redisServer()
  const { serverUrl, fencedFaults } = options
  const internals = [{ fencedFaults }, { fencedFaults }]
  const environment = { REDIS_URL: redis.url }
  const [one, other] = await cachedApps(definition, { serverUrl, environment, internals })
  if (one === undefined || other === undefined) throw new Error('there are no two')
  await one.db.transaction(async () => {
    await one.app.cache?.fence()
    await one.db.query(options.sql ?? sql)
  })
  // Until then reads are verified ones, whose hits look the same.
  for (const app of [one, other]) await until(() => app.app.cache?.fenced?.isOn(), 20_000)
  return [one, other]
}

/** Reads until the answer comes from Redis. */
async function warm(app: CachedApp, path: string): Promise<void> {
  await until(async () => (await app.status(path)) === 'hit')
}

const nameOf = async (app: CachedApp, path = '/api/items/1'): Promise<unknown> => (await app.get(path)).body.data.name

describe.each(testDatabases())('with $name', ({ url: serverUrl }) => {
  test('a record is read once, and then given by Redis to every process, without a statement and with the same bytes', async () => {
    const [one, other] = await start({ serverUrl })
    const first = await one.get('/api/items/1')
    expect(first.headers['x-cache']).toBe('miss')
    await warm(other, '/api/items/1')
    const reads = [watchReads(one.db), watchReads(other.db)]
    for (const app of [one, other]) {
      const hit = await app.get('/api/items/1')
      expect([hit.headers['x-cache'], hit.headers.etag, hit.text]).toEqual(['hit', first.headers.etag, first.text])
      expect((await app.get('/api/items/1', { 'if-none-match': String(first.headers.etag) })).status).toBe(304)
    }
    expect(reads.map((read) => read())).toEqual([[], []])
  })

  test('after a write of any kind every process has what it made', async () => {
    const [one, other] = await start({ serverUrl })
    const path = '/api/items/1'
    const writes: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['patched', () => one.patch(path, { name: 'patched' })],
      ['in bulk', () => one.patch('/api/items', [{ id: 1, name: 'in bulk' }])],
      ['in a transaction', () => one.db.transaction(() => one.app.resource('items').patch(1, { name: 'in a transaction' }))],
      ['by SQL', () => one.db.transaction(() => fencedSql(one, `update items set name = 'by SQL'`))],
    ]
    for (const [name, write] of writes) {
      await warm(other, path)
      await write()
      expect([await nameOf(other), await nameOf(one)], name).toEqual([name, name])
    }
    await warm(other, path)
    await one.delete('/api/makers/1')
    expect([(await other.get(path)).status, (await one.get(path)).status]).toEqual([404, 404])
  })
})

async function fencedSql(app: CachedApp, statement: string): Promise<void> {
  await app.app.cache?.fence()
  await app.db.query(statement)
}

test('the process that writes goes on with Redis after its write, too', async () => {
  const [one] = await start()
  await warm(one, '/api/items/1')
  await one.patch('/api/items/1', { name: 'new' })
  await warm(one, '/api/items/1')
  expect(await nameOf(one)).toBe('new')
})

test('control: a transaction that only says that it fences leaves the old record in Redis', async () => {
  const [one, other] = await start()
  await warm(other, '/api/items/1')
  await one.db.transaction(() => one.db.query(`update items set name = 'new'`), { settings: { 'plinth.fenced': 'on' } })
  expect(await nameOf(other)).toBe('old')
})

test('a record that is not there is known as such until it is', async () => {
  const [one, other] = await start()
  expect((await other.get('/api/items/3')).status).toBe(404)
  await other.get('/api/items/3')
  await one.post('/api/items', { name: 'third' })
  expect((await other.get('/api/items/3')).body.data.name).toBe('third')
})

test('a record with a key of two columns is found and fenced by both', async () => {
  const [one, other] = await start()
  const path = '/api/stocks/Graz/7'
  expect((await one.get(path)).status).toBe(200)
  await warm(other, path)
  await one.patch(path, { count: 2 })
  expect((await other.get(path)).body.data.count).toBe(2)
})

test('lists and reads with includes are verified, so they see every write as well', async () => {
  const [one, other] = await start()
  for (const path of ['/api/items', '/api/items/1?include=maker']) {
    await warm(other, path)
    const read = watchReads(other.db)
    await other.get(path)
    expect(read(), path).toHaveLength(1)
  }
  await one.patch('/api/makers/1', { name: 'Zenith' })
  expect((await other.get('/api/items/1?include=maker')).body.data.maker.name).toBe('Zenith')
})

test('fields of their own are answers of their own, and one write ends them all', async () => {
  const [one, other] = await start()
  for (const path of ['/api/items/1', '/api/items/1?fields=id,name']) await warm(other, path)
  expect((await other.get('/api/items/1?fields=id,name')).body.data).toEqual({ id: 1, name: 'old' })
  await one.patch('/api/items/1', { name: 'new' })
  expect((await other.get('/api/items/1?fields=id,name')).body.data).toEqual({ id: 1, name: 'new' })
})

test('control: a lock that ends only one of the answers leaves the others', async () => {
  const [one, other] = await start({ fencedFaults: { everyVariant: true } })
  for (const path of ['/api/items/1', '/api/items/1?fields=id,name']) await warm(other, path)
  await one.patch('/api/items/1', { name: 'new' })
  const names = await Promise.all(['/api/items/1', '/api/items/1?fields=id,name'].map((path) => nameOf(other, path)))
  expect(names).toContain('old')
})

test('a transaction reads what it has written, and nobody else does before it is committed', async () => {
  const [one, other] = await start()
  await warm(other, '/api/items/1')
  const handle = one.app.resource('items')
  await one.db.transaction(async () => {
    await handle.patch(1, { name: 'new' })
    expect(await handle.get(1)).toMatchObject({ name: 'new' })
    expect(await nameOf(other)).toBe('old')
  })
  expect(await nameOf(other)).toBe('new')
})

test('a write that is rolled back changes nothing, and the record stays in Redis', async () => {
  const [one, other] = await start()
  await warm(other, '/api/items/1')
  const write = one.db.transaction(async () => {
    await one.app.resource('items').patch(1, { name: 'never' })
    throw new Error('changed my mind')
  })
  await expect(write).rejects.toThrow('changed my mind')
  const hit = await other.get('/api/items/1')
  expect([hit.body.data.name, hit.headers['x-cache']]).toEqual(['old', 'hit'])
})

test('SQL of the application that does not fence is refused with the call that helps, and changes nothing', async () => {
  const [one, other] = await start()
  await warm(other, '/api/items/1')
  const change = (): Promise<unknown> => one.db.query(`update items set name = 'behind its back'`)
  await expect(change()).rejects.toMatchObject({ code: 'DB_UNFENCED', hint: expect.stringContaining('app.cache.fence()') })
  await expect(one.db.transaction(change)).rejects.toMatchObject({ code: 'DB_UNFENCED' })
  expect(await nameOf(other)).toBe('old')
})

test('fence() outside of a transaction is refused', async () => {
  const [one] = await start()
  await expect(one.app.cache?.fence()).rejects.toMatchObject({ code: 'DB_NO_TRANSACTION' })
})

test('fence() without a fenced resource is refused', async () => {
  const verified = defineApp({
    name: 'shop',
    models: { notes },
    resources: { notes: defineResource(notes, { access, cache: '5m' }) },
  })
  const [app] = await cachedApps(verified, { count: 1 })
  await expect(app?.db.transaction(async () => app.app.cache?.fence())).rejects.toMatchObject({ code: 'FENCE_NOT_FENCED' })
})

test('a trigger that the models know nothing of leads a write to a fenced table: it is fenced as well', async () => {
  const [one, other] = await start({
    sql: `${sql}; create function rename() returns trigger language plpgsql as $$ begin update items set name = new.text; return null; end $$;
      create trigger rename after insert on notes for each row execute function rename()`,
  })
  for (const name of ['first', 'second']) {
    await warm(other, '/api/items/1')
    expect((await one.post('/api/notes', { text: name })).status).toBe(201)
    expect(await nameOf(other)).toBe(name)
  }
  expect(await one.db.query('select count(*)::int from notes')).toEqual([{ count: 2 }])
})

test('clear() ends what is in Redis, and reading goes on', async () => {
  const [one, other] = await start()
  await warm(other, '/api/items/1')
  await one.app.cache?.clear()
  expect(await other.status('/api/items/1')).not.toBe('hit')
  await warm(other, '/api/items/1')
})

test('without Redis reads are verified, and writes switch off what another process has on', async () => {
  const redis = await redisServer()
  const [one] = await cachedApps(definition, { environment: { REDIS_URL: redis.url }, count: 1 })
  if (one === undefined) throw new Error('there is none')
  await one.db.transaction(() => fencedSql(one, sql))
  await warm(one, '/api/items/1')
  const alone = await cachedApp(definition, one.app.config.database.url ?? '', {})
  await alone.patch('/api/items/1', { name: 'new' })
  expect(await nameOf(one)).toBe('new')
  await warm(alone, '/api/items/1')
})

test('another secret makes no answer: what Redis has is not ours then', async () => {
  const redis = await redisServer()
  const [one] = await cachedApps(definition, { environment: { REDIS_URL: redis.url }, count: 1 })
  if (one === undefined) throw new Error('there is none')
  await one.db.transaction(() => fencedSql(one, sql))
  await warm(one, '/api/items/1')
  const stranger = await cachedApp(definition, one.app.config.database.url ?? '', {
    REDIS_URL: redis.url,
    SECRET_KEY: 'quite another secret of forty characters or more',
  })
  await until(() => stranger.app.cache?.fenced?.isOn())
  const reply = await stranger.get('/api/items/1')
  expect([reply.body.data.name, reply.headers['x-cache']]).toEqual(['old', 'bypass'])
})

test('bytes in Redis that are not ours are not given, also where ours were before', async () => {
  const [one] = await start()
  await warm(one, '/api/items/1')
  const spoil = defineScript(`
    for _, row in ipairs(redis.call('KEYS', '*:r:*')) do
      for _, field in ipairs(redis.call('HKEYS', row)) do
        if string.sub(field, 1, 2) == 'v:' then redis.call('HSET', row, field, (string.gsub(redis.call('HGET', row, field), 'old', 'bad'))) end
      end
    end
    return 1`)
  expect(await one.app.redis?.run(spoil, ['any'], [])).toBe(1)
  const reply = await one.get('/api/items/1')
  expect([reply.body.data.name, reply.headers['x-cache']]).toEqual(['old', 'bypass'])
})

test('a write pays one small query and one command of Redis, and is answered before its rows are free again', async () => {
  const [one, other] = await start()
  await warm(other, '/api/items/1')
  const { redis } = one.app
  if (redis === undefined) throw new Error('there is no Redis')
  const run = redis.run.bind(redis)
  let commands = 0
  const held = Promise.withResolvers<void>()
  redis.run = async (script, keys, args) => {
    if (keys.some((key) => key.includes(':r:'))) commands += 1
    if (commands > 1) await held.promise
    return run(script, keys, args)
  }
  const written = await statementsOf(one.db, () => one.patch('/api/items/1', { name: 'new' }))
  expect(written.filter((text) => text.includes('plinth.'))).toEqual(['SELECT * FROM plinth.fencing()'])
  expect(written).toHaveLength(2)
  expect(commands).toBe(2)
  expect((await other.get('/api/items/1')).body.data.name).toBe('new')
  held.resolve()
})

/** Texts of what is written through `db` during `work`. */
async function statementsOf(db: Database, work: () => Promise<unknown>): Promise<string[]> {
  const texts: string[] = []
  const { write } = db
  db.write = (statement, options) => (texts.push(statement.text), write.call(db, statement, options))
  await work()
  db.write = write
  return texts
}

// What breaks around the fenced cache: Redis, a process in the middle of a step, tables that change. Each time the next read has to have
// what was written last, writes have to go on, and the cache has to come back by itself.

import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../test/support/database.ts'
import { fencedDatabase, type FencedNode, fencedNode } from '../../../test/support/fenced.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { redisServer, until } from '../../../test/support/redis.ts'
import type { RedisServer } from '../../../test/support/redis-server.ts'
import type { FencedFaults } from './faults.ts'
import { rowName } from './keys.ts'
import { Locks } from './locks.ts'
import { readState } from './state.ts'

interface Bed {
  readonly url: string
  readonly redis: RedisServer
  readonly one: FencedNode
  readonly other: FencedNode
}

async function start(faults?: FencedFaults): Promise<Bed> {
  const [url, redis] = await Promise.all([fencedDatabase(testDatabase().url), redisServer()])
  const one = await fencedNode(url, { redisUrl: redis.url, faults })
  const other = await fencedNode(url, { redisUrl: redis.url, faults })
  await one.write(1, 'old')
  return { url, redis, one, other }
}

async function warm(node: FencedNode, id = 1): Promise<void> {
  await until(async () => (await node.read(id)).status === 'hit', 20_000)
}

const everyone = async ({ one, other }: Bed, id = 1): Promise<unknown[]> => [(await one.read(id)).text, (await other.read(id)).text]

test('a Redis that comes back with old data gives none of it', async () => {
  const bed = await start()
  const { redis, one, other } = bed
  await warm(other)
  await redis.save('old')
  await one.write(1, 'new')
  await warm(other)
  await redis.stop()
  redis.restore('old')
  await redis.start()
  for (let i = 0; i < 30; i++) expect(await everyone(bed)).toEqual(['new', 'new'])
  await warm(other)
  expect(await everyone(bed)).toEqual(['new', 'new'])
})

test('control: who takes every server for the one that it knew reads what that had before', async () => {
  const { redis, one, other } = await start({ runId: true })
  await warm(other)
  await redis.save('old')
  await one.write(1, 'new')
  await one.cache.settled()
  await redis.stop()
  redis.restore('old')
  await redis.start()
  await expect.poll(async () => (await other.read(1)).text, { timeout: 8_000 }).toBe('old')
})

test('a Redis that was flushed is noticed, by a write as well, and is used again', async () => {
  const bed = await start()
  const { redis, one, other } = bed
  await warm(other)
  await redis.command('FLUSHALL')
  await one.write(1, 'new')
  expect(await everyone(bed)).toEqual(['new', 'new'])
  await warm(other)
  expect(await everyone(bed)).toEqual(['new', 'new'])
})

test('with a frozen Redis writes go on, nobody reads the old value when it thaws, and it is used again', async () => {
  const bed = await start()
  const { redis, one, other } = bed
  await warm(other)
  redis.signal('SIGSTOP')
  await one.write(1, 'new')
  expect(await everyone(bed)).toEqual(['new', 'new'])
  redis.signal('SIGCONT')
  for (let i = 0; i < 30; i++) expect(await everyone(bed)).toEqual(['new', 'new'])
  await warm(other)
  await one.write(1, 'newer')
  expect(await everyone(bed)).toEqual(['newer', 'newer'])
})

test('without Redis reads and writes go on', async () => {
  const bed = await start()
  await warm(bed.other)
  await bed.redis.stop()
  for (const value of ['a', 'b', 'c']) {
    await bed.one.write(1, value)
    expect(await everyone(bed)).toEqual([value, value])
  }
})

test('a process that Redis is cut off from stays right, and so does one that is not', async () => {
  const { url, redis, one, other } = await start()
  const proxy = await startTcpProxy(redis.port)
  onTestFinished(() => proxy.close())
  const far = await fencedNode(url, { redisUrl: `redis://127.0.0.1:${proxy.port}` })
  await warm(far)
  await warm(other)
  proxy.freeze(['from client', 'from server'])
  for (const [writer, value] of [
    [far, 'from afar'],
    [one, 'from near'],
  ] as const) {
    await writer.write(1, value)
    for (const reader of [one, other, far]) expect((await reader.read(1)).text).toBe(value)
  }
})

test('the lock of a process that died after its commit is taken away, and the row is cached again', async () => {
  const { one, other } = await start()
  await warm(other)
  await lockFor(one, await one.db.transaction(() => xidOf(one)))
  expect(await other.read(1)).toMatchObject({ text: 'old', status: 'bypass' })
  await warm(other)
})

test('a lock holds for as long as its transaction runs, however long that is', async () => {
  const { one, other } = await start()
  await warm(other)
  await one.db.transaction(async () => {
    await lockFor(one, await xidOf(one))
    for (const deadline = Date.now() + 1_500; Date.now() < deadline;) expect((await other.read(1)).status).toBe('bypass')
  })
  await warm(other)
})

async function xidOf({ db }: FencedNode): Promise<string> {
  const [row] = await db.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
  return row?.xid ?? ''
}

/** Locks the row as a transaction does that nobody will speak for after its commit. */
async function lockFor({ db, redis }: FencedNode, xid: string): Promise<void> {
  if (redis === undefined) throw new Error('there is no Redis to lock it in')
  const session = db.openSession()
  const { epoch = '', servers } = await readState(session)
  const [table] = await session.query<{ oid: string }>(`select 'items'::regclass::oid::text as oid`)
  expect(await new Locks(redis, session, {}).take(epoch, servers, [rowName(table?.oid ?? '', ['1'], servers.length)], xid)).toBeDefined()
  await session.close()
}

test('a mark that is lost while the cache is being switched on is made again, although nobody writes', async () => {
  const { one, redis, url } = await start()
  await warm(one)
  const long = await openDatabase(url)
  await long.transaction(async () => {
    await long.query('select pg_current_xact_id()')
    await one.cache.clear()
    const enabling = async (): Promise<boolean> => {
      await one.read(1)
      return (await one.db.query<{ state: string }>('select state from plinth.cache_state'))[0]?.state === 'enabling'
    }
    await until(enabling, 20_000)
    expect(await redis.command('FLUSHALL')).toBe('+OK')
  })
  await warm(one)
})

test('a writer with a fixed snapshot that was let in keeps the cache off, and nobody waits for it', async () => {
  const { one, url } = await start()
  const outside = await openDatabase(url)
  await outside.query(`call plinth.open_unfenced('1 ms')`)
  await outside.transaction(
    async () => {
      await outside.query(`update items set value = 'by hand' where id = 1`)
      for (const deadline = Date.now() + 3_000; Date.now() < deadline; await one.read(1)) expect(one.cache.isOn()).toBe(false)
      expect(one.cache.health()).toMatchObject({ reason: 'another process is at it' })
    },
    { isolation: 'repeatable read' },
  )
  await warm(one)
  expect((await one.read(1)).text).toBe('by hand')
})

test('a database that has lost what the cache needs refuses the write and says what to do', async () => {
  const { one } = await start()
  await one.db.query('delete from plinth.cache_state')
  const refused = { code: 'FENCE_NOT_INSTALLED', hint: expect.stringContaining('plinth db upgrade') }
  await expect(one.write(1, 'new')).rejects.toMatchObject(refused)
  await one.db.query('drop function plinth.fencing')
  await expect(one.write(1, 'new')).rejects.toMatchObject(refused)
  expect((await one.read(1)).text).toBe('old')
})

test.each(['disabling', 'enabling'])('a process that died while it was %s leaves nothing that another one does not end', async (state) => {
  const bed = await start()
  const { one, other } = bed
  await warm(other)
  await one.db.query(`update plinth.cache_state set state = $1, epoch = gen_random_uuid()`, [state])
  await one.write(1, 'new')
  expect(await everyone(bed)).toEqual(['new', 'new'])
  await warm(other)
})

test('a table whose trigger was taken away is not cached, and one whose trigger is back is', async () => {
  const { one, other } = await start()
  await warm(other)
  await one.db.query('alter table items disable trigger plinth_record_update')
  await until(async () => (await other.read(1)).status === 'bypass')
  await one.write(1, 'new')
  expect((await other.read(1)).text).toBe('new')
  await one.db.query('alter table items enable always trigger plinth_record_update')
  await warm(other)
})

test('a writer without Redis switches the cache off, and it stays off for a while', async () => {
  const { url, one, other } = await start()
  await warm(other)
  const bare = await fencedNode(url, {})
  await bare.write(1, 'new')
  expect((await other.read(1)).text).toBe('new')
  expect(one.cache.isOn()).toBe(false)
  await warm(other)
})

test('more rows than can be locked one by one switch it off for a moment, and all are seen', async () => {
  const { one, other } = await start()
  await warm(other)
  await one.cache.writes.transaction(() =>
    one.db.query(`insert into items select i, 'many' from generate_series(1, 3000) i on conflict (id) do update set value = 'many'`),
  )
  for (const id of [1, 2_999]) expect((await other.read(id)).text).toBe('many')
  await warm(other)
})

/** A read that the database has answered and that goes no further before `release`. */
async function slowRead(node: FencedNode): Promise<{ answer: ReturnType<FencedNode['read']>; release: () => void }> {
  const [loaded, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const answer = node.read(1, { loaded: () => (loaded.resolve(), held.promise) })
  await loaded.promise
  return { answer, release: held.resolve }
}

test('who reads slowly does not put its old value over a write, nor over the next lease', async () => {
  const { one, other } = await start()
  const { answer: slow, release } = await slowRead(other)
  await one.write(1, 'new')
  release()
  expect((await slow).text).toBe('old')
  await other.cache.settled()
  expect((await other.read(1)).text).toBe('new')
  await warm(other)
  expect((await one.read(1)).text).toBe('new')
})

test('who asks while another read is under way waits for the next one', async () => {
  const { one, other } = await start()
  const { answer: early, release } = await slowRead(other)
  await one.write(1, 'new')
  const late = other.read(1)
  release()
  expect([(await early).text, (await late).text]).toEqual(['old', 'new'])
})

test('rows that are written right before the commit are locked as well, by whom and however late', async () => {
  const bed = await start()
  const { one, other } = bed
  await warm(other)
  await one.db.transaction(async () => one.db.beforeCommit(() => one.write(1, 'by an effect')))
  expect(await everyone(bed)).toEqual(['by an effect', 'by an effect'])
  await warm(other)
  await one.cache.writes.transaction(async () => {
    await one.db.query(`insert into items values (2, 'another')`)
    one.db.beforeCommit(async () => void (await one.db.query(`update items set value = 'by SQL' where id = 1`)))
  })
  expect(await everyone(bed)).toEqual(['by SQL', 'by SQL'])
})

test.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random'])(
  'a Redis that evicts locks (%s) is not used, says why, and is used when it no longer does',
  async (policy) => {
    const bed = await start()
    const { redis, one, other } = bed
    await warm(other)
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', policy)
    const says = (node: FencedNode): boolean =>
      JSON.stringify(node.cache.health()).includes(`its maxmemory-policy is ${policy}, which evicts locks`)
    await until(async () => {
      await everyone(bed)
      return says(one) && says(other)
    }, 20_000)
    await one.write(1, 'new')
    for (let i = 0; i < 20; i++) expect(await other.read(1)).toMatchObject({ text: 'new', status: 'bypass' })
    expect([one.cache.isOn(), other.cache.isOn()]).toEqual([false, false])
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await warm(other)
    expect(await everyone(bed)).toEqual(['new', 'new'])
  },
)

test('a process that finds such a Redis at its start reads from the database', async () => {
  const [url, redis] = await Promise.all([fencedDatabase(testDatabase().url), redisServer({ 'maxmemory-policy': 'allkeys-lru' })])
  const node = await fencedNode(url, { redisUrl: redis.url })
  await node.write(1, 'first')
  for (let i = 0; i < 20; i++) expect(await node.read(1)).toMatchObject({ text: 'first', status: 'bypass' })
  expect(node.cache.health()).toMatchObject({ reason: 'Redis cannot be used: its maxmemory-policy is allkeys-lru, which evicts locks' })
})

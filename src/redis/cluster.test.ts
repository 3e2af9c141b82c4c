import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { redisCluster, tell } from '../../test/support/redis-group.ts'
import { testRedis, until } from '../../test/support/redis.ts'
import { readSlots } from './cluster.ts'
import { slotOf } from './cluster-slot.ts'
import type { Redis } from './redis.ts'
import { defineScript } from './script.ts'

const keys = Array.from({ length: 60 }, (_, number) => `key:${number}`)
/** Everything of the cluster is connected; under load a start does not wait for that. */
async function connected(url: string): Promise<Redis> {
  const { redis } = await testRedis(url)
  await until(async () => (await redis.health()).ok)
  return redis
}

const value = Buffer.from('value')

/** What a read of each key came to. */
function readAll(redis: Redis): Promise<string[]> {
  return Promise.all(
    keys.map((key) =>
      redis.get(key).then(
        (found) => found?.toString() ?? 'nothing',
        (error: { reason: string }) => error.reason,
      ),
    ),
  )
}

test('every key goes to the server that has it', async () => {
  const { servers, url } = await redisCluster()
  const redis = await connected(url)
  await Promise.all(keys.map((key) => redis.set(key, value, 60_000)))
  expect(new Set(await readAll(redis))).toEqual(new Set(['value']))
  const runIds = new Set(keys.map((key) => redis.runIdOf(key)))
  expect(runIds.size).toBe(3)
  const infos = await redis.info()
  expect(new Set(infos.map(({ runId }) => runId))).toEqual(runIds)
  expect(infos.map(({ server }) => server).toSorted()).toEqual(servers.map(({ port }) => `127.0.0.1:${port}`).toSorted())
  expect(await redis.run(defineScript(`return redis.call('get', KEYS[1])`), ['key:7'], [])).toEqual(value)
  expect(await redis.delete(keys.slice(0, 20))).toBe(20)
  expect(await redis.clear('key:')).toBe(40)
  expect(await redis.health()).toMatchObject({ ok: true, servers: [{ ok: true }, { ok: true }, { ok: true }] })
})

test('what is published at one node is heard by who listens at another', async () => {
  const { url } = await redisCluster()
  const redis = await connected(url)
  const messages: string[] = []
  let gaps = 0
  redis.subscribe(
    'changes',
    (message) => messages.push(message),
    () => (gaps += 1),
  )
  await until(() => gaps > 0)
  await redis.publish('changes', 'hello')
  await until(() => messages.length > 0)
  expect(messages).toEqual(['hello'])
})

test('a frozen master costs its own keys, and not those of others; its replica takes its place', async () => {
  const { servers, url } = await redisCluster({ replica: true })
  const redis = await connected(url)
  await Promise.all(keys.map((key) => redis.set(key, value, 60_000)))
  const [first, , , replica] = servers
  const ofFirst = keys.map((key) => slotOf(`plinth:test:${key}`) <= 5_460)
  const own = keys.find((_, index) => ofFirst[index]) ?? ''
  const runId = redis.runIdOf(own)
  await until(async () => (await tell(replica?.port ?? 0, 'DBSIZE')) === String(ofFirst.filter(Boolean).length))
  first?.signal('SIGSTOP')
  const during = await readAll(redis)
  expect(during.filter((_, index) => !ofFirst[index])).toEqual(ofFirst.filter((yes) => !yes).map(() => 'value'))
  expect(during.filter((_, index) => ofFirst[index])).not.toContain('value')
  await until(async () => (await readAll(redis)).every((found) => found === 'value'), 15_000)
  expect(redis.runIdOf(own)).not.toBe(runId)
  expect(await tell(replica?.port ?? 0, 'ROLE')).toContain('master')
  // The old master comes back as a replica; nobody asks it.
  first?.signal('SIGCONT')
  await until(async () => (await tell(first?.port ?? 0, 'ROLE').catch(() => '')).includes('slave'))
  expect(new Set(await readAll(redis))).toEqual(new Set(['value']))
})

test('slots that move are found again, and no command is sent twice', async () => {
  const { servers, url } = await redisCluster()
  const redis = await connected(url)
  // The map has been read when all was well, and is not read again for seconds.
  await sleep(700)
  const [from, to] = servers
  const slot = String(slotOf('plinth:test:moving'))
  const owner = servers[Number(slot) <= 5_460 ? 0 : Number(slot) <= 10_922 ? 1 : 2] ?? from
  const next = servers.find((server) => server !== owner) ?? to
  const before = redis.runIdOf('moving')
  const id = await tell(next?.port ?? 0, 'CLUSTER', 'MYID')
  for (const server of [next, owner, ...servers]) await server?.command('CLUSTER', 'SETSLOT', slot, 'NODE', id)
  await expect(redis.set('moving', value, 60_000)).rejects.toMatchObject({
    reason: 'unready',
    message: expect.stringMatching(/^MOVED/) as string,
  })
  await until(() => redis.runIdOf('moving') !== before)
  await redis.set('moving', value, 60_000)
  expect(await tell(next?.port ?? 0, 'GET', 'plinth:test:moving')).toBe('value')
})

test('a node that does not know its own name is reached by the one we know', () => {
  expect(readSlots([[0, 5, [Buffer.from(''), 7000, Buffer.from('id')]]], 'here')).toEqual([{ host: 'here', port: 7000, first: 0, last: 5 }])
  expect(readSlots([[0, 5, [null, 7000, Buffer.from('id')]]], 'here')[0]?.host).toBe('here')
  expect(() => readSlots([], 'here')).toThrow('no slots yet')
})

test('a cluster that is not there is said once, and used when it comes', async () => {
  const { servers, url } = await redisCluster()
  await Promise.all(servers.map((server) => server.stop()))
  const { redis, lines } = await testRedis(url)
  expect(redis.usable).toBe(false)
  expect(await redis.health()).toMatchObject({ ok: false })
  await expect(redis.get('a')).rejects.toMatchObject({ reason: 'offline' })
  expect(lines).toEqual([expect.stringContaining('no node tells the slots of the cluster')])
  await Promise.all(servers.map((server) => server.start()))
  await until(
    () =>
      redis.info().then(
        (infos) => infos.length === 3,
        () => false,
      ),
    20_000,
  )
})

import { expect, test } from 'vitest'
import { redisServer, testRedis } from '../../test/support/redis.ts'
import { defineScript } from './script.ts'

test('bytes come back as they were stored, until their time is over', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  await redis.set('a', bytes, 60_000)
  expect(await redis.get('a')).toEqual(bytes)
  expect(await redis.get('b')).toBeUndefined()
  expect(await server.command('GET', 'plinth:test:b')).toBe('$-1')
  expect(Number((await server.command('PTTL', 'plinth:test:a')).slice(1))).toBeGreaterThan(50_000)
  await redis.set('empty', Buffer.alloc(0), 60_000)
  expect(await redis.get('empty')).toEqual(Buffer.alloc(0))
})

test('keys are removed by name or by what they begin with, and those of other applications stay', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  const { redis: other } = await testRedis(server.url, { name: 'other' })
  const value = Buffer.from('x')
  for (let number = 0; number < 1_200; number += 1) await redis.set(`cache:${number}`, value, 60_000)
  await redis.set('cache*', value, 60_000)
  await other.set('cache:1', value, 60_000)
  expect(await redis.delete(['cache:1', 'cache:2', 'never'])).toBe(2)
  expect(await redis.delete([])).toBe(0)
  expect(await redis.clear('cache*')).toBe(1)
  expect(await redis.clear('cache:')).toBe(1_198)
  expect(await other.get('cache:1')).toEqual(value)
})

test('a script runs, also after the server has forgotten it', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  const script = defineScript(`
    redis.call('set', KEYS[1], ARGV[1])
    return { redis.call('get', KEYS[1]), 7, false, redis.status_reply('FINE'), { 1 } }
  `)
  const expected = [Buffer.from([0, 255]), 7, null, 'FINE', [1]]
  expect(await redis.run(script, ['a'], [Buffer.from([0, 255])])).toEqual(expected)
  await server.command('SCRIPT', 'FLUSH')
  await server.command('FLUSHALL')
  expect(await redis.run(script, ['a'], [Buffer.from([0, 255])])).toEqual(expected)
  expect(await server.command('SCRIPT', 'EXISTS', script.sha)).toBe('*1')
})

test('a mistake of ours is refused, and does not open the circuit', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  for (let time = 0; time < 5; time += 1)
    await expect(redis.run(defineScript('return nonsense('), [], [])).rejects.toMatchObject({ name: 'RedisUnavailable', reason: 'refused' })
  expect(redis.usable).toBe(true)
})

test('a server says who it is, and what it holds', async () => {
  const server = await redisServer({ maxmemory: '50mb' })
  const { redis } = await testRedis(`${server.url}/2`)
  await redis.set('a', Buffer.from('x'), 60_000)
  const [info] = await redis.info()
  expect(info).toMatchObject({ server: `127.0.0.1:${server.port}`, maxMemoryBytes: 52_428_800, maxMemoryPolicy: 'volatile-lru', keys: 1 })
  expect(info?.runId).toBe(redis.runIdOf('a'))
  expect(info?.usedMemoryBytes).toBeGreaterThan(0)
})

test('commands, failures and the circuit are measured', async () => {
  const server = await redisServer()
  const { redis, metrics } = await testRedis(server.url)
  await redis.get('a')
  await redis.run(defineScript('return redis.call("nonsense")'), ['a'], []).catch(() => undefined)
  const before = await metrics.text()
  expect(before).toContain('plinth_redis_commands_total{command="GET"} 1')
  expect(before).toContain('plinth_redis_failures_total{reason="refused"} 1')
  expect(before).toContain('plinth_redis_circuit{state="closed"} 1')
  await redis.close()
  await redis.get('a').catch(() => undefined)
  expect(await metrics.text()).toContain('plinth_redis_failures_total{reason="offline"} 1')
})

test('nothing can be asked after the end', async () => {
  const server = await redisServer()
  const { redis } = await testRedis(server.url)
  await redis.close()
  expect(redis.usable).toBe(false)
  expect(redis.runIdOf('a')).toBeUndefined()
  await expect(redis.get('a')).rejects.toMatchObject({ reason: 'offline' })
  await expect(redis.publish('a', 'b')).rejects.toMatchObject({ reason: 'offline' })
})

import { expect, test } from 'vitest'
import { redisSentinels, tell } from '../../test/support/redis-group.ts'
import { testRedis, until } from '../../test/support/redis.ts'
import { freePort } from '../../test/support/postgres-server.ts'

const value = Buffer.from('value')

test('the master that sentinels name is used, and the next when it dies', async () => {
  const { master, replica, url } = await redisSentinels()
  const { redis, lines } = await testRedis(url)
  expect((await redis.info())[0]?.server).toBe(`127.0.0.1:${master.port}`)
  await redis.set('a', value, 60_000)
  await until(async () => (await tell(replica.port, 'GET', 'plinth:test:a')) === 'value')
  const runId = redis.runIdOf('a')
  const heard: string[] = []
  let gaps = 0
  redis.subscribe(
    'changes',
    (message) => heard.push(message),
    () => (gaps += 1),
  )
  await until(() => gaps > 0)
  master.signal('SIGSTOP')
  await until(() => redis.usable && redis.runIdOf('a') !== runId, 20_000)
  expect((await redis.info())[0]?.server).toBe(`127.0.0.1:${replica.port}`)
  expect(await redis.get('a')).toEqual(value)
  await until(async () => {
    await redis.publish('changes', 'hello')
    return heard.length > 0
  })
  expect(gaps).toBeGreaterThan(1)
  expect(lines.at(-1)).toBe('Redis is used again')
})

test('a master that is replaced while it is well is left', async () => {
  const { replica, url, failOver } = await redisSentinels()
  const { redis } = await testRedis(url)
  await failOver()
  await until(async () => redis.usable && (await redis.info().catch(() => []))[0]?.server === `127.0.0.1:${replica.port}`, 20_000)
  await until(() =>
    redis.set('a', value, 60_000).then(
      () => true,
      () => false,
    ),
  )
  expect(await redis.health()).toMatchObject({ ok: true, server: `127.0.0.1:${replica.port}` })
})

test('an old master that only its sentinels have given up is left', async () => {
  const { master, replica, url } = await redisSentinels()
  const { redis } = await testRedis(url)
  // Nobody tells the old master: it goes on as one, and would take our writes.
  const port = Number(new URL(url.replace('redis+sentinel', 'http')).port)
  await tell(port, 'SENTINEL', 'REMOVE', 'main')
  await tell(replica.port, 'REPLICAOF', 'NO', 'ONE')
  await tell(port, 'SENTINEL', 'MONITOR', 'main', '127.0.0.1', String(replica.port), '1')
  await until(async () => (await redis.info().catch(() => []))[0]?.server === `127.0.0.1:${replica.port}`)
  expect(await tell(master.port, 'ROLE')).toContain('master')
})

test('sentinels that are away, or do not know the name, are said once', async () => {
  const { redis, lines } = await testRedis(`redis+sentinel://127.0.0.1:${await freePort()}/main`)
  expect(redis.usable).toBe(false)
  expect(await redis.health()).toMatchObject({ ok: false, error: expect.stringContaining('no sentinel knows the master "main"') as string })
  expect(lines).toHaveLength(1)
})

import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from './redis-server.ts'

test('a Redis server of our own answers, is frozen, killed, and brought back with what it held before', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.destroy())
  expect(await redis.command('SET', 'a', '1')).toBe('+OK')
  await redis.save('old')
  await redis.command('SET', 'a', '2')
  redis.signal('SIGSTOP')
  await redis.stop()
  await expect(redis.command('PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  redis.restore('old')
  await redis.start()
  expect(await redis.command('INCR', 'a')).toBe(':2')
})

test('it may want a password', async () => {
  const redis = await startRedis({ requirepass: 'secret' })
  onTestFinished(() => redis.destroy())
  expect(redis.url).toContain(':secret@')
  expect(await redis.command('PING')).toBe('+PONG')
})

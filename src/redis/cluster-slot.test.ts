import { expect, test } from 'vitest'
import { redisServer } from '../../test/support/redis.ts'
import { slotOf } from './cluster-slot.ts'

test('a key has the slot that Redis gives it', async () => {
  const server = await redisServer({ 'cluster-enabled': 'yes', 'cluster-port': '0' })
  for (const key of [
    'a',
    '123456789',
    '{user1000}.following',
    'foo{}{bar}',
    'foo{{bar}}zap',
    'foo{bar}{zap}',
    '{a',
    'plinth:test:☃',
    'x'.repeat(300),
  ])
    expect([key, `:${slotOf(key)}`]).toEqual([key, await server.command('CLUSTER', 'KEYSLOT', key)])
})

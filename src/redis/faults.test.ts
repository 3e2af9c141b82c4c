// Each thing that can happen to a Redis: nobody waits for it longer than the budget, health says what it is, and it is used again by itself.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { freePort } from '../../test/support/postgres-server.ts'
import { redisServer, testRedis, until } from '../../test/support/redis.ts'
import type { RedisServer } from '../../test/support/redis-server.ts'
import { askOnce } from './connection.ts'
import type { Redis, RedisUnavailable } from './redis.ts'
import { defineScript } from './script.ts'
import { openWire, type Target } from './wire.ts'

/** The budget is 50 ms. This is a machine with other things to do; what waits without a deadline waits for ever. */
const generousMs = 1_000
const faultMs = 1_000

interface Outcome {
  readonly reasons: Record<string, number>
  readonly longestMs: number
}

const touch = defineScript(`redis.call('set', KEYS[1], 'x', 'PX', 60000)`)

/** Uses Redis in every way, as often as it lets itself be used, for a second. */
async function use(redis: Redis): Promise<Outcome> {
  const reasons: Record<string, number> = {}
  let longestMs = 0
  const time = async (work: () => Promise<unknown>): Promise<void> => {
    const start = performance.now()
    const reason = await work().then(
      () => 'answered',
      (error: RedisUnavailable) => error.reason,
    )
    reasons[reason] = (reasons[reason] ?? 0) + 1
    longestMs = Math.max(longestMs, performance.now() - start)
  }
  for (const end = Date.now() + faultMs; Date.now() < end; await sleep(5)) {
    await Promise.all([
      time(() => redis.get('a')),
      time(() => redis.set('b', Buffer.from('b'), 60_000)),
      time(() => redis.run(touch, ['c'], [])),
      time(() => redis.delete(['d'])),
      time(() => redis.publish('e', 'f')),
    ])
  }
  return { reasons, longestMs }
}

const never = new AbortController().signal

function targetOf({ port }: RedisServer, password?: string): Target {
  return { host: '127.0.0.1', port, tls: false, database: 0, ...(password === undefined ? {} : { password }) }
}

function ask(server: RedisServer, password: string, ...command: string[]): Promise<unknown> {
  return askOnce(targetOf(server, password), never, command)
}

interface Fault {
  readonly name: string
  /** Makes it happen; returns what ends it. */
  readonly cause: (server: RedisServer) => Promise<() => unknown>
  /** What callers are told of, beside answers and `offline`. */
  readonly reasons: readonly string[]
  /** What health says. */
  readonly health: object
}

const silent = { ok: false, circuit: expect.stringMatching(/open$/), error: expect.stringMatching(/no answer|no connection/) as string }
const gone = { ok: false, error: expect.stringMatching(/ECONNREFUSED|closed/) as string }

const faults: Fault[] = [
  {
    name: 'frozen',
    cause: async (server) => {
      server.signal('SIGSTOP')
      return () => server.signal('SIGCONT')
    },
    reasons: ['timeout', 'closed'],
    health: silent,
  },
  {
    name: 'paused for a while',
    cause: async (server) => {
      await server.command('CLIENT', 'PAUSE', String(faultMs + 1_000), 'ALL')
      return () => undefined
    },
    reasons: ['timeout', 'closed'],
    health: silent,
  },
  {
    name: 'killed',
    cause: async (server) => {
      await server.stop()
      return () => server.start()
    },
    reasons: ['closed'],
    health: gone,
  },
  {
    name: 'full',
    cause: async (server) => {
      await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      await server.command('CONFIG', 'SET', 'maxmemory', '1mb')
      return () => server.command('CONFIG', 'SET', 'maxmemory', '0')
    },
    reasons: ['answered', 'full'],
    health: { ok: false, circuit: 'closed', reason: 'full' },
  },
  {
    name: 'a replica all at once',
    cause: async (server) => {
      await server.command('REPLICAOF', '127.0.0.1', String(await freePort()))
      return () => server.command('REPLICAOF', 'NO', 'ONE')
    },
    reasons: ['answered', 'unready', 'closed'],
    health: { ok: false, reason: 'unready', error: expect.stringContaining('is a replica') as string },
  },
  {
    name: 'restarted and loading its data',
    cause: async (server) => {
      for (let number = 0; number < 30; number += 1) await server.command('SET', `load:${number}`, randomBytes(1_000).toString('hex'))
      await server.save('many')
      await server.stop()
      server.restore('many')
      const loaded = server.start({ 'key-load-delay': '100000', 'loading-process-events-interval-bytes': '1024' })
      return () => loaded
    },
    reasons: ['closed', 'timeout'],
    health: { ok: false, error: expect.stringMatching(/loading|no answer/) as string },
  },
  {
    name: 'given another password',
    cause: async (server) => {
      await server.command('CONFIG', 'SET', 'requirepass', 'another')
      await ask(server, 'another', 'CLIENT', 'KILL', 'TYPE', 'normal')
      return () => ask(server, 'another', 'CONFIG', 'SET', 'requirepass', '')
    },
    reasons: ['closed'],
    health: { ok: false, reason: 'denied', error: expect.stringContaining('NOAUTH') as string },
  },
  {
    name: 'busy with a script that does not end',
    cause: async (server) => {
      await server.command('CONFIG', 'SET', 'busy-reply-threshold', '200')
      void server.command('EVAL', '"while', 'true', 'do', 'end"', '0').catch(() => undefined)
      return () => server.command('SCRIPT', 'KILL')
    },
    reasons: ['timeout', 'closed', 'unready'],
    health: { ok: false, error: expect.stringMatching(/no answer|BUSY/) as string },
  },
  {
    name: 'out of connections',
    cause: async (server) => {
      const hog = await openWire(targetOf(server), never, () => undefined)
      await hog.send(['CONFIG', 'SET', 'maxclients', '1'])
      await hog.send(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
      return async () => {
        await hog.send(['CONFIG', 'SET', 'maxclients', '100'])
        hog.close()
      }
    },
    reasons: ['closed'],
    health: { ok: false, error: expect.stringMatching(/max number of clients|closed|ECONNRESET|EPIPE/) as string },
  },
  {
    name: 'emptied, its scripts too',
    cause: async (server) => {
      await server.command('FLUSHALL')
      await server.command('SCRIPT', 'FLUSH')
      return () => undefined
    },
    reasons: ['answered'],
    health: { ok: true, circuit: 'closed' },
  },
]

describe.each(faults)('a Redis that is $name', ({ cause, reasons, health }) => {
  test('holds nobody up, says so, and is used again', async () => {
    const server = await redisServer()
    const { redis } = await testRedis(server.url)
    const heal = await cause(server)
    const outcome = await use(redis)
    expect(outcome.longestMs).toBeLessThan(generousMs)
    expect([...reasons, 'answered', 'offline', 'timeout']).toEqual(expect.arrayContaining(Object.keys(outcome.reasons)))
    if (!reasons.includes('answered')) expect(outcome.reasons['timeout'] ?? 0).toBeLessThan(20)
    expect(await redis.health()).toMatchObject(health)
    await heal()
    await until(async () => (await redis.health()).ok)
    await redis.set('after', Buffer.from('again'), 60_000)
    expect(await redis.get('after')).toEqual(Buffer.from('again'))
    expect(redis.runIdOf('after')).toBe((await redis.info())[0]?.runId)
  })
})

test('a Redis that is full is said once, not with each change that it refuses', async () => {
  const server = await redisServer()
  const { redis, lines } = await testRedis(server.url)
  await server.command('CONFIG', 'SET', 'maxmemory', '1')
  await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  for (let count = 0; count < 5; count += 1) await expect(redis.set('a', Buffer.from('b'), 1_000)).rejects.toMatchObject({ reason: 'full' })
  expect(lines.filter((line) => line.includes('full'))).toEqual(['Redis takes no changes: it is full, or its disk is'])
})

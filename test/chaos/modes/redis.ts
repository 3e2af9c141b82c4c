// What happens to Redis, or to the way there: nothing that a client could notice, but for one pause of a fenced write.

import { chmodSync } from 'node:fs'
import { openWire, type Wire } from '../../../src/redis/wire.ts'
import type { World } from '../support/world.ts'
import { answered, answeredLate, type FailureMode, outcomes } from './failure-mode.ts'

const noticed = { checks: { redis: { ok: false, required: false } } }
const unavailable = { log: /^Redis is not used: /, logText: '`Redis is not used: …` once, and `Redis is used again`' }
const full = {
  log: /^Redis takes no changes: /,
  logText: '`Redis takes no changes: it is full, or its disk is`, at most once a minute',
}
const switchedOff = {
  log: /^the fenced cache is switched off$/,
  logText: '`the fenced cache is switched off`, and `the fenced cache is on`',
}
const soon = 'used again within 3 s, the fenced cache within 10; later when it has failed several times in the last minute'

type Redis = NonNullable<World['redis']>

function redisOf({ redis }: World): Redis {
  if (redis === undefined) throw new Error('There is no Redis.')
  return redis
}

function proxyOf({ redisProxy }: World): NonNullable<World['redisProxy']> {
  if (redisProxy === undefined) throw new Error('There is no Redis.')
  return redisProxy
}

/** What goes on until the fault is healed. */
const timers = new WeakMap<World, NodeJS.Timeout>()

/** A write that cannot lock its row switches the fenced cache off, and waits until nobody reads from it. */
const onePause: Pick<FailureMode, 'first' | 'later' | 'recovery'> = {
  first: outcomes(answered, { fencedWrite: answeredLate('as always; the first ones wait up to 1 s', 1_500) }),
  later: outcomes(answered),
  recovery: soon,
}

const dead = { ...onePause, ...unavailable, shows: noticed }

/** On a connection of its own, which a password or a limit that comes later does not touch. */
async function wireTo({ port }: Redis, password?: string): Promise<Wire> {
  const target = { host: '127.0.0.1', port, tls: false, database: 0, ...(password === undefined ? {} : { password }) }
  return openWire(target, new AbortController().signal, () => undefined)
}

/** @returns the last answer */
async function tell(redis: Redis, commands: readonly (readonly string[])[], password?: string): Promise<unknown> {
  const wire = await wireTo(redis, password)
  let answer: unknown
  for (const command of commands) answer = await wire.send([...command])
  wire.close()
  return answer
}

async function folderOf(redis: Redis): Promise<string> {
  const answer = await tell(redis, [['CONFIG', 'GET', 'dir']])
  return String((answer as readonly unknown[])[1])
}

export const redisModes: readonly FailureMode[] = [
  {
    fault: 'Redis is killed (`kill -9`), and comes back empty',
    inject: (world) => redisOf(world).stop(),
    ...dead,
    heal: (world) => redisOf(world).start(),
  },
  {
    fault: 'Redis is restarted with an older dump',
    async inject(world) {
      const redis = redisOf(world)
      await redis.save('old')
      await redis.stop()
      redis.restore('old')
      await redis.start()
    },
    ...onePause,
    ...switchedOff,
    heal: () => undefined,
  },
  {
    fault: 'Redis is frozen, or its machine is',
    inject: (world) => redisOf(world).signal('SIGSTOP'),
    ...dead,
    heal: (world) => redisOf(world).signal('SIGCONT'),
  },
  {
    fault: 'The network to Redis swallows everything',
    inject: (world) => proxyOf(world).freeze(['from server', 'from client']),
    ...dead,
    heal: (world) => proxyOf(world).thaw(),
  },
  {
    fault: 'The network to Redis is late by 300 ms, more or less by 100',
    inject: (world) => proxyOf(world).delay({ ms: 150, jitterMs: 50 }),
    ...dead,
    heal: (world) => proxyOf(world).delay(undefined),
  },
  {
    fault: 'Every connection to Redis is reset, again and again',
    inject(world) {
      timers.set(
        world,
        setInterval(() => proxyOf(world).cut(), 20),
      )
    },
    ...onePause,
    ...unavailable,
    heal: (world) => clearInterval(timers.get(world)),
  },
  {
    fault: 'Redis refuses connections',
    inject: (world) => proxyOf(world).refuse(),
    ...dead,
    heal: (world) => proxyOf(world).accept(),
  },
  {
    fault: 'Redis is full, and may not drop anything',
    inject: (world) =>
      tell(redisOf(world), [
        ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'],
        ['CONFIG', 'SET', 'maxmemory', '1'],
      ]),
    ...onePause,
    ...full,
    shows: noticed,
    heal: (world) => tell(redisOf(world), [['CONFIG', 'SET', 'maxmemory', '0']]),
  },
  {
    fault: 'The disk of Redis is full: it refuses changes',
    world: { redis: { save: '3600 1' } },
    async inject(world) {
      const redis = redisOf(world)
      chmodSync(await folderOf(redis), 0o555)
      await tell(redis, [['SET', 'x', 'y'], ['BGSAVE']])
    },
    ...onePause,
    ...full,
    async heal(world) {
      const redis = redisOf(world)
      chmodSync(await folderOf(redis), 0o755)
      await tell(redis, [['BGSAVE']])
    },
  },
  {
    fault: 'Redis takes no changes: it has become a replica',
    inject: (world) => tell(redisOf(world), [['REPLICAOF', '127.0.0.1', '1']]),
    ...dead,
    heal: (world) => tell(redisOf(world), [['REPLICAOF', 'NO', 'ONE']]),
  },
  {
    fault: 'Redis is emptied',
    inject: (world) => tell(redisOf(world), [['FLUSHALL'], ['SCRIPT', 'FLUSH']]),
    ...onePause,
    ...switchedOff,
    heal: () => undefined,
    recovery: 'filled again by the next reads; the fenced cache begins anew within 10 s',
  },
  {
    fault: 'Redis refuses the password',
    inject: (world) =>
      tell(redisOf(world), [
        ['CONFIG', 'SET', 'requirepass', 'another'],
        ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
      ]),
    ...dead,
    heal: (world) => tell(redisOf(world), [['CONFIG', 'SET', 'requirepass', '']], 'another'),
  },
  {
    fault: 'There is no Redis: `REDIS_URL` is not set',
    world: { redis: false },
    inject: () => undefined,
    first: outcomes(answered),
    heal: () => undefined,
    recovery: 'each process keeps verified answers in its own memory',
  },
  {
    fault: 'There is none where `REDIS_URL` leads, from the start',
    world: { redis: false, settings: { REDIS_URL: 'redis://127.0.0.1:1' } },
    inject: () => undefined,
    first: outcomes(answered),
    shows: noticed,
    heal: () => undefined,
    recovery: 'used as soon as it is there',
  },
]

// What is broken under load, and mended again: each fault once, with pauses in between left to `scenario.ts`.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../guarantees/support/random.ts'
import type { TcpProxy } from '../support/tcp-proxy.ts'
import type { Servers } from './bed.ts'
import type { AppProcess } from './processes.ts'

export interface Target {
  readonly servers: Servers
  readonly processes: readonly AppProcess[]
  readonly random: Random
  /** To be called when PostgreSQL has lost what it had acknowledged, with the URL of what is left. */
  lost(url: string): Promise<void>
}

export interface Fault {
  readonly title: string
  /** Whether requests may fail while it lasts: not when only Redis is broken. */
  readonly mayFail: boolean
  /** Of PostgreSQL: `kept` needs one, `used` one for each time. */
  readonly standbys?: 'kept' | 'used'
  strike(target: Target): Promise<void>
}

/** Whoever can write to Redis can do that, without being able to make an entry. */
const swapEntries = `local k = redis.call('keys', '*:v:*') for i = 2, #k do redis.call('copy', k[i - 1], k[i], 'replace') end return #k`

const bothWays = ['from client', 'from server'] as const

export const faults = {
  none: { title: 'none', mayFail: false, strike: () => sleep(500) },

  frozen: {
    title: 'Redis frozen for 2 s',
    mayFail: false,
    async strike({ servers: { redis } }) {
      redis.signal('SIGSTOP')
      await sleep(2_000)
      redis.signal('SIGCONT')
    },
  },

  cut: {
    title: 'one process cut off from Redis for 3 s',
    mayFail: false,
    async strike(target) {
      const proxy = anyProxy(target)
      await proxy.refuse()
      await sleep(3_000)
      await proxy.accept()
    },
  },

  'black hole': {
    title: 'black hole between one process and Redis for 3 s',
    mayFail: false,
    async strike(target) {
      const proxy = anyProxy(target)
      proxy.freeze(bothWays)
      await sleep(3_000)
      proxy.thaw()
    },
  },

  latency: {
    title: 'latency of 40 ± 40 ms each way to Redis for 3 s',
    mayFail: false,
    async strike({ servers: { redisProxies } }) {
      for (const proxy of redisProxies) proxy.delay({ ms: 40, jitterMs: 40 })
      await sleep(3_000)
      for (const proxy of redisProxies) proxy.delay(undefined)
    },
  },

  flush: {
    title: 'FLUSHALL, three times',
    mayFail: false,
    async strike({ servers: { redis }, random }) {
      for (let times = 0; times < 3; times += 1) {
        await redis.command('FLUSHALL')
        await sleep(50 + random.below(400))
      }
    },
  },

  swapped: {
    title: 'entries in Redis replaced by others for 2 s',
    mayFail: false,
    async strike({ servers: { redis } }) {
      for (const end = performance.now() + 2_000; performance.now() < end;) {
        await redis.command('EVAL', `"${swapEntries}"`, '0')
        await sleep(2)
      }
    },
  },

  'old dump': {
    title: 'Redis killed, and started again from an old dump',
    mayFail: false,
    async strike({ servers: { redis }, random }) {
      await redis.save('old')
      await sleep(200 + random.below(1_000))
      await redis.stop()
      redis.restore('old')
      await sleep(random.below(200))
      await redis.start()
    },
  },

  'kill -9': {
    title: 'processes of the application killed with kill -9',
    mayFail: true,
    async strike({ processes, random }) {
      const killed = random.pick(processes)
      await killed.kill()
      await sleep(random.below(300))
      await killed.start()
    },
  },

  paused: {
    title: 'a process of the application stopped for 1.2 s, and Redis flushed meanwhile',
    mayFail: false,
    async strike({ servers: { redis }, processes, random }) {
      const stopped = random.pick(processes)
      stopped.pause()
      await sleep(random.below(200))
      await redis.command('FLUSHALL')
      await sleep(1_200)
      stopped.resume()
    },
  },

  'slow commits': {
    title: 'commits that take 200 ± 200 ms for 4 s, and Redis flushed meanwhile',
    mayFail: false,
    standbys: 'kept',
    async strike({ servers: { cluster, redis }, random }) {
      cluster.slowCommits({ ms: 200, jitterMs: 200 })
      await sleep(500 + random.below(1_000))
      await redis.command('FLUSHALL')
      await sleep(3_000)
      cluster.slowCommits(undefined)
    },
  },

  failover: {
    title: 'PostgreSQL lost, its standby promoted',
    mayFail: true,
    standbys: 'used',
    async strike({ servers: { cluster } }) {
      await cluster.failOver()
    },
  },

  'failover with loss': {
    title: 'PostgreSQL lost, a standby promoted that was 0.5 s behind',
    mayFail: true,
    standbys: 'used',
    async strike({ servers: { cluster }, lost }) {
      await cluster.failOverWithLoss(500, lost)
    },
  },
} satisfies Readonly<Record<string, Fault>>

export type FaultName = keyof typeof faults

function anyProxy({ servers, random }: Target): TcpProxy {
  return random.pick(servers.redisProxies)
}

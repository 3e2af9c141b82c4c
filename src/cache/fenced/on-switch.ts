// ENABLE: a new epoch with its marks in Redis, `enabling`, a wait for every transaction that may have read `disabled`, `enabled`. One
// process at a time tries, under a lock that is free again when that process dies: then another one ends what it has begun.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../core/log.ts'
import type { Session } from '../../db/session.ts'
import type { Redis } from '../../redis/redis.ts'
import type { FencedFaults } from './faults.ts'
import { epochPrefix, markKey } from './keys.ts'
import { beginDisabling, beginEnabling, endEnabling, hasPassed, horizon, readState, type Told } from './state.ts'
import { renewMs } from './timing.ts'
import { bucketsOf, witnesses } from './witness.ts'

export interface OnSwitchParts {
  readonly session: Session
  readonly redis: Redis
  readonly log: Logger
  readonly faults: FencedFaults
  readonly signal: AbortSignal
}

/** Why it is not on when another process is about to switch it on. */
export const busy = 'another process is at it'
const lockName = 'plinth: the fenced cache is being switched on'
/** Pauses while waiting for transactions: short at first, because most are. */
const firstPauseMs = 2
const longestPauseMs = 250
/** Transactions that take longer than this are worth a line in the log. */
const longWaitMs = 10_000

export class OnSwitch {
  readonly #parts: OnSwitchParts

  constructor(parts: OnSwitchParts) {
    this.#parts = parts
  }

  /**
   * @param former  the state as it was seen: `disabled`
   * @returns       undefined when the cache is on, else why not
   */
  enable(former: Told): Promise<string | undefined> {
    return this.#underLock(async () => {
      const { redis, session } = this.#parts
      const epoch = randomUUID()
      const found = await witnesses(redis, epoch, await bucketsOf(redis), 'set')
      const unfit = found.find((witness) => witness.unfit !== undefined)?.unfit
      if (unfit !== undefined) return `Redis cannot be used: ${unfit}`
      const servers = found.map(({ server }) => server)
      if (!(await beginEnabling(session, epoch, servers))) return busy
      const failure = await this.#complete(epoch, servers)
      if (failure === undefined && former.epoch !== undefined) void this.#removeRemains(former.epoch, former.servers.length)
      return failure
    })
  }

  /** Ends what another process has begun, if that has died meanwhile. @param begun  the state as it was seen: `enabling` */
  resume({ epoch = '', servers }: Told): Promise<string | undefined> {
    return this.#underLock(() => this.#complete(epoch, servers))
  }

  async #underLock(work: () => Promise<string | undefined>): Promise<string | undefined> {
    const { session } = this.#parts
    const [row] = await session.query<{ taken: boolean }>('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken', [lockName])
    if (row?.taken !== true) return busy
    try {
      return await work()
    } finally {
      // A session that was lost has lost its locks.
      await session.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [lockName]).catch(() => undefined)
    }
  }

  async #complete(epoch: string, servers: readonly string[]): Promise<string | undefined> {
    const { session, redis, faults } = this.#parts
    if (faults.horizon !== true && !(await this.#waitForTransactions(epoch, servers.length))) return 'it was switched off again'
    const found = await witnesses(redis, epoch, servers.length, 'keep')
    if (!found.every(({ hasMark, server }, bucket) => hasMark && server === servers[bucket])) {
      await beginDisabling(session, epoch) // nobody can complete this epoch any more
      return 'Redis has lost the mark'
    }
    return (await endEnabling(session, epoch)) ? undefined : 'it was switched off again'
  }

  /** False when the epoch has ended meanwhile. */
  async #waitForTransactions(epoch: string, buckets: number): Promise<boolean> {
    const { session, redis, log, signal } = this.#parts
    const waitedFor = await horizon(session)
    const startedAt = performance.now()
    let isSaid = false
    let renewedAt = startedAt
    for (let pauseMs = firstPauseMs; !(await hasPassed(session, waitedFor)); pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      if ((await readState(session)).epoch !== epoch) return false
      if (!isSaid && performance.now() - startedAt > longWaitMs) {
        log.warn({ before: waitedFor }, 'the fenced cache waits for transactions that began before it was switched on')
        isSaid = true
      }
      if (performance.now() - renewedAt > renewMs) {
        await witnesses(redis, epoch, buckets, 'renew')
        renewedAt = performance.now()
      }
      await sleep(pauseMs, undefined, { signal, ref: false })
    }
    return true
  }

  /** Of the former epoch: the marks first, so that nothing of it can be used while the rest goes. */
  async #removeRemains(epoch: string, buckets: number): Promise<void> {
    const { redis } = this.#parts
    try {
      for (let bucket = 0; bucket < buckets; bucket++) await redis.delete([markKey(epoch, bucket)])
      await redis.clear(epochPrefix(epoch))
    } catch {
      // Redis is away; its keys with an end go by themselves, of the others there are few.
    }
  }
}

// The fenced cache of one process: reads of single rows that ask Redis alone, and writes that lock what they change before they commit.
// docs/caching.md tells how it works, and why it is never stale; test/coherence/model checks the argument.

import type { Logger } from '../../core/log.ts'
import type { Metrics } from '../../core/metrics.ts'
import type { HealthReport } from '../../core/module.ts'
import type { Database } from '../../db/database.ts'
import type { Session } from '../../db/session.ts'
import type { Redis } from '../../redis/redis.ts'
import type { FencedSight } from '../explain.ts'
import type { RowAddress } from '../read.ts'
import type { FencedFaults } from './faults.ts'
import { Keeper } from './keeper.ts'
import { Locks } from './locks.ts'
import { lookAtRow } from './look.ts'
import { OffSwitch } from './off-switch.ts'
import { OnSwitch } from './on-switch.ts'
import { type FencedTable, Permission } from './permission.ts'
import { type BegunRead, type FencedRead, FencedReads, type FencedValue, type Load } from './reads.ts'
import { sweepMs } from './timing.ts'
import { FencedWrites } from './writes.ts'

export interface FencedParts {
  readonly db: Database
  /** Undefined: reads go to the database, and writes switch off what other processes have switched on. */
  readonly redis: Redis | undefined
  readonly log: Logger
  readonly metrics: Metrics
  readonly tables: readonly FencedTable[]
  /** For tests: rules to leave out. */
  readonly faults?: FencedFaults
}

/** What needs Redis. */
interface Online {
  readonly redis: Redis
  readonly keeper: Keeper
  readonly reads: FencedReads
  readonly locks: Locks
  readonly permission: Permission
}

/** Longest that a start waits for the cache to be on; it goes on without. */
const startMs = 1_000

export class FencedCache {
  readonly writes: FencedWrites
  /** Names of the fenced tables, quoted and schema-qualified. */
  readonly tables: ReadonlySet<string>
  readonly #session: Session
  readonly #online: Online | undefined
  readonly #stop = new AbortController()
  #sweeper: NodeJS.Timeout | undefined

  constructor({ db, redis, log, metrics, tables, faults = {} }: FencedParts) {
    const session = db.openSession()
    const { signal } = this.#stop
    const countOff = metrics.counter('plinth_fenced_cache_off_total', 'Times this process has switched the fenced cache off.', 'reason')
    const off = new OffSwitch({ session, log, faults, signal, onOff: countOff })
    this.#session = session
    this.tables = new Set(tables.map(({ name }) => name))
    if (redis !== undefined) {
      const permission = new Permission(tables, faults)
      const locks = new Locks(redis, session, faults)
      const on = new OnSwitch({ session, redis, log, faults, signal })
      const keeper = new Keeper({ session, redis, log, faults, tables, permission, off, on })
      this.#online = { redis, keeper, permission, locks, reads: new FencedReads({ db, redis, keeper, permission, off, locks, faults }) }
    }
    this.writes = new FencedWrites({ db, session, off, locks: this.#online?.locks, faults })
    metrics.gauge('plinth_fenced_cache', 'Whether this process may use the fenced cache now.', 'state', () => {
      const on = this.#online?.permission.epoch() === undefined ? 0 : 1
      return { on, off: 1 - on }
    })
  }

  /** Switches the cache on, or learns that it is; at the latest after a second it goes on without. */
  async start(): Promise<void> {
    const { keeper, locks, permission } = this.#online ?? {}
    if (keeper === undefined) return
    this.#sweeper = setInterval(() => {
      const current = permission?.epoch()
      if (current !== undefined) void locks?.sweep(current.epoch, current.buckets).catch(() => undefined)
    }, sweepMs).unref()
    keeper.want()
    const ready = async (): Promise<void> => {
      await keeper.poll()
      await keeper.settled()
      await keeper.poll()
    }
    await Promise.race([ready(), new Promise((resolve) => setTimeout(resolve, startMs).unref())])
  }

  /** Whether a write has a chance to lock its rows; without Redis it can only switch the cache off. */
  get hasRedis(): boolean {
    return this.#online !== undefined
  }

  /** Whether rows may be read from the cache at this moment. */
  isOn(): boolean {
    return this.#online?.permission.epoch() !== undefined
  }

  /** Ends the epoch, and all its values with it; the next one begins by itself. */
  async clear(): Promise<void> {
    await this.#online?.keeper.end('it was cleared')
  }

  /**
   * @param load   reads the row from the primary and makes the value; undefined when there is no such row
   * @param begun  what `begin` made of this read
   * @returns      undefined while the row may not be read from the cache
   */
  async read(read: FencedRead, load: Load, begun?: BegunRead): Promise<FencedValue | undefined> {
    return this.#online?.reads.read(read, load, begun)
  }

  /** Asks Redis about a row that perhaps need not be read. Not for use in a transaction. */
  async begin(read: FencedRead): Promise<BegunRead | undefined> {
    return this.#online?.reads.begin(read)
  }

  /** What a read of the row would find; asks for the permission first, as somebody who reads all the time has done. */
  async look(row: RowAddress, variant: string): Promise<FencedSight> {
    const health = await this.refresh()
    const { redis, permission } = this.#online ?? {}
    const permitted = permission?.rowOf(row)
    const found = redis === undefined || permitted === undefined ? undefined : lookAtRow(redis, permitted, variant)
    return { on: health.ok, state: health['state'], reason: health['reason'], row: await found?.catch(() => undefined) }
  }

  /** Health as it is after a look at the database and Redis. */
  async refresh(): Promise<HealthReport> {
    this.#online?.keeper.want()
    await this.#online?.keeper.poll()
    return this.health()
  }

  health(): HealthReport {
    const { state, reason } = this.#online?.keeper.seen ?? { reason: 'Redis is not configured' }
    return { ok: this.isOn(), ...(state === undefined ? {} : { state }), ...(reason === undefined ? {} : { reason }) }
  }

  /** Resolves when nothing is under way that nobody waits for: fills, locks to be taken away. */
  async settled(): Promise<void> {
    await Promise.all([this.writes.settled(), this.#online?.reads.settled()])
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeper)
    await this.settled()
    this.#stop.abort()
    await this.#online?.keeper.close()
    await this.#session.close()
  }
}

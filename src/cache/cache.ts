// The cache of one process: which mode answers a read, near copies on top, and what is known of all of it.

import { currentContext } from '../core/context.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Bus } from '../core/processes/bus.ts'
import type { Database } from '../db/database.ts'
import type { Redis } from '../redis/redis.ts'
import { Changes } from './changes.ts'
import { Counters, type ResourceCounts } from './counters.ts'
import { type Entry, sealKey } from './entry.ts'
import { type Explanation, explanation, type FencedSight, kept, keptHere, type Lookup } from './explain.ts'
import type { CacheFaults } from './faults.ts'
import { fenceErrors } from './fenced/errors.ts'
import type { FencedFaults } from './fenced/faults.ts'
import type { FencedCache } from './fenced/fenced-cache.ts'
import { FencedMode } from './fenced/fenced-mode.ts'
import { MemoryStore } from './memory-store.ts'
import { type AheadRead, type CachedRead, type CacheMode, type FencedRowRead, type Fill, type Found, isFencedRead } from './read.ts'
import { Sampler } from './sampler.ts'
import { SharedStore } from './shared-store.ts'
import { WatchedTables } from './tables.ts'
import { VerifiedMode } from './verified.ts'
import { Versions } from './versions.ts'
import { WriteReach } from './write-reach.ts'

export interface CacheParts {
  readonly db: Database
  readonly redis: Redis | undefined
  readonly bus: Bus
  readonly log: Logger
  readonly metrics: Metrics
  /** Bytes of answers that may be kept in this process. */
  readonly memoryBytes: number
  /** What entries outside of this process are sealed with. */
  readonly secret: string
  /** True when a resource has near copies. */
  readonly hasNear: boolean
  /** All of the application's models, quoted and schema-qualified. */
  readonly models: readonly string[]
  /** Undefined when no resource is fenced. */
  readonly fenced?: FencedCache
  readonly internals?: CacheInternals
}

/** What tests set otherwise. */
export interface CacheInternals {
  readonly faults?: CacheFaults
  /** Rules of the fenced mode to leave out. */
  readonly fencedFaults?: FencedFaults
  /** Hits for each one that is read again and compared; default 10,000. */
  readonly sampleOneIn?: number
}

const sampleOneIn = 10_000

export interface CacheStats {
  /** By resource, since this process has started. */
  readonly reads: Readonly<Record<string, Readonly<ResourceCounts>>>
  readonly memory: ReturnType<MemoryStore['counts']>
  /** Whether entries are shared with other processes at this moment; undefined without Redis. */
  readonly redisUsable: boolean | undefined
  /** Tables that were found without the triggers that a cached read needs. */
  readonly untracked: readonly string[]
}

export class Cache {
  readonly tables = new WatchedTables()
  readonly #parts: CacheParts
  readonly #faults: CacheFaults
  readonly #memory: MemoryStore
  readonly #shared: SharedStore | undefined
  readonly #versions: Versions
  readonly #counters: Counters
  readonly #sampler: Sampler
  readonly #changes: Changes
  readonly #verified: CacheMode
  /** Undefined when no resource is fenced. */
  readonly #fenced: FencedMode | undefined

  constructor(parts: CacheParts) {
    const { db, redis, bus, log, metrics, memoryBytes, secret, hasNear, models, internals = {} } = parts
    const { faults = {} } = internals
    const countBroken = metrics.counter('plinth_cache_broken_entries_total', 'Entries that were not ours, or not whole.', 'store')
    this.#parts = parts
    this.#faults = faults
    this.#memory = new MemoryStore(memoryBytes)
    this.#shared = redis === undefined ? undefined : new SharedStore(redis, sealKey(secret), () => countBroken('redis'), faults)
    this.#versions = new Versions(db, log, faults)
    this.#counters = new Counters(metrics)
    this.#sampler = new Sampler(this.#counters, log, internals.sampleOneIn ?? sampleOneIn)
    this.#changes = new Changes({ tables: this.tables, redis, bus, tellsOthers: hasNear, onClear: () => this.#memory.clear(), faults })
    this.#verified = new VerifiedMode({ ...this.#stores(), db, faults })
    this.#fenced = this.#fencedMode(() => countBroken('fenced'))
    if (hasNear) this.#listen(new WriteReach(db, models))
    metrics.gauge('plinth_cache_memory', 'Answers kept in this process.', 'of', () => this.#memoryGauge())
  }

  /** A copy that may be given without asking anybody; costs a look into a map. */
  near(read: CachedRead): Entry | undefined {
    const entry = this.#nearEntry(read)
    if (entry !== undefined) this.#counters.count(read.resource, 'near')
    return entry
  }

  /** Whether an entry that `near` gave is what it would give now. */
  isNear(read: CachedRead, entry: Entry): boolean {
    return this.#nearEntry(read) === entry
  }

  /** Counts a read that was answered with an entry of before, because `isNear`. */
  gaveNear({ resource }: CachedRead): void {
    this.#counters.count(resource, 'near')
  }

  /**
   * Looks for the answer to a read that can perhaps be given without more; counts nothing.
   *
   * @returns  undefined while there is nothing to look at
   */
  async readAhead(read: FencedRowRead): Promise<AheadRead | undefined> {
    return this.#isPrivate() ? undefined : this.#fenced?.readAhead(read)
  }

  /** Counts a read that was answered with an entry of before, because it is the one that `readAhead` found. */
  gaveHit(read: FencedRowRead, entry: Entry, fill: Fill): void {
    this.#counters.count(read.resource, 'hit')
    this.#fenced?.sample(read, entry, fill)
  }

  /**
   * @param ahead  what `readAhead` has found
   * @throws       what `fill` throws, and AppError when the database cannot be asked
   */
  async read(read: CachedRead, fill: Fill, ahead?: AheadRead): Promise<Found> {
    const found = await this.#find(read, fill, ahead)
    this.#counters.count(read.resource, found.status)
    return found
  }

  /** What it would do for a read, without doing it. @throws AppError when the database cannot be asked */
  async explain(read: CachedRead): Promise<Explanation> {
    const { key, settings, tables } = read
    const copy = this.#memory.get(key)
    const memory = copy && keptHere(copy, read)
    const fenced = await this.#fencedSight(read)
    const version = await this.#versions.ask(read)
    return explanation({
      ...(await this.lookUp(key)),
      key,
      mode: isFencedRead(read) ? 'fenced' : 'verified',
      ttlMs: settings.ttlMs,
      nearMs: settings.nearMs,
      tables: tables.names,
      version: version?.text,
      untracked: version === undefined ? this.#versions.untracked.filter((name) => tables.names.includes(name)) : [],
      memory,
      fenced,
    })
  }

  /** What is kept under a key of the verified mode, whatever read that is of. */
  async lookUp(key: string): Promise<Lookup> {
    const copy = this.#memory.get(key)
    const stored = await this.#shared?.get(key)
    return {
      memory: copy && kept(copy.entry, copy.version.text, copy.expiresAt - performance.now()),
      redis: stored && kept(stored.entry, stored.version, stored.expiresAt - Date.now()),
      redisUsable: this.#parts.redis?.usable,
    }
  }

  stats(): CacheStats {
    return {
      reads: this.#counters.all(),
      memory: this.#memory.counts(),
      redisUsable: this.#parts.redis?.usable,
      untracked: this.#versions.untracked,
    }
  }

  /**
   * Drops every answer: here, in Redis, and in the other processes of this machine and those that Redis reaches.
   *
   * @returns  entries that were in Redis; undefined when there is none or it cannot be reached
   */
  async clear(): Promise<number | undefined> {
    this.#memory.clear()
    const removed = await this.#shared?.clear()
    await this.#parts.fenced?.clear()
    await this.#changes.tellClear()
    return removed
  }

  /**
   * Lets the current transaction change rows of fenced resources by SQL of its own. Right before its commit the rows that it has changed
   * are locked in Redis; without this PostgreSQL refuses the change while the fenced cache is on.
   *
   * @example  `await app.db.transaction(async () => { await app.cache?.fence(); await app.db.query('update items set price = price * 2') })`
   * @throws   AppError `DB_NO_TRANSACTION`, or `FENCE_NOT_FENCED` when no resource is fenced
   */
  async fence(): Promise<void> {
    if (this.#parts.fenced === undefined) throw fenceErrors.NOT_FENCED()
    await this.#parts.fenced.writes.enter()
  }

  /** Undefined when no resource is fenced. */
  get fenced(): FencedCache | undefined {
    return this.#parts.fenced
  }

  /**
   * Switches the fenced mode on, so that the first read finds it so; else that does. Not before migrations are done, which would have to
   * switch it off again.
   */
  async start(): Promise<void> {
    await this.#parts.fenced?.start()
  }

  /** Waits for what nobody waited for. */
  async close(): Promise<void> {
    this.#changes.close()
    await this.#sampler.settled()
    await this.#parts.fenced?.stop()
  }

  /** Who says what he has written, perhaps through another process, must be shown it; a near copy may be of before. */
  #nearEntry({ settings, key, tables }: CachedRead): Entry | undefined {
    if (settings.nearMs === 0 || this.#isPrivate() || currentContext()?.readAfter !== undefined) return undefined
    const copy = this.#memory.get(key)
    if (copy === undefined) return undefined
    const now = performance.now()
    const { askedAt, stamp } = copy.version
    const isRecent = now - askedAt <= settings.nearMs && now <= copy.expiresAt
    return isRecent && stamp === tables.stamp() ? copy.entry : undefined
  }

  #listen(reach: WriteReach): void {
    this.#parts.db.onWrite((tables) => this.#changes.wrote(reach.of(tables)))
  }

  #fencedMode(onBroken: () => void): FencedMode | undefined {
    const { fenced, db, secret } = this.#parts
    if (fenced === undefined) return undefined
    return new FencedMode({ fenced, otherwise: this.#verified, db, seal: sealKey(secret), sampler: this.#sampler, onBroken })
  }

  async #fencedSight(read: CachedRead): Promise<FencedSight | undefined> {
    const { fenced } = this.#parts
    return isFencedRead(read) ? fenced?.look(read.row, read.key) : undefined
  }

  /** In a transaction: what others see is not what the caller sees. */
  #isPrivate(): boolean {
    return this.#parts.db.isInTransaction() && this.#faults.cacheInTransactions !== true
  }

  #find(read: CachedRead, fill: Fill, ahead: AheadRead | undefined): Promise<Found> {
    if (this.#isPrivate()) return bypass(this.#parts.db, fill)
    return isFencedRead(read) && this.#fenced !== undefined ? this.#fenced.read(read, fill, ahead) : this.#verified.read(read, fill)
  }

  #stores() {
    return {
      versions: this.#versions,
      memory: this.#memory,
      shared: this.#shared,
      counters: this.#counters,
      sampler: this.#sampler,
    }
  }

  #memoryGauge(): Record<string, number> {
    const { entries, bytes, mostBytes, evicted } = this.#memory.counts()
    return { entries, bytes, most_bytes: mostBytes, evicted }
  }
}

async function bypass(db: Database, fill: Fill): Promise<Found> {
  return { entry: await fill(db), status: 'bypass' }
}

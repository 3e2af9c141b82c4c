// A read of one row: from Redis while this process may, else from the database. Who gets the lease fills in what it reads.

import { randomBytes } from 'node:crypto'
import type { Database } from '../../db/database.ts'
import { type Redis, RedisUnavailable } from '../../redis/redis.ts'
import type { CacheStatus, RowAddress } from '../read.ts'
import type { FencedFaults } from './faults.ts'
import type { Keeper } from './keeper.ts'
import { markKey } from './keys.ts'
import type { Locks } from './locks.ts'
import { NextFlights } from './next-flight.ts'
import type { OffSwitch } from './off-switch.ts'
import type { Permission, PermittedRow } from './permission.ts'
import { fillScript } from './scripts/fill.ts'
import { getScript } from './scripts/get.ts'
import { absentMs, leaseMs } from './timing.ts'

export interface FencedRead {
  readonly row: RowAddress
  /** What is read of the row and in which form. The same text always means the same. */
  readonly variant: string
  readonly ttlMs: number
}

export interface FencedValue {
  /** Undefined when there is no such row. */
  readonly value: Buffer | undefined
  readonly status: Exclude<CacheStatus, 'near'>
}

/** A read of which it is known what Redis says to it. */
export interface BegunRead {
  /** Set when that is an answer. */
  readonly hit: FencedValue | undefined
  readonly row: PermittedRow
  /** What the value may be filled in with, if there was none. */
  readonly lease: string
  readonly reply: Reply
}

/** Reads the row from the primary. */
export type Load = () => Promise<Buffer | undefined>

export interface ReadsParts {
  readonly db: Pick<Database, 'isInTransaction'>
  readonly redis: Redis
  readonly keeper: Keeper
  readonly permission: Permission
  readonly off: OffSwitch
  readonly locks: Locks
  readonly faults: FencedFaults
}

const absent = Buffer.alloc(0)

export class FencedReads {
  readonly #parts: ReadsParts
  readonly #get
  readonly #fill
  readonly #flights = new NextFlights<Buffer | undefined>()
  /** What nobody waits for: fills, locks that are looked into. */
  readonly #errands = new Set<Promise<unknown>>()
  /** Nobody else's leases begin so; nobody has to guess them, so that numbers do (random bytes for each read took 5 us). */
  readonly #process = randomBytes(9).toString('base64url')
  #leases = 0

  constructor(parts: ReadsParts) {
    this.#parts = parts
    this.#get = getScript(parts.faults)
    this.#fill = fillScript(parts.faults)
  }

  /**
   * @param begun  what `begin` made of this read: Redis is not asked again
   * @returns      undefined while this process has no permission to read the row from the cache
   */
  async read(read: FencedRead, load: Load, begun?: BegunRead): Promise<FencedValue | undefined> {
    // Inside a transaction the caller has to see what that has written, and what it reads may never be committed.
    if (this.#parts.db.isInTransaction()) return { value: await load(), status: 'bypass' }
    const known = begun ?? (await this.begin(read))
    if (known === undefined) return undefined
    return known.hit ?? this.#finish(read, known, load)
  }

  /** Asks Redis. Undefined while this process has no permission to read the row from the cache. */
  async begin({ row: address, variant }: FencedRead): Promise<BegunRead | undefined> {
    const { keeper, permission } = this.#parts
    keeper.want()
    const row = permission.rowOf(address)
    if (row === undefined) return undefined
    const lease = this.#newLease()
    const reply = this.#reaches(row) ? await this.#ask(row, variant, lease) : unanswered
    const counts = reply.code === 'V' && permission.stillHolds(row.epoch)
    return { row, lease, reply, hit: counts ? hitOf(reply.value) : undefined }
  }

  /** Resolves when nothing is under way that nobody waits for. */
  async settled(): Promise<void> {
    await Promise.all(this.#errands)
  }

  #finish(read: FencedRead, { row, lease, reply }: BegunRead, load: Load): Promise<FencedValue> {
    if (reply.code === 'L') return this.#loadAndFill(read, row, lease, load)
    if (reply.code === 'G') this.#run(this.#parts.off.disable(row.epoch, 'Redis has lost its data'))
    if (reply.code === 'X') this.#run(this.#parts.locks.meet(row.epoch, row.name, reply.tokens))
    return this.#past(read, load)
  }

  #newLease(): string {
    this.#leases += 1
    return `${this.#process}.${this.#leases}`
  }

  #reaches({ redisKey, runId }: PermittedRow): boolean {
    const { redis, faults } = this.#parts
    return redis.usable && (redis.runIdOf(redisKey) === runId || faults.runId === true)
  }

  async #ask(row: PermittedRow, variant: string, lease: string): Promise<Reply> {
    try {
      const keys = [markKey(row.epoch, row.name.bucket), row.redisKey]
      return replyOf(await this.#parts.redis.run(this.#get, keys, [variant, lease, String(leaseMs)]))
    } catch (error) {
      if (error instanceof RedisUnavailable) return unanswered
      throw error
    }
  }

  async #past(read: FencedRead, load: Load): Promise<FencedValue> {
    return { value: await this.#flights.load(flightOf(read), load), status: 'bypass' }
  }

  /** The read of the database begins after the lease was given, also when it is shared. */
  async #loadAndFill(read: FencedRead, row: PermittedRow, lease: string, load: Load): Promise<FencedValue> {
    const value = await this.#flights.load(flightOf(read), load)
    if (value?.length !== 0 && this.#reaches(row)) this.#run(this.#put(read, row, lease, value))
    return { value, status: 'miss' }
  }

  async #put({ variant, ttlMs }: FencedRead, row: PermittedRow, lease: string, value: Buffer | undefined): Promise<void> {
    const lifeMs = jittered(value === undefined ? Math.min(ttlMs, absentMs) : ttlMs)
    const keys = [markKey(row.epoch, row.name.bucket), row.redisKey]
    await this.#parts.redis.run(this.#fill, keys, [variant, lease, String(lifeMs), value ?? absent])
  }

  /** Redis or the database may be away: then somebody else will do it, or the next read. */
  #run(errand: Promise<unknown>): void {
    const run: Promise<unknown> = errand.catch(() => undefined).finally(() => this.#errands.delete(run))
    this.#errands.add(run)
  }
}

type Reply =
  | { readonly code: 'V'; readonly value: Buffer | undefined }
  | { readonly code: 'X'; readonly tokens: readonly string[] }
  | { readonly code: 'L' | 'B' | 'G' | '' }

const unanswered: Reply = { code: '' }

function hitOf(value: Buffer | undefined): FencedValue {
  return { value: value?.length === 0 ? undefined : value, status: 'hit' }
}

function replyOf(reply: unknown): Reply {
  const [code, ...rest] = Array.isArray(reply) ? (reply as readonly unknown[]) : []
  switch (String(code)) {
    case 'V':
      return { code: 'V', value: rest[0] as Buffer }
    case 'X':
      return { code: 'X', tokens: rest.map(String) }
    default:
      return { code: String(code) as 'L' | 'B' | 'G' }
  }
}

function flightOf({ row, variant }: FencedRead): string {
  return `${variant}\n${row.table}\n${row.key.join('\n')}`
}

/** Values that were filled in together shall not all end together. */
function jittered(ms: number): number {
  return Math.max(1, Math.round(ms * (0.9 + Math.random() * 0.2)))
}

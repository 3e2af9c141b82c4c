// Locks on rows in Redis: put there before a commit, taken away after it, and of transactions that nobody speaks for any more.

import { randomBytes } from 'node:crypto'
import type { Session } from '../../db/session.ts'
import type { Redis } from '../../redis/redis.ts'
import type { FencedFaults } from './faults.ts'
import { locksKey, markKey, rowKey, type RowName } from './keys.ts'
import { runIdOf } from './permission.ts'
import { fenceScript } from './scripts/fence.ts'
import { orphansScript } from './scripts/orphans.ts'
import { unfenceScript } from './scripts/unfence.ts'
import { endedOf } from './state.ts'
import { orphanMs } from './timing.ts'

/** The rows that one transaction has locked in one epoch. */
export interface Lock {
  readonly epoch: string
  readonly token: string
  readonly rows: readonly RowName[]
}

/** Rows of one call: a script of 500 rows keeps Redis from everything else for 2 ms. */
const rowsPerCall = 500
/** A fence that got no answer in the budget is sent once more; then it counts as failed. */
const fenceTries = 2
const orphansPerSweep = 100

export class Locks {
  readonly #redis: Redis
  readonly #session: Session
  readonly #faults: FencedFaults
  readonly #fence
  /** When each lock was first met. */
  readonly #met = new Map<string, number>()

  constructor(redis: Redis, session: Session, faults: FencedFaults) {
    this.#redis = redis
    this.#session = session
    this.#faults = faults
    this.#fence = fenceScript(faults)
  }

  isUsable(): boolean {
    return this.#redis.usable
  }

  /** Locks the rows for the transaction `xid`; undefined when that cannot be relied on. Some may be locked then. */
  async take(epoch: string, servers: readonly string[], rows: readonly RowName[], xid: string): Promise<Lock | undefined> {
    const lock: Lock = { epoch, token: `${randomBytes(9).toString('base64url')}.${xid}`, rows }
    for (let tries = 0; tries < fenceTries; tries++) {
      const fenced = await Promise.all(batches(lock).map((batch) => this.#takeBatch(lock, servers, batch)))
      if (fenced.includes(false)) return undefined
      if (!fenced.includes(undefined)) return lock
    }
    return undefined
  }

  /** Undefined: no answer. */
  async #takeBatch({ epoch, token }: Lock, servers: readonly string[], batch: Batch): Promise<boolean | undefined> {
    const mark = markKey(epoch, batch.bucket)
    const isRightServer = this.#redis.runIdOf(mark) === runIdOf(servers[batch.bucket] ?? '') || this.#faults.runId === true
    if (!this.#redis.usable || !isRightServer) return false
    const keys = [mark, locksKey(epoch, batch.bucket), ...batch.rows.map((row) => rowKey(epoch, row))]
    const names = batch.rows.map(({ name }) => name)
    return this.#redis.run(this.#fence, keys, [token, ...names]).then(
      (reply) => reply === 1,
      () => undefined,
    )
  }

  /** Where it fails the locks stay until somebody asks PostgreSQL what became of their transaction. */
  async release(lock: Lock): Promise<void> {
    await Promise.allSettled(batches(lock).map((batch) => this.#releaseBatch(lock, batch)))
  }

  #releaseBatch({ epoch, token }: Lock, { bucket, rows }: Batch): Promise<unknown> {
    const keys = [locksKey(epoch, bucket), ...rows.map((row) => rowKey(epoch, row))]
    return this.#redis.run(unfenceScript, keys, [token, ...rows.map(({ name }) => name)])
  }

  /** A reader has met locks on a row. Those that have been there for a while are looked into. */
  async meet(epoch: string, row: RowName, tokens: readonly string[]): Promise<void> {
    const now = performance.now()
    for (const token of tokens) if (!this.#met.has(token)) this.#met.set(token, now)
    const old = tokens.filter((token) => now - (this.#met.get(token) ?? now) >= orphanMs)
    if (old.length > 0) await this.#resolve(old.map((token) => ({ epoch, token, rows: [row] })))
    this.#forgetMet(now)
  }

  /** Looks into the oldest locks of an epoch: of rows that nobody reads. */
  async sweep(epoch: string, buckets: number): Promise<void> {
    for (let bucket = 0; bucket < buckets; bucket++) {
      const reply = await this.#redis.run(orphansScript, [locksKey(epoch, bucket)], [String(orphanMs), String(orphansPerSweep)])
      const members = Array.isArray(reply) ? reply.map(String) : []
      const locks = members.map((member): Lock => {
        const at = member.lastIndexOf('\n')
        return { epoch, token: member.slice(at + 1), rows: [{ bucket, name: member.slice(0, at) }] }
      })
      if (locks.length > 0) await this.#resolve(locks)
    }
  }

  /** Takes away the locks of transactions that have ended. No time that has passed is taken for an end. */
  async #resolve(locks: readonly Lock[]): Promise<void> {
    const ended = new Set(await endedOf(this.#session, [...new Set(locks.map(({ token }) => xidOf(token)))]))
    await Promise.all(locks.filter(({ token }) => ended.has(xidOf(token))).map((lock) => this.release(lock)))
    for (const { token } of locks) if (ended.has(xidOf(token))) this.#met.delete(token)
  }

  /** A lock that was taken away since is not met again. */
  #forgetMet(now: number): void {
    for (const [token, metAt] of this.#met) {
      if (now - metAt < orphanMs * 100) break
      this.#met.delete(token)
    }
  }
}

/** Rows of one bucket that go together. */
interface Batch {
  readonly bucket: number
  readonly rows: readonly RowName[]
}

function batches({ rows }: Lock): Batch[] {
  const byBucket = Map.groupBy(rows, ({ bucket }) => bucket)
  return [...byBucket].flatMap(([bucket, all]) =>
    Array.from({ length: Math.ceil(all.length / rowsPerCall) }, (_, i) => ({
      bucket,
      rows: all.slice(i * rowsPerCall, (i + 1) * rowsPerCall),
    })),
  )
}

function xidOf(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1)
}

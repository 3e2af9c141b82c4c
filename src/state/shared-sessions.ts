// Sessions in PostgreSQL, with copies in this process and in Redis.

import type { Database } from '../db/database.ts'
import type { Redis } from '../redis/redis.ts'
import { Lru } from '../support/lru.ts'
import { endOf, openCopy, sealCopy, type SessionCopy, sessionOf } from './session-copy.ts'
import { keepMs, type SessionChanges } from './session-changes.ts'
import { hashOf, newSessionId } from './session-id.ts'
import {
  deleteSession,
  deleteSessionsOf,
  findSession,
  insertSession,
  listSessions,
  mergeSession,
  type SessionChange,
  type SessionRow,
  touchSession,
  updateSession,
} from './session-rows.ts'
import { type NewSession, type Session, type SessionData, type SessionStore, touchEveryMs } from './sessions.ts'

const defaultIdleMs = 30 * 60_000
const defaultLifetimeMs = 12 * 3_600_000
/** Copies in this process. */
const mostCopies = 20_000
const handlePattern = /^[\da-f]{64}$/

export interface SharedSessionsOptions {
  readonly db: Database
  readonly redis: Redis | undefined
  readonly changes: SessionChanges
  /** Signs what is kept in Redis. */
  readonly key: Buffer
  /** @param from  `process`, `redis` or `database` */
  readonly count: (from: string) => void
}

interface Near {
  readonly identity: string
  readonly copy: SessionCopy
  readonly session: Session
}

export class SharedSessions implements SessionStore {
  readonly #options: SharedSessionsOptions
  readonly #db: Database
  readonly #copies = new Lru<Near>(mostCopies)

  constructor(options: SharedSessionsOptions) {
    this.#options = options
    this.#db = options.db
  }

  async create({ user, data = {}, idleMs = defaultIdleMs, lifetimeMs = defaultLifetimeMs }: NewSession) {
    const id = newSessionId()
    const hash = hashOf(id) ?? ''
    const row = await insertSession(this.#db, { hash, user, data, idleMs, lifetimeMs })
    this.#db.afterCommit(() => this.#keep(row))
    return { id, session: sessionOf(hash, row.copy) }
  }

  async get(id: string): Promise<Session | undefined> {
    const hash = hashOf(id)
    return hash === undefined ? undefined : this.#get(hash)
  }

  async getByHandle(handle: string): Promise<Session | undefined> {
    return handlePattern.test(handle) ? this.#get(handle) : undefined
  }

  near(id: string): Session | undefined {
    const hash = hashOf(id)
    return hash === undefined ? undefined : this.nearByHandle(hash)
  }

  nearByHandle(handle: string): Session | undefined {
    return this.#db.isInTransaction() ? undefined : this.#near(handle)?.session
  }

  /** A copy that has been seen lately saves the question. */
  async touch(id: string): Promise<void> {
    const hash = hashOf(id)
    const copy = hash === undefined ? undefined : await this.#find(hash)
    if (hash === undefined || copy === undefined) return
    const everyMs = touchEveryMs(copy.idleMs)
    const now = this.#options.changes.now()
    if (now - copy.seenMs < everyMs) return
    const written = await touchSession(this.#db, hash, everyMs)
    if (this.#db.isInTransaction()) return
    if (!written) await this.#readAgain(hash)
    else if (!Number.isNaN(now)) this.#keep({ hash, copy: { ...copy, seenMs: Math.floor(now) } })
  }

  async update(id: string, data: SessionData): Promise<boolean> {
    const hash = hashOf(id)
    return hash !== undefined && this.#forget(await updateSession(this.#db, hash, data)) > 0
  }

  async updateHandle(user: string, handle: string, some: SessionData): Promise<boolean> {
    return handlePattern.test(handle) && this.#forget(await mergeSession(this.#db, handle, user, some)) > 0
  }

  async delete(id: string): Promise<boolean> {
    const hash = hashOf(id)
    return hash !== undefined && this.#forget(await deleteSession(this.#db, hash)) > 0
  }

  async deleteHandle(user: string, handle: string): Promise<boolean> {
    return handlePattern.test(handle) && this.#forget(await deleteSession(this.#db, handle, user)) > 0
  }

  async deleteAllOf(user: string, except?: string): Promise<number> {
    const kept = except !== undefined && handlePattern.test(except) ? except : null
    return this.#forget(await deleteSessionsOf(this.#db, user, kept))
  }

  async list(user: string): Promise<Session[]> {
    return (await listSessions(this.#db, user)).map(({ hash, copy }) => sessionOf(hash, copy))
  }

  async #get(hash: string): Promise<Session | undefined> {
    const copy = await this.#find(hash)
    return copy === undefined ? undefined : sessionOf(hash, copy)
  }

  /** In a transaction its own changes are seen by nobody else, and nobody else's copies have them. */
  async #find(hash: string): Promise<SessionCopy | undefined> {
    if (this.#db.isInTransaction()) return (await findSession(this.#db, hash))?.copy
    return this.#near(hash)?.copy ?? (await this.#shared(hash)) ?? (await this.#true(hash))
  }

  #near(hash: string): Near | undefined {
    const identity = this.#options.changes.identity()
    const found = this.#copies.get(hash)
    if (found === undefined || found.identity !== identity || !this.#isRight(hash, found.copy)) return undefined
    this.#options.count('process')
    return found
  }

  async #shared(hash: string): Promise<SessionCopy | undefined> {
    const { redis, changes, key } = this.#options
    const identity = changes.identity()
    if (redis === undefined || !redis.usable || identity === undefined) return undefined
    const place = placeOf(identity, hash)
    const sealed = await redis.get(place).catch(() => undefined)
    const copy = sealed === undefined ? undefined : openCopy(sealed, place, key)
    // Asked after the answer: permission may have ended, or a change been heard of, while it was on its way.
    if (copy === undefined || changes.identity() !== identity || !this.#isRight(hash, copy)) return undefined
    this.#options.count('redis')
    this.#remember(hash, identity, copy)
    return copy
  }

  async #true(hash: string): Promise<SessionCopy | undefined> {
    const before = this.#options.changes.identity()
    this.#options.count('database')
    const row = await findSession(this.#db, hash)
    if (row !== undefined && before !== undefined) this.#keep(row, before)
    return row?.copy
  }

  /** The copy may be of a session that was over before the touch arrived, or was touched by somebody else. */
  async #readAgain(hash: string): Promise<void> {
    this.#copies.delete(hash)
    await this.#true(hash)
  }

  #isRight(hash: string, copy: SessionCopy): boolean {
    const { changes } = this.#options
    return changes.believes(hash, copy.version) && changes.now() < endOf(copy)
  }

  /** What is put into Redis late, or by a server that wakes up, is as old as its version says. */
  #keep({ hash, copy }: SessionRow, identity = this.#options.changes.identity()): void {
    if (identity === undefined || identity !== this.#options.changes.identity()) return
    const { redis, key } = this.#options
    const place = placeOf(identity, hash)
    this.#remember(hash, identity, copy)
    if (redis?.usable === true) redis.set(place, sealCopy(copy, place, key), keepMs).catch(() => undefined)
  }

  #remember(hash: string, identity: string, copy: SessionCopy): void {
    this.#copies.set(hash, { identity, copy, session: sessionOf(hash, copy) })
  }

  /** That Redis keeps a copy does no harm: it is not believed. It is removed to save the room. */
  #forget(changed: readonly SessionChange[]): number {
    const { changes, redis } = this.#options
    for (const { hash, version } of changed) changes.note(hash, version)
    const identity = changes.identity()
    if (redis?.usable === true && identity !== undefined && changed.length > 0)
      this.#db.afterCommit(() => void redis.delete(changed.map(({ hash }) => placeOf(identity, hash))).catch(() => undefined))
    return changed.length
  }
}

/** With the identity of the database: two that share a Redis have sessions of their own. */
function placeOf(identity: string, hash: string): string {
  return `session:${identity}:${hash}`
}

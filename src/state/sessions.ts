// What keeps sessions. PostgreSQL is the truth; what processes and Redis have copies of is believed only while nothing was heard against it.

/** What a session carries: JSON. */
export type SessionData = Readonly<Record<string, unknown>>

export interface NewSession {
  readonly user: string
  readonly data?: SessionData
  /** Without use for so long it is over. Default: 30 minutes. */
  readonly idleMs?: number
  /** Over after that however it is used. Default: 12 hours. */
  readonly lifetimeMs?: number
}

export interface Session {
  /** Names the session for its user and for administrators; nobody can use a session with it. */
  readonly handle: string
  readonly user: string
  readonly data: SessionData
  readonly createdAt: Date
  /** When it was touched last, about a minute more or less. */
  readonly seenAt: Date
  /** Over by then at the latest. */
  readonly expiresAt: Date
}

const touchMs = 60_000

/** A session in use is written about as often: milliseconds. */
export function touchEveryMs(idleMs: number): number {
  return Math.min(touchMs, Math.floor(idleMs / 4))
}

/**
 * Sessions by their id: 256 random bits that only the client has, of which everything here keeps the SHA-256.
 *
 * What is deleted or updated, by whatever way (also by hand, in psql), is so for every process within a second, with and without Redis; for the
 * process that did it, at once. Everything may reject with what the database room throws; nothing fails because of Redis.
 */
export interface SessionStore {
  /** Part of the current transaction, when there is one. @returns the id, which cannot be found out afterwards */
  create(session: NewSession): Promise<{ readonly id: string; readonly session: Session }>
  /** Undefined when there is none, or it is over, or deleted. */
  get(id: string): Promise<Session | undefined>
  /** The same by what names it, for those who have shown by other means whose it is: a signed token. */
  getByHandle(handle: string): Promise<Session | undefined>
  /** The same from memory alone, for who must not wait; undefined where it has to be asked for. */
  near(id: string): Session | undefined
  nearByHandle(handle: string): Session | undefined
  /** The session is in use, so it goes on. Writes when that was a minute ago, or a quarter of its idle time; else it costs nothing. */
  touch(id: string): Promise<void>
  /** Replaces the data. @returns false when there is no such session */
  update(id: string, data: SessionData): Promise<boolean>
  /** Sets some of the data, by what names the session; the rest stays. @returns false when the user has no such session */
  updateHandle(user: string, handle: string, some: SessionData): Promise<boolean>
  /** @returns false when there was no such session */
  delete(id: string): Promise<boolean>
  /** Of one user, by what `list` told. @returns false when the user has no such session */
  deleteHandle(user: string, handle: string): Promise<boolean>
  /** @param except  handle of a session that stays: the one that asks for it. @returns how many there were */
  deleteAllOf(user: string, except?: string): Promise<number>
  /** Of one user, the newest first. */
  list(user: string): Promise<Session[]>
}

// Refresh tokens: what an API client keeps for weeks, exchanged for another each time it is used. A family of them is a session of
// src/state: it is listed, ended by its handle, and ended with all others of its user there. decisions/0016-tokens.md has why it is so.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database } from '../../db/database.ts'
import type { NewSession, Session, SessionStore } from '../../state/sessions.ts'
import { derivedKey } from '../sealed.ts'
import { invalidToken, TokenFault } from '../tokens/token-fault.ts'
import { type FamilySession, findUsed, hasRefresh, insertRefresh, rotateRefresh, type UsedToken } from './refresh-rows.ts'
import { firstSecret, newSalt, readSecret, type RefreshSecret, successorOf } from './refresh-secret.ts'

export interface RefreshTokensOptions {
  readonly db: Database
  readonly sessions: SessionStore
  /** JWT_SECRET_KEY. */
  readonly secret: string
  /** How long a token that was used gives the same answer again, for two tabs that refresh at once. 0: never. */
  readonly graceMs: number
  /** A family that is not used for so long is over. */
  readonly idleMs: number
  /** Over after that however it is used. */
  readonly lifetimeMs: number
}

export interface Refreshed extends FamilySession {
  /** In the place of the one that was used. */
  readonly token: string
}

/** The cause of AUTH_INVALID_TOKEN when a token came a second time, which means that two have it. Its session is ended; somebody should be told. */
export class ReusedToken extends TokenFault {
  readonly user: string
  readonly session: string

  constructor({ user, session }: FamilySession) {
    super('was used before, so its session was ended')
    this.name = 'ReusedToken'
    this.user = user
    this.session = session
  }
}

export class RefreshTokens {
  readonly #options: RefreshTokensOptions
  readonly #key: Buffer
  /** That a token was used, or a family ended, must not be undone with a transaction of the caller. */
  readonly #outside = AsyncLocalStorage.snapshot()

  constructor(options: RefreshTokensOptions) {
    this.#options = options
    this.#key = derivedKey(options.secret, 'refresh tokens')
  }

  /** Begins a session with the first token of its family. Part of the current transaction, when there is one. */
  async begin({ user, data }: Pick<NewSession, 'user' | 'data'>): Promise<{ readonly token: string; readonly session: Session }> {
    const { db, sessions, idleMs, lifetimeMs } = this.#options
    // Its id is thrown away: nobody can use it as a cookie.
    const { session } = await sessions.create({ user, idleMs, lifetimeMs, ...(data === undefined ? {} : { data }) })
    const secret = firstSecret()
    if (!(await insertRefresh(db, secret, session.handle))) throw invalidToken('belongs to a session that is over')
    return { token: secret.token, session }
  }

  /**
   * Exchanges a token for the next one. Those who come with the same token within the grace period get the same one; who comes later ends the session.
   *
   * @throws AppError `AUTH_INVALID_TOKEN`, whose cause is a `ReusedToken` when the session was ended for it
   */
  async refresh(token: string): Promise<Refreshed> {
    const secret = readSecret(token)
    if (secret === undefined) throw invalidToken('is no refresh token')
    return this.#outside(() => this.#refresh(secret))
  }

  async #refresh(secret: RefreshSecret): Promise<Refreshed> {
    const { db, graceMs } = this.#options
    const salt = newSalt()
    const next = successorOf(secret, salt, this.#key)
    const family = await rotateRefresh(db, secret, { next, salt, graceMs })
    if (family?.isSpent) return { session: family.session, user: family.user, token: next.token }
    const used = family && (await findUsed(db, secret, graceMs))
    if (used === undefined) throw invalidToken('belongs to no session, or to one that is over')
    return this.#again(secret, used)
  }

  async #again(secret: RefreshSecret, { session, user, salt, isRecent }: UsedToken): Promise<Refreshed> {
    const { db, sessions } = this.#options
    if (salt === undefined || !isRecent) {
      await sessions.deleteHandle(user, session)
      throw invalidToken(new ReusedToken({ user, session }))
    }
    const next = successorOf(secret, salt, this.#key)
    // Another process may have another key for a while; what it has given out cannot be made here.
    if (!(await hasRefresh(db, next))) throw invalidToken('was used a moment ago, by a process with another secret')
    return { session, user, token: next.token }
  }
}

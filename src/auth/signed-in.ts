// Who asks: from a session or an access token to a caller. A session that was ended, and a user who was disabled or lost a role, are
// known of in every process within a second, because all of this is believed only as long as nothing has changed.

import type { Caller } from '../core/caller.ts'
import type { Session } from '../state/sessions.ts'
import { accountErrors } from './account-errors.ts'
import { isStill } from './accounts/generations.ts'
import type { Member } from './accounts/members.ts'
import type { AccountParts, Origin } from './accounts/parts.ts'
import type { User } from './accounts/users.ts'
import { authErrors } from './errors.ts'
import type { RefreshTokens } from './refresh/refresh-tokens.ts'
import type { AccessTokens } from './tokens/access-tokens.ts'

/** Half of what lies between two notes that a session is in use. */
const momentMs = 30_000

export interface SignedInOptions {
  readonly parts: AccountParts
  readonly tokens: AccessTokens
  readonly refreshes: RefreshTokens
  readonly idleMs: number
  readonly lifetimeMs: number
}

export interface OpenedSession {
  /** What the client has to show; nobody can find it out afterwards. */
  readonly id: string
  readonly session: Session
}

/** As RFC 6749 names it. */
export interface TokenReply {
  readonly access_token: string
  readonly token_type: 'Bearer'
  /** Seconds. */
  readonly expires_in: number
  readonly refresh_token: string
}

/** Somebody who asks, and by which session. */
export interface Asking {
  readonly caller: Caller
  readonly session: Session
}

export class SignedIn {
  readonly #options: SignedInOptions

  constructor(options: SignedInOptions) {
    this.#options = options
  }

  get lifetimeMs(): number {
    return this.#options.lifetimeMs
  }

  /**
   * A new session, with an id of its own: what the client showed before is worth nothing for it.
   *
   * @param user  read before it was shown who asks
   * @throws AppError AUTH_WRONG_CREDENTIALS when the password was changed meanwhile, or everything was ended
   */
  async open(user: User, { address, agent }: Origin): Promise<OpenedSession> {
    const { parts, idleMs, lifetimeMs } = this.#options
    const data = { address, agent: agent ?? null }
    const opened = await this.#ifStill(user, () => parts.sessions.create({ user: user.id, data, idleMs, lifetimeMs }))
    await parts.audit.record({ action: 'sign_in.succeeded', actor: user.id, address, details: { session: opened.session.handle } })
    return opened
  }

  /** A new session for a client that keeps tokens. @throws AppError AUTH_WRONG_CREDENTIALS as `open` does */
  async openTokens(user: User, { address, agent }: Origin): Promise<TokenReply> {
    const { parts, refreshes } = this.#options
    const data = { address, agent: agent ?? null }
    const { token, session } = await this.#ifStill(user, () => refreshes.begin({ user: user.id, data }))
    await parts.audit.record({ action: 'sign_in.succeeded', actor: user.id, address, details: { session: session.handle } })
    return this.#reply(user.id, session.handle, token)
  }

  /** Opens a session, or none when the proof is of before: a hash may have waited for seconds. */
  #ifStill<opened>(user: User, open: () => Promise<opened>): Promise<opened> {
    const { db } = this.#options.parts
    return db.transaction(async () => {
      if (!(await isStill(db, user))) throw accountErrors.WRONG_CREDENTIALS()
      return open()
    })
  }

  /**
   * Exchanges a refresh token for the next one and an access token.
   *
   * @throws AppError AUTH_INVALID_TOKEN; the cause is a `ReusedToken` when two have it
   */
  async refresh(token: string): Promise<{ readonly user: string; readonly tokens: TokenReply }> {
    const { parts, refreshes } = this.#options
    const next = await refreshes.refresh(token)
    if ((await parts.members.find(next.user)) === undefined) {
      await parts.sessions.deleteHandle(next.user, next.session)
      throw authErrors.INVALID_TOKEN()
    }
    return { user: next.user, tokens: await this.#reply(next.user, next.session, next.token) }
  }

  async #reply(user: string, session: string, refresh: string): Promise<TokenReply> {
    const { token, expiresIn } = await this.#options.tokens.issue({ user, session })
    return { access_token: token, token_type: 'Bearer', expires_in: expiresIn, refresh_token: refresh }
  }

  /** Whose session this is; undefined when it is over, and for a user who may not sign in any more. */
  async bySession(id: string): Promise<Asking | undefined> {
    const session = await this.#options.parts.sessions.get(id)
    const caller = session === undefined ? undefined : await this.callerOf(session.user, session.handle)
    return session === undefined || caller === undefined ? undefined : { caller, session }
  }

  /** Notes that a session is in use, where that was not noted a moment ago: most requests are spared the look. Nobody waits for it. */
  touch(id: string, { seenAt }: Session): void {
    const { parts, idleMs } = this.#options
    if (Math.abs(Date.now() - seenAt.getTime()) < Math.min(momentMs, idleMs / 8)) return
    parts.sessions.touch(id).catch((err: unknown) => parts.log.debug({ err }, 'that a session is in use was not noted'))
  }

  /** Whose token this is. @throws AppError AUTH_INVALID_TOKEN */
  async byToken(token: string): Promise<Asking> {
    const { claims, session } = await this.#options.tokens.verify(token)
    const caller = await this.callerOf(claims.sub, claims.sid, claims.scope?.split(' '))
    if (caller === undefined) throw authErrors.INVALID_TOKEN()
    return { caller, session }
  }

  async callerOf(user: string, credential?: string, scopes?: readonly string[]): Promise<Caller | undefined> {
    const member = await this.#options.parts.members.find(user)
    return member === undefined ? undefined : callerOf(member, credential, scopes)
  }
}

function callerOf({ id, roles, permissions }: Member, credential: string | undefined, scopes: readonly string[] | undefined): Caller {
  return { kind: 'user', id, roles, permissions, scopes, tenant: undefined, credential }
}

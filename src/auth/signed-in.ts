// Who asks: from a session or an access token to a caller. A session that was ended, and a user who was disabled or lost a role, are
// known of in every process within a second, because all of this is believed only as long as nothing has changed.

import type { Caller } from '../core/caller.ts'
import { type Session, type SessionData, touchEveryMs } from '../state/sessions.ts'
import { accountErrors } from './account-errors.ts'
import { isStill } from './accounts/generations.ts'
import type { Member } from './accounts/members.ts'
import type { AccountParts, Origin } from './accounts/parts.ts'
import type { User } from './accounts/users.ts'
import { KnownCallers } from './known-callers.ts'
import type { RefreshTokens } from './refresh/refresh-tokens.ts'
import { chooseTenant } from './tenants/choose.ts'
import type { AccessTokens } from './tokens/access-tokens.ts'
import { invalidToken } from './tokens/token-fault.ts'

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

/** How a user asks, and what is said of the tenant that he wants to act in. */
export interface CallerWish {
  readonly credential?: string | undefined
  readonly scopes?: readonly string[] | undefined
  /** The only one that the key is for. */
  readonly bound?: string | undefined
  /** `X-Tenant`. */
  readonly named?: string | undefined
  /** What the session has kept; anything but a text: nothing. */
  readonly chosen?: unknown
}

export class SignedIn {
  readonly #options: SignedInOptions
  readonly #callers = new KnownCallers()

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
   * @param kept  what goes over from the session before
   * @throws AppError AUTH_WRONG_CREDENTIALS when the password was changed meanwhile, or everything was ended
   */
  async open(user: User, { address, agent }: Origin, kept: SessionData = {}): Promise<OpenedSession> {
    const { parts, idleMs, lifetimeMs } = this.#options
    const data = { ...kept, address, agent: agent ?? null }
    const opened = await this.#ifStill(user, () => parts.sessions.create({ user: user.id, data, idleMs, lifetimeMs }))
    await parts.audit.record({ action: 'sign_in.succeeded', actor: user.id, address, details: { session: opened.session.handle } })
    return opened
  }

  /** A new session for a client that keeps tokens. @throws AppError AUTH_WRONG_CREDENTIALS as `open` does */
  async openTokens(user: User, { address, agent }: Origin, kept: SessionData = {}): Promise<TokenReply> {
    const { parts, refreshes } = this.#options
    const data = { ...kept, address, agent: agent ?? null }
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
      throw invalidToken('is of a user who is gone or disabled')
    }
    return { user: next.user, tokens: await this.#reply(next.user, next.session, next.token) }
  }

  async #reply(user: string, session: string, refresh: string): Promise<TokenReply> {
    const { token, expiresIn } = await this.#options.tokens.issue({ user, session })
    return { access_token: token, token_type: 'Bearer', expires_in: expiresIn, refresh_token: refresh }
  }

  /**
   * Whose session this is; undefined when it is over, and for a user who may not sign in any more.
   *
   * @param tenant  that the request names; undefined: the one that the session has chosen, or the only one
   * @throws AppError AUTH_NOT_A_MEMBER
   */
  async bySession(id: string, tenant?: string): Promise<Asking | undefined> {
    const session = await this.#options.parts.sessions.get(id)
    const caller = session === undefined ? undefined : await this.#callerBy(session, undefined, tenant)
    return session === undefined || caller === undefined ? undefined : { caller, session }
  }

  /** As `bySession`, from memory alone; undefined also where something has to be looked at. @throws AppError AUTH_NOT_A_MEMBER */
  nearBySession(id: string, tenant?: string): Asking | undefined {
    const session = this.#options.parts.sessions.near(id)
    return session && this.#near(session, undefined, tenant)
  }

  /** Notes that a session is in use, where that would be written: most requests are spared the look. Nobody waits for it. */
  touch(id: string, { seenAt }: Session): void {
    const { parts, idleMs } = this.#options
    if (Math.abs(Date.now() - seenAt.getTime()) < touchEveryMs(idleMs)) return
    parts.sessions.touch(id).catch((err: unknown) => parts.log.debug({ err }, 'that a session is in use was not noted'))
  }

  /** Whose token this is. @param tenant  as for `bySession` @throws AppError AUTH_INVALID_TOKEN, AUTH_NOT_A_MEMBER */
  async byToken(token: string, tenant?: string): Promise<Asking> {
    const { scopes, session } = await this.#options.tokens.verify(token)
    const caller = await this.#callerBy(session, scopes, tenant)
    if (caller === undefined) throw invalidToken('is of a user who is gone or disabled')
    return { caller, session }
  }

  /** As `byToken`, from memory alone; undefined also where something has to be looked at. @throws AppError AUTH_NOT_A_MEMBER */
  nearByToken(token: string, tenant?: string): Asking | undefined {
    const verified = this.#options.tokens.near(token)
    return verified && this.#near(verified.session, verified.scopes, tenant)
  }

  #near(session: Session, scopes: readonly string[] | undefined, tenant: string | undefined): Asking | undefined {
    const member = this.#options.parts.members.near(session.user)
    const caller = member && this.#callerFor(member, wishOf(session, scopes, tenant))
    return caller && { caller, session }
  }

  #callerBy(session: Session, scopes: readonly string[] | undefined, named: string | undefined): Promise<Caller | undefined> {
    return this.callerOf(session.user, wishOf(session, scopes, named))
  }

  /**
   * Undefined for a user who may not sign in, and for one whose key is for a tenant that he does not belong to any more. The same user in the
   * same way is the same object, until something about him changes.
   *
   * @throws AppError AUTH_NOT_A_MEMBER
   */
  async callerOf(user: string, wish: CallerWish = {}): Promise<Caller | undefined> {
    const member = await this.#options.parts.members.find(user)
    return member && this.#callerFor(member, wish)
  }

  #callerFor(member: Member, { credential, scopes, bound, named, chosen }: CallerWish): Caller | undefined {
    if (bound !== undefined && !member.tenants.includes(bound)) return undefined
    const tenant = bound ?? (this.#options.parts.memberships === undefined ? undefined : chooseTenant(member.tenants, named, chosen))
    return this.#callers.of(member, credential, scopes, tenant)
  }
}

function wishOf({ handle, data }: Session, scopes: readonly string[] | undefined, named: string | undefined): CallerWish {
  return { credential: handle, scopes, named, chosen: data['tenant'] }
}

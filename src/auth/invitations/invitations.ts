// Invitations: a mail whose link makes an account, or finds one, and gives it what the invitation promises. Good once, for a week.

import { currentContext } from '../../core/context.ts'
import type { Database } from '../../db/database.ts'
import { accountErrors } from '../account-errors.ts'
import { setPassword } from '../accounts/reset-password.ts'
import { normalEmail } from '../accounts/email.ts'
import { findToken, keepToken, newOneTimeToken, type OneTimeToken, useToken } from '../accounts/one-time-tokens.ts'
import { type AccountParts, mailLater, type Origin } from '../accounts/parts.ts'
import type { OwnValues, User, UserWithPassword } from '../accounts/users.ts'
import { factorErrors } from '../factor-errors.ts'
import { forgetWaysIn } from '../forget-ways-in.ts'
import { checkPassword } from '../password-rules.ts'
import { invitationMail } from './invitation-mail.ts'

/** What the application remembers with an invitation: `{ organization: '42' }`. */
export type InvitationData = Readonly<Record<string, unknown>>

export interface NewInvitation {
  readonly email: string
  /** Names of roles that the user is given. */
  readonly roles?: readonly string[]
  readonly data?: InvitationData
  /** Primary key of who invites, as text: the invitation ends when that user is deleted or disabled. Whether he still may is for `invitationAccepted` to know. */
  readonly by?: string
}

export interface Acceptance {
  /** Needed where the address has no account, or one that nobody has confirmed. */
  readonly password?: string | undefined
  /** Values of own columns of a new user. */
  readonly own?: OwnValues
}

export interface AcceptanceContext {
  /** What is done with it belongs to the transaction in which the invitation is accepted, and is held to no tenant. */
  readonly db: Database
  /** Primary key of who has sent the invitation, as text, when `send` was told. He may have been anybody's guest then, and nobody's by now. */
  readonly by: string | undefined
}

/** Does what the invitation promises beyond roles, as part of the same transaction: makes somebody a member. */
export type WhenAccepted = (user: User, data: InvitationData, context: AcceptanceContext) => Promise<void>

export interface Invited {
  readonly email: string
  /** Whether a password has to be chosen. */
  readonly needsPassword: boolean
}

interface Promised {
  readonly email: string
  readonly roles: readonly string[]
  readonly data: InvitationData
  readonly by?: string
}

export class Invitations {
  readonly #parts: AccountParts
  readonly #accepted: WhenAccepted

  constructor(parts: AccountParts, accepted: WhenAccepted = async () => undefined) {
    this.#parts = parts
    this.#accepted = accepted
  }

  /**
   * Sends the mail once the current transaction is committed. Whether the caller may invite is for the application to know. Those of a request
   * are counted, by `by` or who asks, and by the address: 30 an hour and 100 a day.
   *
   * @throws AppError AUTH_INVALID_EMAIL, AUTH_TOO_MANY_TRIES
   */
  async send({ email: written, roles = [], data = {}, by }: NewInvitation): Promise<void> {
    const email = normalEmail(written)
    await this.#count(by)
    const token = newOneTimeToken()
    const { db, audit, mailSetting } = this.#parts
    await keepToken(db, token, { purpose: 'invitation', user: '', data: { email, roles, data, by } })
    await audit.record({ action: 'invitation.sent', actor: by, details: { roles } })
    mailLater(this.#parts, 'invitation', invitationMail(mailSetting, email, token.token))
  }

  /** Ends all invitations of an address. @returns how many there were */
  async revoke(written: string): Promise<number> {
    const text = `DELETE FROM plinth.one_time_tokens WHERE purpose = 'invitation' AND data->>'email' = $1::text`
    const { affected } = await this.#parts.db.write({ text, values: [normalEmail(written)] }, { tables: ['"plinth"."one_time_tokens"'] })
    return affected
  }

  /** For the page that the link leads to. @throws AppError AUTH_INVALID_LINK, AUTH_TOO_MANY_TRIES */
  async look(token: string, { address }: Origin): Promise<Invited> {
    await this.#parts.limits.link(address)
    const { email } = await this.#promised(await findToken(this.#parts.db, token, ['invitation']))
    const user = await this.#parts.users.findByEmail(email)
    return { email, needsPassword: user?.verified !== true }
  }

  /**
   * Who has the link has the address. An account that nobody has confirmed may be of somebody else, who waits for this: it gets a new
   * password and loses every other way in.
   *
   * @throws AppError AUTH_INVALID_LINK, AUTH_TOO_MANY_TRIES, AUTH_PASSWORD_NEEDED, AUTH_WEAK_PASSWORD, AUTH_BUSY, and what the application's part throws
   */
  async accept(token: string, { password, own = {} }: Acceptance, { address }: Origin): Promise<User> {
    const { db, users, audit, limits } = this.#parts
    await limits.link(address)
    const { email } = await this.#promised(await findToken(db, token, ['invitation']))
    const phc = await this.#hash(await users.findByEmail(email), email, password, address)
    return db.transaction(async () => {
      const invitation = await this.#promised(await useToken(db, token, ['invitation']))
      const user = await this.#accountOf(await users.findByEmail(email), email, phc, own)
      for (const role of invitation.roles) await this.#grant(user.id, role, invitation.by)
      await this.#accepted(user, invitation.data, { db, by: invitation.by })
      await this.#endTwins(invitation)
      await audit.record({ action: 'invitation.accepted', actor: user.id, address, details: { roles: invitation.roles } })
      return user
    })
  }

  async #grant(subject: string, role: string, actor: string | undefined): Promise<void> {
    const { roles, audit } = this.#parts
    if (await roles.grant(subject, role)) await audit.record({ action: 'role.granted', actor, subject, details: { role } })
  }

  /** Code that serves nobody sends as many as it wants. */
  async #count(by: string | undefined): Promise<void> {
    const context = currentContext()
    if (context?.address !== undefined) await this.#parts.limits.invitation(by ?? context.caller.id, context.address)
  }

  /** The other mails that promise the same to the same: who is put out again does not come back by one of them. One that is being accepted is left to itself. */
  async #endTwins(invitation: Promised): Promise<void> {
    const text = `DELETE FROM plinth.one_time_tokens WHERE id = ANY (ARRAY(
      SELECT id FROM plinth.one_time_tokens WHERE purpose = 'invitation' AND data->>'email' = $1::text
        AND data::jsonb - 'by' = $2::jsonb - 'by' FOR UPDATE SKIP LOCKED))`
    const values = [invitation.email, JSON.stringify(invitation)]
    await this.#parts.db.write({ text, values }, { tables: ['"plinth"."one_time_tokens"'] })
  }

  /** What somebody has promised who may not sign in any more is worth nothing. @throws AppError AUTH_INVALID_LINK */
  async #promised(token: OneTimeToken | undefined): Promise<Promised> {
    if (token === undefined) throw accountErrors.INVALID_LINK()
    const invitation = token.data as unknown as Promised
    const inviter = invitation.by === undefined ? undefined : await this.#parts.users.find(invitation.by)
    if (invitation.by !== undefined && inviter?.disabled !== false) throw accountErrors.INVALID_LINK()
    return invitation
  }

  /** Before the transaction: it takes tens of milliseconds. */
  async #hash(existing: User | undefined, email: string, password: string | undefined, address: string): Promise<string | undefined> {
    if (existing?.disabled === true) throw accountErrors.INVALID_LINK()
    if (existing?.verified === true) return undefined
    if (password === undefined) throw factorErrors.PASSWORD_NEEDED()
    checkPassword(password, { email })
    return this.#parts.passwords.hash(password, { address })
  }

  async #accountOf(existing: UserWithPassword | undefined, email: string, phc: string | undefined, own: OwnValues): Promise<User> {
    const { users } = this.#parts
    if (existing?.disabled === true || (existing?.verified !== true && phc === undefined)) throw accountErrors.INVALID_LINK()
    if (phc !== undefined && existing?.verified !== true) await this.#take(existing, email, phc, own)
    const user = await users.findByEmail(email)
    if (user === undefined) throw accountErrors.INVALID_LINK()
    const { password: _secret, ...rest } = user
    return rest
  }

  async #take(existing: User | undefined, email: string, phc: string, own: OwnValues): Promise<void> {
    const { db, users } = this.#parts
    if (existing !== undefined) {
      // First what waits for whoever is just making a key or a passkey: it is there by the time that they are removed.
      await setPassword(this.#parts, existing, phc)
      await forgetWaysIn(db, existing.id)
    }
    const id = existing?.id ?? (await users.add(email, phc, newOneTimeToken(), own))
    if (id === undefined || !(await users.verify(id, email))) throw accountErrors.INVALID_LINK()
  }
}

// What the application's own code, and whoever it lets, does with accounts and roles. Every change is in the audit, with who made it.

import { currentContext } from '../../core/context.ts'
import type { AuditAction } from '../audit.ts'
import { accountErrors } from '../account-errors.ts'
import { checkPassword } from '../password-rules.ts'
import { removeFactor } from '../second-factors/factor-rows.ts'
import { normalEmail } from './email.ts'
import { nextGeneration } from './generations.ts'
import { noticeMail } from './mails.ts'
import type { Member } from './members.ts'
import { newOneTimeToken } from './one-time-tokens.ts'
import { type AccountParts, noticeLater } from './parts.ts'
import { makeResetLink } from './reset-password.ts'
import type { User, UserQuery } from './users.ts'

export interface NewUser {
  readonly email: string
  readonly password: string
  /** Default: true, for an address that whoever makes the account is sure of. */
  readonly verified?: boolean
}

export interface ListedUser extends User {
  /** Names, in order. */
  readonly roles: readonly string[]
}

const usualLimit = 100

/** Accounts by code: `app.auth`. Ids are primary keys as text. */
export interface Accounts {
  /** @returns the id @throws AppError AUTH_INVALID_EMAIL, AUTH_WEAK_PASSWORD, AUTH_EMAIL_TAKEN */
  create(user: NewUser): Promise<string>
  find(id: string): Promise<User | undefined>
  findByEmail(email: string): Promise<User | undefined>
  /** With the names of their roles, in the order of their addresses: a hundred, unless `limit` says otherwise. */
  list(query?: Partial<UserQuery>): Promise<ListedUser[]>
  /** With roles and permissions; undefined when the user is gone or disabled. From memory where nothing has changed. */
  member(id: string): Promise<Member | undefined>
  /** @returns false when the user had the role already @throws AppError AUTH_UNKNOWN_ROLE */
  grant(id: string, role: string): Promise<boolean>
  /** @returns false when the user did not have it */
  revoke(id: string, role: string): Promise<boolean>
  /** Ends every session; nobody signs in to it from then on. @returns false when there is no such user, or it was disabled already */
  disable(id: string): Promise<boolean>
  /** @returns false when there is no such user, or it was not disabled */
  enable(id: string): Promise<boolean>
  /** For who has lost the telephone and the recovery codes, and has shown by other means who he is. Tells him by mail. @returns false when there was none */
  removeSecondFactor(id: string): Promise<boolean>
  /** A link that sets a new password, good for an hour and once; no mail is sent. @returns undefined when there is no user who may sign in */
  resetLink(id: string): Promise<string | undefined>
  /** @returns how many sessions there were */
  signOutEverywhere(id: string): Promise<number>
}

export function createAccounts(parts: AccountParts): Accounts {
  const { db, users, roles, members, sessions, audit } = parts
  const noted = async (action: AuditAction, subject: string, done: boolean, details = {}): Promise<boolean> => {
    if (done) await audit.record({ action, subject, details })
    return done
  }
  return {
    create: (user) => create(parts, user),
    find: (id) => users.find(id),
    findByEmail: async (email) => withoutPassword(await users.findByEmail(normalEmail(email))),
    member: (id) => members.find(id),
    list: (query) => list(parts, { limit: usualLimit, ...query }),
    resetLink: (id) => makeResetLink(parts, id, currentContext()?.caller.id),
    grant: (id, role) => db.transaction(async () => noted('role.granted', id, await roles.grant(id, role), { role })),
    revoke: (id, role) => db.transaction(async () => noted('role.revoked', id, await roles.revoke(id, role), { role })),
    disable: (id) =>
      db.transaction(async () => {
        await nextGeneration(db, id)
        await sessions.deleteAllOf(id)
        return noted('account.disabled', id, await users.setDisabled(id, true))
      }),
    enable: (id) => db.transaction(async () => noted('account.enabled', id, await users.setDisabled(id, false))),
    removeSecondFactor: (id) => db.transaction(async () => noted('factor.disabled', id, await removeSecondFactor(parts, id))),
    signOutEverywhere: (id) =>
      db.transaction(async () => {
        await nextGeneration(db, id)
        const count = await sessions.deleteAllOf(id)
        await noted('sign_out.everywhere', id, count > 0)
        return count
      }),
  }
}

async function list({ users, roles }: AccountParts, query: UserQuery): Promise<ListedUser[]> {
  const found = await users.list(query)
  const names = await roles.namesOf(found.map(({ id }) => id))
  return found.map((user) => ({ ...user, roles: names.get(user.id) ?? [] }))
}

async function removeSecondFactor(parts: AccountParts, id: string): Promise<boolean> {
  const [removed, user] = [await removeFactor(parts.db, id), await parts.users.find(id)]
  if (removed && user !== undefined) noticeLater(parts, noticeMail(parts.mailSetting, user.email, 'its second factor was removed'))
  return removed
}

async function create(
  { db, users, passwords, audit }: AccountParts,
  { email: written, password, verified = true }: NewUser,
): Promise<string> {
  const email = normalEmail(written)
  checkPassword(password, { email })
  const phc = await passwords.hash(password)
  return db.transaction(async () => {
    const id = await users.add(email, phc, newOneTimeToken(), {})
    if (id === undefined) throw accountErrors.EMAIL_TAKEN()
    if (verified) await users.verify(id, email)
    await audit.record({ action: 'account.created', subject: id })
    return id
  })
}

function withoutPassword(user: (User & { readonly password?: unknown }) | undefined): User | undefined {
  if (user === undefined) return undefined
  const { password: _secret, ...rest } = user
  return rest
}

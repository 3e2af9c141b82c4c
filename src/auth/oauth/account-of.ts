// Which account somebody has whom another site has named. By the subject of the issuer, which nobody else will ever have; by the e-mail
// address only where the application trusts the site with that, both sides have confirmed it, and the account has no way in at all: no
// password, no passkey, no other site. Else its owner connects the two.

import type { Database } from '../../db/database.ts'
import { normalEmail } from '../accounts/email.ts'
import type { User, Users, UserWithPassword } from '../accounts/users.ts'
import { factorErrors } from '../factor-errors.ts'
import { listPasskeys } from '../passkeys/passkey-rows.ts'
import { connect, findConnected, listConnections, type OtherAccount } from './oauth-rows.ts'
import type { OAuthProvider } from './provider.ts'

export interface AccountParts {
  readonly db: Database
  readonly users: Pick<Users, 'addVerified' | 'find' | 'findByEmail'>
  /** Whether somebody who has none is given an account. */
  readonly mayAdd: boolean
}

/** What the other site says. */
export interface Named extends OtherAccount {
  readonly email: unknown
  readonly emailVerified: unknown
  readonly claims: Readonly<Record<string, unknown>>
}

export interface Found {
  readonly user: User
  /** Made a moment ago. */
  readonly isNew: boolean
}

/**
 * @param provider  by its name in the application
 * @throws          AppError AUTH_ADDRESS_NOT_CONFIRMED, AUTH_ACCOUNT_EXISTS, AUTH_SIGN_UP_CLOSED, AUTH_PROVIDER_REFUSED
 */
export async function accountOf(parts: AccountParts, named: Named, provider: OAuthProvider, name: string): Promise<Found> {
  const connected = await findConnected(parts.db, named)
  if (connected !== undefined) return { user: await connectedUser(parts, connected, named), isNew: false }
  // Some say "true", as text: nobody can know what they mean by it.
  if (named.emailVerified !== true || typeof named.email !== 'string') throw factorErrors.ADDRESS_NOT_CONFIRMED()
  const email = normalEmail(named.email)
  return parts.db.transaction(async () => {
    const existing = await parts.users.findByEmail(email)
    const id = existing === undefined ? await add(parts, email, named, provider) : await demandOpen(parts, existing, provider)
    await demandConnected(parts, named, id, name)
    return { user: await usable(parts, id), isNew: existing === undefined }
  })
}

/** Who the account belongs to still after the user was read, so that a reset which came between them is noticed. */
async function connectedUser(parts: AccountParts, id: string, named: OtherAccount): Promise<User> {
  const user = await usable(parts, id)
  if ((await findConnected(parts.db, named)) !== id)
    throw factorErrors.PROVIDER_REFUSED().with({ cause: new Error(`the user ${id} was disconnected meanwhile`) })
  return user
}

/** For a user who is signed in. @throws AppError AUTH_ACCOUNT_EXISTS when it belongs to another user */
export async function demandConnected({ db }: Pick<AccountParts, 'db'>, account: OtherAccount, user: string, name: string): Promise<void> {
  if ((await connect(db, account, user, name)) !== user) throw factorErrors.ACCOUNT_EXISTS()
}

/** Or whoever comes first by any site would lose the account to the least careful of the others. */
async function demandOpen(
  { db }: AccountParts,
  { id, verified, password }: UserWithPassword,
  { trustsEmail }: OAuthProvider,
): Promise<string> {
  if (trustsEmail !== true || !verified || password !== undefined) throw factorErrors.ACCOUNT_EXISTS()
  const [connections, passkeys] = await Promise.all([listConnections(db, id), listPasskeys(db, id)])
  if (connections.length > 0 || passkeys.length > 0) throw factorErrors.ACCOUNT_EXISTS()
  return id
}

async function add({ users, mayAdd }: AccountParts, email: string, { claims }: Named, { fields }: OAuthProvider): Promise<string> {
  if (!mayAdd) throw factorErrors.SIGN_UP_CLOSED()
  const id = await users.addVerified(email, fields?.(claims) ?? {})
  // Somebody took the address in this moment: by which way, the next try finds out.
  if (id === undefined) throw factorErrors.ACCOUNT_EXISTS()
  return id
}

async function usable({ users }: AccountParts, id: string): Promise<User> {
  const user = await users.find(id)
  if (user === undefined || user.disabled)
    throw factorErrors.PROVIDER_REFUSED().with({ cause: new Error(`the user ${id} is gone or disabled`) })
  return user
}

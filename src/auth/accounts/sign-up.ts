// Making an account, and showing that its address is one's own. Who signs up hears the same whether the address was known or not; the mail differs.

import type { OneTimeToken } from './one-time-tokens.ts'
import { endTokensOf, keepToken, newOneTimeToken, useToken } from './one-time-tokens.ts'
import { accountErrors } from '../account-errors.ts'
import { checkPassword } from '../password-rules.ts'
import { normalEmail } from './email.ts'
import { knownAddressMail, noticeMail, verifyEmailMail } from './mails.ts'
import { type AccountParts, mailLater, noticeLater, type Origin } from './parts.ts'
import { notingRefusal } from './refused-links.ts'
import type { OwnValues, User } from './users.ts'

export interface SignUp {
  readonly email: string
  readonly password: string
  /** Values of the application's own columns. */
  readonly own: OwnValues
}

/** @throws AppError AUTH_INVALID_EMAIL, AUTH_WEAK_PASSWORD, AUTH_TOO_MANY_TRIES, AUTH_BUSY, and what PostgreSQL refuses in `own` */
export async function signUp(parts: AccountParts, { email: written, password, own }: SignUp, { address }: Origin): Promise<void> {
  const email = normalEmail(written)
  checkPassword(password, { email })
  await parts.limits.mailFrom(address)
  const phc = await parts.passwords.hash(password, { address })
  const token = newOneTimeToken()
  await parts.users.demandFree(own)
  const id = await parts.users.add(email, phc, token, own)
  await parts.audit.record({ action: id === undefined ? 'sign_up.repeated' : 'account.created', actor: id, address })
  const { mailSetting } = parts
  mailLater(parts, 'sign_up', id === undefined ? knownAddressMail(mailSetting, email) : verifyEmailMail(mailSetting, email, token.token))
}

/** Another mail for who has signed up and not confirmed the address. */
export async function sendVerification(parts: AccountParts, { id, email }: User): Promise<void> {
  const token = newOneTimeToken()
  await keepToken(parts.db, token, { purpose: 'verify_email', user: id, data: { email } })
  mailLater(parts, 'verify', verifyEmailMail(parts.mailSetting, email, token.token))
}

/**
 * Confirms an address, the first one or another.
 *
 * @throws AppError AUTH_INVALID_LINK, AUTH_TOO_MANY_TRIES; DB_UNIQUE when the address was taken meanwhile
 */
export async function verifyEmail(parts: AccountParts, token: string, { address }: Origin): Promise<void> {
  await parts.limits.link(address)
  const work = parts.db.transaction(async () => {
    const used = await useToken(parts.db, token, ['verify_email', 'change_email'])
    const email = used?.data['email']
    if (used === undefined || typeof email !== 'string') throw accountErrors.INVALID_LINK()
    await (used.purpose === 'verify_email' ? confirm(parts, used, email, address) : move(parts, used, email, address))
  })
  return notingRefusal(parts, address, work)
}

async function confirm({ users, audit }: AccountParts, { user }: OneTimeToken, email: string, address: string): Promise<void> {
  if (!(await users.verify(user, email))) throw accountErrors.INVALID_LINK()
  await audit.record({ action: 'email.verified', actor: user, address })
}

async function move(parts: AccountParts, { user }: OneTimeToken, email: string, address: string): Promise<void> {
  const before = await parts.users.find(user)
  if (before === undefined || !(await parts.users.changeEmail(user, email))) throw accountErrors.INVALID_LINK()
  await endTokensOf(parts.db, user)
  await parts.audit.record({ action: 'email.changed', actor: user, address })
  noticeLater(parts, noticeMail(parts.mailSetting, before.email, 'its address was changed'))
}

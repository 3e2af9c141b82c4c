// A new password for who has forgotten the old one: a link by mail, once, for an hour.

import { accountErrors } from '../account-errors.ts'
import { forgetCredentials } from '../forget-ways-in.ts'
import { checkPassword } from '../password-rules.ts'
import { keepPassword } from './credentials.ts'
import { normalEmail } from './email.ts'
import { nextGeneration } from './generations.ts'
import { noticeMail, resetPasswordMail } from './mails.ts'
import { endTokensOf, findToken, keepToken, newOneTimeToken, useToken } from './one-time-tokens.ts'
import { type AccountParts, mailLater, mailNobody, noticeLater, type Origin } from './parts.ts'
import { notingRefusal } from './refused-links.ts'
import type { User } from './users.ts'

/** Says nothing of whether there is such an account. @throws AppError AUTH_INVALID_EMAIL, AUTH_TOO_MANY_TRIES */
export async function requestPasswordReset(parts: AccountParts, written: string, { address }: Origin): Promise<void> {
  const email = normalEmail(written)
  await parts.limits.reset(email, address)
  const token = newOneTimeToken()
  const user = await parts.users.addResetToken(email, token)
  await parts.audit.record({ action: 'password.reset_requested', subject: user?.id, address })
  const send = user === undefined ? mailNobody : mailLater
  send(parts, 'reset', resetPasswordMail(parts.mailSetting, email, token.token))
}

/**
 * A link that sets a new password, for whoever administers accounts to hand over; the mail that nobody asked for is not sent.
 *
 * @returns undefined when there is no such user, or none that may sign in
 */
export async function makeResetLink(parts: AccountParts, id: string, by: string | undefined): Promise<string | undefined> {
  const user = await parts.users.find(id)
  if (user === undefined || user.disabled) return undefined
  const token = newOneTimeToken()
  await parts.db.transaction(async () => {
    await keepToken(parts.db, token, { purpose: 'reset_password', user: id, data: { email: user.email } })
    await parts.audit.record({ action: 'password.reset_requested', actor: by, subject: id, details: { link: 'handed over' } })
  })
  return resetPasswordMail(parts.mailSetting, user.email, token.token).link?.url
}

/**
 * Sets the password, ends every session, every other link, and every other way in but the second factor, and counts as a confirmation of the address.
 *
 * @returns the user as of now
 * @throws AppError AUTH_INVALID_LINK, AUTH_WEAK_PASSWORD, AUTH_TOO_MANY_TRIES, AUTH_BUSY
 */
export async function resetPassword(parts: AccountParts, token: string, password: string, { address }: Origin): Promise<User> {
  await parts.limits.link(address)
  return notingRefusal(parts, address, reset(parts, token, password, address))
}

async function reset(parts: AccountParts, token: string, password: string, address: string): Promise<User> {
  const found = await findToken(parts.db, token, ['reset_password'])
  const user = found === undefined ? undefined : await parts.users.find(found.user)
  // The mailbox it went to may be somebody else's by now.
  if (user === undefined || user.disabled || found?.data['email'] !== user.email) throw accountErrors.INVALID_LINK()
  checkPassword(password, user)
  const phc = await parts.passwords.hash(password, { address })
  return parts.db.transaction(async () => {
    if ((await useToken(parts.db, token, ['reset_password'])) === undefined) throw accountErrors.INVALID_LINK()
    const changed = await setPassword(parts, user, phc)
    await forgetCredentials(parts.db, user.id)
    await parts.users.verify(user.id, user.email)
    await parts.audit.record({ action: 'password.reset', actor: user.id, address })
    return changed
  })
}

/** To be called in a transaction. @returns the user as of now */
export async function setPassword(parts: AccountParts, user: User, phc: string): Promise<User> {
  const { id, email } = user
  const generation = await nextGeneration(parts.db, id)
  await keepPassword(parts.db, id, phc)
  await endTokensOf(parts.db, id)
  await parts.sessions.deleteAllOf(id)
  noticeLater(parts, noticeMail(parts.mailSetting, email, 'its password was changed'))
  return { ...user, generation }
}

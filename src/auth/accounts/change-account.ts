// What somebody who is signed in changes about the own account. Each asks for the password again: an open browser is not its owner.

import { accountErrors } from '../account-errors.ts'
import { forgetWaysIn } from '../forget-ways-in.ts'
import { checkPassword } from '../password-rules.ts'
import { findPassword, forgetPassword } from './credentials.ts'
import { normalEmail } from './email.ts'
import { forgetGeneration, isStill } from './generations.ts'
import { changeEmailMail, noticeMail } from './mails.ts'
import { endTokensOf, keepToken, newOneTimeToken } from './one-time-tokens.ts'
import { type AccountParts, mailLater, mailNobody, noticeLater, type Origin } from './parts.ts'
import { setPassword } from './reset-password.ts'
import type { User } from './users.ts'

/** Ends every session and every link. @returns the user as of now @throws AppError AUTH_WRONG_PASSWORD, AUTH_WEAK_PASSWORD, AUTH_TOO_MANY_TRIES, AUTH_BUSY */
export async function changePassword(parts: AccountParts, user: User, current: string, next: string, origin: Origin): Promise<User> {
  checkPassword(next, user)
  await demandPassword(parts, user, current, origin)
  const phc = await parts.passwords.hash(next, origin)
  return parts.db.transaction(async () => {
    await demandSame(parts, user)
    const changed = await setPassword(parts, user, phc)
    await parts.audit.record({ action: 'password.changed', actor: user.id, address: origin.address })
    return changed
  })
}

/**
 * Writes to the new address, which counts when the link in that mail is opened. Who asks hears the same when somebody else has it.
 *
 * @throws AppError AUTH_WRONG_PASSWORD, AUTH_INVALID_EMAIL, AUTH_TOO_MANY_TRIES, AUTH_BUSY
 */
export async function requestEmailChange(parts: AccountParts, user: User, current: string, written: string, origin: Origin): Promise<void> {
  const email = normalEmail(written)
  await demandPassword(parts, user, current, origin)
  await parts.limits.mailFrom(origin.address)
  const token = newOneTimeToken()
  const taken = await parts.users.findByEmail(email)
  await parts.db.transaction(async () => {
    await demandSame(parts, user)
    await keepToken(parts.db, token, { purpose: 'change_email', user: user.id, data: { email } })
  })
  const send = taken === undefined ? mailLater : mailNobody
  send(parts, 'change', changeEmailMail(parts.mailSetting, email, token.token))
  noticeLater(parts, noticeMail(parts.mailSetting, user.email, 'somebody asked to change its address'))
}

/** @throws AppError AUTH_WRONG_PASSWORD, AUTH_TOO_MANY_TRIES, AUTH_BUSY; DB_FOREIGN_KEY when records of others depend on the user */
export async function deleteAccount(parts: AccountParts, user: User, current: string, origin: Origin): Promise<void> {
  await demandPassword(parts, user, current, origin)
  await parts.db.transaction(async () => {
    await demandSame(parts, user)
    await parts.users.remove(user.id)
    await forgetPassword(parts.db, user.id)
    await endTokensOf(parts.db, user.id)
    await forgetWaysIn(parts.db, user.id)
    await forgetGeneration(parts.db, user.id)
    await parts.sessions.deleteAllOf(user.id)
    await parts.audit.record({ action: 'account.deleted', actor: user.id, address: origin.address })
  })
}

async function demandPassword(parts: AccountParts, { id }: User, current: string, { address, session = address }: Origin): Promise<void> {
  await parts.limits.password(id, session)
  const { matches } = await parts.passwords.verify(current, await findPassword(parts.db, id), { address })
  if (matches) return
  await parts.audit.record({ action: 'reauthentication.failed', actor: id, address, details: { password: true } })
  throw accountErrors.WRONG_PASSWORD().with({ field: 'current_password' })
}

/** Who has shown a password that was replaced meanwhile has shown nothing. */
async function demandSame({ db }: AccountParts, user: User): Promise<void> {
  if (!(await isStill(db, user))) throw accountErrors.WRONG_PASSWORD().with({ field: 'current_password' })
}

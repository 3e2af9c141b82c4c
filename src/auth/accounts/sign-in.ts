// Finding out by a password who somebody is. What it takes, and what is said, is the same for addresses that nobody has.

import type { AppError } from '../../core/errors.ts'
import { accountErrors } from '../account-errors.ts'
import { replaceHash } from './credentials.ts'
import { normalEmail } from './email.ts'
import type { AccountParts, Origin } from './parts.ts'
import { sendVerification } from './sign-up.ts'
import type { User, UserWithPassword } from './users.ts'

export interface SignIn {
  readonly email: string
  readonly password: string
  /** What the client shows of an earlier sign-in. */
  readonly device: string | undefined
}

/**
 * Who has this address and password. Makes no session yet.
 *
 * @throws AppError AUTH_WRONG_CREDENTIALS, AUTH_TOO_MANY_TRIES, AUTH_BUSY; with the right password AUTH_DISABLED, AUTH_EMAIL_NOT_VERIFIED
 */
export async function checkSignIn(parts: AccountParts, { email: written, password, device }: SignIn, origin: Origin): Promise<User> {
  const { address } = origin
  const email = emailOrNobodys(written)
  const tried = { email, address, device: await deviceOf(parts, device, email) }
  await countTry(parts, tried)
  const user = await parts.users.findByEmail(email)
  const { matches, outdated } = await parts.passwords.verify(password, user?.password, { address, email })
  await parts.limits.lookedAt(tried)
  if (user === undefined || !matches) {
    await parts.audit.record({ action: 'sign_in.failed', subject: user?.id, address })
    throw accountErrors.WRONG_CREDENTIALS()
  }
  if (outdated) await hashAgain(parts, user, password, origin)
  await demandUsable(parts, user, origin)
  return user
}

/** What is no address has no account; that takes as long to find out as for any other. */
function emailOrNobodys(written: string): string {
  try {
    return normalEmail(written)
  } catch {
    return '@'
  }
}

/** Id of a device that may try apart from others. Only who has a genuine one makes the account be looked up before a try is counted. */
async function deviceOf({ limits, users }: AccountParts, shown: string | undefined, email: string): Promise<string | undefined> {
  const device = limits.devices.read(shown, email)
  if (device === undefined) return undefined
  const user = await users.findByEmail(email)
  return user?.generation === device.generation ? device.id : undefined
}

async function countTry({ limits, audit }: AccountParts, tried: Parameters<AccountParts['limits']['signIn']>[0]): Promise<void> {
  try {
    await limits.signIn(tried)
  } catch (error) {
    if (await limits.mayNote('sign_in.limited', tried.address)) await audit.record({ action: 'sign_in.limited', address: tried.address })
    throw error
  }
}

/** Where there is no time for it the old hash stays, until the next sign-in: the password was right. */
async function hashAgain(
  { db, passwords }: AccountParts,
  { id, password: before }: UserWithPassword,
  password: string,
  { address }: Origin,
): Promise<void> {
  if (before === undefined) return
  const phc = await passwords.hash(password, { address }).catch((error: unknown) => {
    if ((error as AppError).code !== 'AUTH_BUSY') throw error
  })
  if (phc !== undefined) await replaceHash(db, id, before, phc)
}

async function demandUsable(parts: AccountParts, user: User, { address }: Origin): Promise<void> {
  if (user.disabled) {
    await parts.audit.record({ action: 'sign_in.failed', subject: user.id, address, details: { disabled: true } })
    throw accountErrors.DISABLED()
  }
  if (user.verified || parts.takesUnverified) return
  await sendVerification(parts, user)
  throw accountErrors.EMAIL_NOT_VERIFIED()
}

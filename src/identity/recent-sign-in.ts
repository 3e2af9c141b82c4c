// Before a new way into an account is made: an open browser is not its owner, and neither is a session that somebody has stolen.

import { factorErrors } from '../auth/factor-errors.ts'
import { findPassword } from '../auth/accounts/credentials.ts'
import { demandLiving } from '../auth/accounts/living-session.ts'
import { noticeMail } from '../auth/accounts/mails.ts'
import { noticeLater } from '../auth/accounts/parts.ts'
import { signInRequired } from '../auth/policy-errors.ts'
import { anonymousCaller } from '../core/caller.ts'
import type { HttpRequest } from '../http/route.ts'
import type { Session, SessionData } from '../state/sessions.ts'
import { demandCaller, type Face } from './face.ts'

const recentMs = 10 * 60_000

/**
 * Demands a session of the last ten minutes. One that another site opened counts for a user who has neither password nor passkey: it may
 * sign in again without asking anybody.
 *
 * @returns the user
 * @throws  AppError AUTH_REQUIRED, AUTH_SIGN_IN_AGAIN
 */
export async function demandRecentSignIn(face: Face, request: HttpRequest): Promise<string> {
  const { id, credential } = demandCaller(request)
  const session = await face.auth.parts.sessions.getByHandle(credential)
  if (session === undefined) throw signInRequired()
  const isOld = Date.now() - session.createdAt.getTime() > recentMs
  if (isOld || (session.data['provider'] !== undefined && (await hasOwnProof(face, id)))) throw factorErrors.SIGN_IN_AGAIN()
  return id
}

/**
 * Demands that the session which asks is not over by now. For the transaction that makes a way into the account: what is made in the moment
 * in which a reset or a sign-out is not yet known would outlive it.
 *
 * @throws AppError AUTH_REQUIRED
 */
export function demandStillSignedIn({ auth: { parts } }: Face, request: HttpRequest): () => Promise<void> {
  const { id, credential } = request.exchange?.caller ?? anonymousCaller
  return () => demandLiving(parts.db, id ?? '', credential ?? '')
}

/** What a session carries that another site opened. */
export function byProvider({ data }: Session, provider: string): SessionData {
  return { ...data, provider }
}

/** Something that only the user can do again. */
async function hasOwnProof({ auth }: Face, user: string): Promise<boolean> {
  const [password, passkeys] = await Promise.all([findPassword(auth.parts.db, user), auth.ways.passkeys.list(user)])
  return password !== undefined || passkeys.length > 0
}

/** So that a way in that somebody else has made does not go unnoticed. @param what  goes on after the application's name: `an API key was made` */
export async function tellOwner({ auth: { parts } }: Face, user: string, what: string): Promise<void> {
  const owner = await parts.users.find(user)
  if (owner !== undefined) noticeLater(parts, noticeMail(parts.mailSetting, owner.email, what))
}

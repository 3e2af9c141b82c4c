// The second factor of who signs in by another site: asked for after coming back, before there is a session.

import { findPending, keepPending, pendingMs, usePending } from '../auth/oauth/pending-sign-in.ts'
import type { User } from '../auth/accounts/users.ts'
import { factorErrors } from '../auth/factor-errors.ts'
import { TokenFault } from '../auth/tokens/token-fault.ts'
import type { AppError } from '../core/errors.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { readCookie, setCookie } from './cookies.ts'
import { identityErrors } from './errors.ts'
import { bodyOf, type Face, type IdentityRoute } from './face.ts'
import { framed, objectOf, signedInSchema } from './schemas.ts'
import { comesFromElsewhere, openFor } from './sign-in-routes.ts'
import { codeSchema, demandSecondFactor } from './totp-routes.ts'

export function oauthCodeRoute(face: Face): IdentityRoute {
  return {
    method: 'POST',
    url: '/auth/sign-in/oauth',
    answers: 'finish a sign-in by another site',
    schema: {
      summary: 'Send the code that a sign-in by another site still needs',
      body: objectOf({ code: codeSchema }),
      response: { 200: framed(face.format, 'Signed in.', signedInSchema) },
    },
    handler: (request, reply) => finish(face, request, reply),
  }
}

/** Sends the browser to the page that asks for the code. @param home  where it wants to be in the end */
export async function askForCode({ auth, cookies }: Face, user: User, home: URL, reply: HttpReply): Promise<unknown> {
  setCookie(reply, cookies.away, await keepPending(auth.parts.db, user), pendingMs)
  const page = new URL('/second-factor', home)
  page.searchParams.set('return_to', `${home.pathname}${home.search}${home.hash}`)
  return reply.redirect(page.href, 302)
}

/** Used up by the right code only: tries of codes are counted for the account. */
async function finish(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  if (comesFromElsewhere(face, request)) throw identityErrors.CROSS_SITE()
  const { db, limits, sessions } = face.auth.parts
  await limits.begin('code', request.ip)
  const token = readCookie(request, face.cookies.away) ?? ''
  const user = await pendingUser(face, token)
  await demandSecondFactor(face, request, user, bodyOf(request)['code'])
  if (!(await usePending(db, token))) throw refused()
  setCookie(reply, face.cookies.away, '', 0)
  const before = readCookie(request, face.cookies.session)
  if (before !== undefined) await sessions.delete(before)
  return openFor(face, user, 'cookie', request, reply)
}

async function pendingUser({ auth }: Face, token: string): Promise<User> {
  const pending = await findPending(auth.parts.db, token)
  const user = pending === undefined ? undefined : await auth.accounts.find(pending.id)
  if (user === undefined || user.disabled || user.generation !== pending?.generation) throw refused()
  return user
}

function refused(): AppError {
  return factorErrors.PROVIDER_REFUSED().with({ cause: new TokenFault('waits for no code, or its user was changed or disabled') })
}

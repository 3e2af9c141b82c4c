// Signing in and out, by cookie and by token.

import { checkSignIn } from '../auth/accounts/sign-in.ts'
import { deviceMs } from '../auth/accounts/devices.ts'
import type { User } from '../auth/accounts/users.ts'
import { signInRequired } from '../auth/policy-errors.ts'
import { ReusedToken } from '../auth/refresh/refresh-tokens.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import type { SessionData } from '../state/sessions.ts'
import { bearerToken } from './authenticate.ts'
import { readCookie, setCookie } from './cookies.ts'
import { identityErrors } from './errors.ts'
import { bodyOf, demandCaller, type Face, type IdentityRoute, originOf, reply as send, signedInSecurity } from './face.ts'
import { codeSchema, demandSecondFactor } from './totp-routes.ts'
import {
  deviceSchema,
  emailSchema,
  framed,
  modeSchema,
  noContent,
  objectOf,
  passwordSchema,
  signedInSchema,
  tokenSchema,
} from './schemas.ts'

export type Mode = 'cookie' | 'token'

const signInSchema = objectOf(
  { email: { ...emailSchema, minLength: 0 }, password: passwordSchema, mode: modeSchema, code: codeSchema, device: deviceSchema },
  ['mode', 'code', 'device'],
)

export function signInRoutes(face: Face): IdentityRoute[] {
  const signedIn = { 200: framed(face.format, 'Signed in.', signedInSchema) }
  return [
    {
      method: 'POST',
      url: '/auth/sign-in',
      answers: 'sign in',
      schema: {
        summary: 'Sign in with address and password',
        body: signInSchema,
        response: signedIn,
      },
      handler: (request, reply) => signIn(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/refresh',
      answers: 'refresh tokens',
      schema: {
        summary: 'Exchange a refresh token for the next tokens',
        body: objectOf({ refresh_token: tokenSchema }),
        response: signedIn,
      },
      handler: (request, reply) => refresh(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/sign-out',
      answers: 'sign out',
      schema: { summary: 'End the session that asks', response: { 204: noContent }, security: signedInSecurity },
      handler: (request, reply) => signOut(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/sign-out-everywhere',
      answers: 'sign out everywhere',
      schema: { summary: 'End all sessions of the caller', response: { 204: noContent }, security: signedInSecurity },
      handler: (request, reply) => signOutEverywhere(face, request, reply),
    },
  ]
}

/** A page of another site must not sign its visitor in to an account of its own, either. */
async function signIn(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { email = '', password = '', mode = 'cookie', code, device: sent } = bodyOf(request)
  if (mode === 'cookie' && comesFromElsewhere(face, request)) throw identityErrors.CROSS_SITE()
  const device = sent ?? readCookie(request, face.cookies.device)
  const user = await checkSignIn(face.auth.parts, { email, password, device }, originOf(request))
  await demandSecondFactor(face, request, user, code)
  const before = readCookie(request, face.cookies.session)
  // The session that was there ends: whoever planted or knows its id is not signed in by this.
  if (before !== undefined && mode === 'cookie') await face.auth.parts.sessions.delete(before)
  return openFor(face, user, mode as Mode, request, reply)
}

/** From a page of another site. Programs say nothing of where they come from. */
export function comesFromElsewhere({ isSameSite }: Face, request: HttpRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  return (origin !== undefined || site !== undefined) && !isSameSite(request)
}

/** Opens a session and tells of it: to a browser by cookies, to others by tokens. @param kept  what goes over from the session before */
export async function openFor(
  face: Face,
  user: User,
  mode: Mode,
  request: HttpRequest,
  reply: HttpReply,
  kept: SessionData = {},
): Promise<unknown> {
  const { auth, cookies } = face
  const shown = await profileOf(face, user.id)
  const device = auth.parts.limits.devices.issue(user)
  if (mode === 'token')
    return send(face, reply, 200, { user: shown, ...(await auth.signedIn.openTokens(user, originOf(request), kept)), device })
  const { id } = await auth.signedIn.open(user, originOf(request), kept)
  setCookie(reply, cookies.session, id, auth.signedIn.lifetimeMs)
  setCookie(reply, cookies.device, device, deviceMs)
  return send(face, reply, 200, { user: shown })
}

async function refresh(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { refresh_token: token = '' } = bodyOf(request)
  try {
    const { user, tokens } = await face.auth.signedIn.refresh(token)
    return await send(face, reply, 200, { user: await profileOf(face, user), ...tokens })
  } catch (error) {
    const { cause } = error as Error
    if (cause instanceof ReusedToken)
      await face.auth.audit.record({
        action: 'token.reused',
        subject: cause.user,
        address: request.ip,
        details: { session: cause.session },
      })
    throw error
  }
}

async function signOut(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { id, credential } = demandCaller(request)
  await face.auth.parts.sessions.deleteHandle(id, credential)
  await face.auth.audit.record({ action: 'sign_out', actor: id, address: request.ip })
  return forgetCookie(face, reply)
}

async function signOutEverywhere(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { id } = demandCaller(request)
  await face.auth.accounts.signOutEverywhere(id)
  return forgetCookie(face, reply)
}

export function forgetCookie({ cookies }: Face, reply: HttpReply): unknown {
  setCookie(reply, cookies.session, '', 0)
  return reply.code(204).send()
}

/** How somebody who is signed in shows it. */
export function modeOf(request: HttpRequest): Mode {
  return bearerToken(request) === undefined ? 'cookie' : 'token'
}

/** What a user is told of himself. @throws AppError AUTH_REQUIRED when the user was disabled a moment ago */
export async function profileOf({ auth }: Face, user: string): Promise<object> {
  const member = await auth.accounts.member(user)
  if (member === undefined) throw signInRequired()
  const { id, email, verified, roles, permissions } = member
  return { id, email, email_verified: verified, roles, permissions }
}

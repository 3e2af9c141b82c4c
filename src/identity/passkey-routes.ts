// Passkeys: keeping one, and signing in by one.

import type { Passkey } from '../auth/passkeys/passkey-rows.ts'
import type { User } from '../auth/accounts/users.ts'
import { factorErrors } from '../auth/factor-errors.ts'
import { TokenFault } from '../auth/tokens/token-fault.ts'
import type { AppError } from '../core/errors.ts'
import type { JsonSchema } from '../model/kinds/kind.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { readCookie } from './cookies.ts'
import { notingFailure } from './failed-sign-in.ts'
import { identityErrors } from './errors.ts'
import { demandCaller, demandUser, type Face, type IdentityRoute, reply as send, signedInSecurity } from './face.ts'
import { demandRecentSignIn, demandStillSignedIn, tellOwner } from './recent-sign-in.ts'
import { framed, noContent, objectOf, signedInSchema } from './schemas.ts'
import { comesFromElsewhere, type Mode, openFor } from './sign-in-routes.ts'

const optionsSchema: JsonSchema = { type: 'object', additionalProperties: true }
const passkeySchema = objectOf({
  id: { type: 'string' },
  name: { type: 'string' },
  created_at: { type: 'string', format: 'date-time' },
  used_at: { type: ['string', 'null'], format: 'date-time' },
})
const replySchema: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  description: 'What the browser gave, as JSON (`PublicKeyCredential.toJSON()`).',
}
const mode: JsonSchema = { type: 'string', enum: ['cookie', 'token'], default: 'cookie' }

interface RegistrationBody {
  readonly name: string
  readonly credential: unknown
}

interface SignInBody {
  readonly mode?: Mode
  readonly credential: unknown
}

export function passkeyRoutes(face: Face, appUrl: string): IdentityRoute[] {
  return [...ownRoutes(face), ...signInByPasskey(face, new URL(appUrl).origin)]
}

function ownRoutes(face: Face): IdentityRoute[] {
  const security = signedInSecurity
  const { format } = face
  return [
    {
      method: 'GET',
      url: '/auth/passkeys',
      answers: 'passkeys of the caller',
      schema: {
        summary: 'Passkeys of the caller',
        response: { 200: framed(format, 'Passkeys.', { type: 'array', items: passkeySchema }) },
        security,
      },
      handler: async (request, reply) => send(face, reply, 200, (await face.auth.ways.passkeys.list(demandCaller(request).id)).map(shown)),
    },
    {
      method: 'POST',
      url: '/auth/passkeys/options',
      answers: 'begin to keep a passkey',
      schema: {
        summary: 'What navigator.credentials.create is given',
        response: { 200: framed(format, 'Options, good for five minutes.', optionsSchema) },
        security,
      },
      async handler(request, reply) {
        await demandRecentSignIn(face, request)
        return send(face, reply, 200, await face.auth.ways.passkeys.startRegistration(await demandUser(face, request)))
      },
    },
    {
      method: 'POST',
      url: '/auth/passkeys',
      answers: 'keep a passkey',
      schema: {
        summary: 'Keep a passkey',
        body: objectOf({ name: { type: 'string', minLength: 1, maxLength: 100 }, credential: replySchema }),
        response: { 201: framed(format, 'The passkey.', passkeySchema) },
        security,
      },
      handler: (request, reply) => keep(face, request, reply),
    },
    {
      method: 'DELETE',
      url: '/auth/passkeys/:id',
      answers: 'remove a passkey',
      schema: {
        summary: 'Remove a passkey',
        params: objectOf({ id: { type: 'string', maxLength: 1_400 } }),
        response: { 204: noContent },
        security,
      },
      handler: (request, reply) => remove(face, request, reply),
    },
  ]
}

/** @param page  origin of the pages that passkeys belong to */
function signInByPasskey(face: Face, page: string): IdentityRoute[] {
  return [
    {
      method: 'POST',
      url: '/auth/sign-in/passkey/options',
      answers: 'begin to sign in by a passkey',
      schema: {
        summary: 'What navigator.credentials.get is given',
        response: { 200: framed(face.format, 'Options, good for five minutes.', optionsSchema) },
      },
      async handler(request, reply) {
        // Any other page asks for nothing but to use up what the address of its visitor may begin.
        if (request.headers.origin !== page && comesFromElsewhere(face, request)) throw identityErrors.CROSS_SITE()
        await face.auth.parts.limits.begin('passkey', request.ip)
        return send(face, reply, 200, await face.auth.ways.passkeys.startSignIn())
      },
    },
    {
      method: 'POST',
      url: '/auth/sign-in/passkey',
      answers: 'sign in by a passkey',
      schema: {
        summary: 'Sign in by a passkey',
        body: objectOf({ credential: replySchema, mode }, ['mode']),
        response: { 200: framed(face.format, 'Signed in.', signedInSchema) },
      },
      handler: (request, reply) => signIn(face, request, reply),
    },
  ]
}

async function keep(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { id: user } = demandCaller(request)
  const { name, credential } = request.body as RegistrationBody
  const passkey = await face.auth.ways.passkeys.finishRegistration(user, credential, name, demandStillSignedIn(face, request))
  await face.auth.audit.record({ action: 'passkey.added', actor: user, address: request.ip, details: { passkey: passkey.id } })
  await tellOwner(face, user, 'a passkey was added to it')
  return send(face, reply, 201, shown(passkey))
}

async function remove(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { id: user } = demandCaller(request)
  const { id } = request.params as { readonly id: string }
  if (!(await face.auth.ways.passkeys.remove(user, id))) throw factorErrors.UNKNOWN_CREDENTIAL()
  await face.auth.audit.record({ action: 'passkey.removed', actor: user, address: request.ip, details: { passkey: id } })
  return reply.code(204).send()
}

/** A device that has checked who holds it is two factors already: no code is asked for. */
async function signIn(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { credential, mode: wanted = 'cookie' } = request.body as SignInBody
  if (wanted === 'cookie' && comesFromElsewhere(face, request)) throw identityErrors.CROSS_SITE()
  const user = await notingFailure(face, request, { passkey: true }, userBy(face, credential))
  const before = readCookie(request, face.cookies.session)
  if (before !== undefined && wanted === 'cookie') await face.auth.parts.sessions.delete(before)
  return openFor(face, user, wanted, request, reply)
}

async function userBy({ auth }: Face, credential: unknown): Promise<User> {
  const { user: id, passkey } = await auth.ways.passkeys.finishSignIn(credential)
  const user = await auth.accounts.find(id)
  if (user === undefined || user.disabled) throw wrong('is of a user who is gone or disabled')
  // There still after the user was read: a reset that came between them is noticed by this, one that comes later by the user's generation.
  const left = await auth.ways.passkeys.list(id)
  if (!left.some((one) => one.id === passkey.id)) throw wrong('was removed in this moment')
  return user
}

function wrong(reason: string): AppError {
  return factorErrors.WRONG_PASSKEY().with({ cause: new TokenFault(reason) })
}

function shown({ id, name, createdAt, usedAt }: Passkey): object {
  return { id, name, created_at: createdAt, used_at: usedAt ?? null }
}

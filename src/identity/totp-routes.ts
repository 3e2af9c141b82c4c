// The second factor of an account: setting it up, switching it off, and asking for it at a sign-in.

import { nextGeneration } from '../auth/accounts/generations.ts'
import type { CodeTry } from '../auth/accounts/try-limits.ts'
import type { User } from '../auth/accounts/users.ts'
import { factorErrors } from '../auth/factor-errors.ts'
import type { AppError } from '../core/errors.ts'
import type { JsonSchema } from '../model/kinds/kind.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { bodyOf, demandCaller, demandUser, type Face, type IdentityRoute, reply as send, signedInSecurity } from './face.ts'
import { demandRecentSignIn, demandStillSignedIn, tellOwner } from './recent-sign-in.ts'
import { framed, noContent, objectOf } from './schemas.ts'

export const codeSchema: JsonSchema = {
  type: 'string',
  minLength: 6,
  maxLength: 40,
  description: 'Six digits of the telephone, or a recovery code.',
  examples: ['123456'],
}
const codeBody = objectOf({ code: codeSchema })
const codesSchema = objectOf({
  recovery_codes: { type: 'array', items: { type: 'string' }, description: 'Each good once. They are shown here and never again.' },
})
const statusSchema = objectOf({ on: { type: 'boolean' }, recovery_codes: { type: 'integer', description: 'How many are left.' } })
const secretSchema = objectOf({ secret: { type: 'string' }, uri: { type: 'string', description: 'What a QR code is made of.' } })

export function totpRoutes(face: Face): IdentityRoute[] {
  const security = signedInSecurity
  const { format } = face
  return [
    {
      method: 'GET',
      url: '/auth/second-factor',
      answers: 'second factor of the caller',
      schema: {
        summary: 'Whether there is a second factor',
        response: { 200: framed(format, 'The second factor.', statusSchema) },
        security,
      },
      handler: (request, reply) => status(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/second-factor',
      answers: 'set up a second factor',
      schema: {
        summary: 'Make a secret for a telephone',
        response: { 201: framed(format, 'The secret, shown once.', secretSchema) },
        security,
      },
      handler: (request, reply) => enrol(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/second-factor/confirm',
      answers: 'switch on the second factor',
      schema: {
        summary: 'Switch it on with a first code',
        body: codeBody,
        response: { 200: framed(format, 'Recovery codes.', codesSchema) },
        security,
      },
      handler: (request, reply) => confirm(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/second-factor/recovery-codes',
      answers: 'new recovery codes',
      schema: {
        summary: 'Replace the recovery codes',
        body: codeBody,
        response: { 200: framed(format, 'Recovery codes.', codesSchema) },
        security,
      },
      handler: (request, reply) => renew(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/second-factor/disable',
      answers: 'switch off the second factor',
      schema: { summary: 'Switch it off with a code', body: codeBody, response: { 204: noContent }, security },
      handler: (request, reply) => disable(face, request, reply),
    },
  ]
}

/**
 * For a user who has shown the password.
 *
 * @throws AppError AUTH_CODE_REQUIRED, AUTH_WRONG_CODE, AUTH_TOO_MANY_TRIES
 */
export async function demandSecondFactor(face: Face, request: HttpRequest, user: User, code: string | undefined): Promise<void> {
  if (!(await face.auth.ways.factors.isOn(user.id))) return
  if (code === undefined) throw factorErrors.CODE_REQUIRED()
  try {
    await demandCode(face, request, user.id, code, { generation: user.generation })
  } catch (error) {
    await noteRefusal(face, request, user.id, error)
    throw error
  }
}

/** What was not looked at because there was too much of it is written down a few times for each address: nobody fills the audit. */
async function noteRefusal({ auth }: Face, { ip: address }: HttpRequest, subject: string, error: unknown): Promise<void> {
  const isLimited = codeOfError(error) === 'AUTH_TOO_MANY_TRIES'
  if (isLimited && !(await auth.parts.limits.mayNote('sign_in.limited', address))) return
  await auth.audit.record({
    action: isLimited ? 'sign_in.limited' : 'sign_in.failed',
    subject,
    address,
    details: { second_factor: true },
  })
}

/** By a session, which somebody may have stolen. @returns id of the caller @throws AppError AUTH_WRONG_CODE, AUTH_TOO_MANY_TRIES */
async function demandCodeAgain(face: Face, request: HttpRequest): Promise<string> {
  const { id, credential: session } = demandCaller(request)
  try {
    await demandCode(face, request, id, codeOf(request), { session })
    return id
  } catch (error) {
    if (codeOfError(error) === 'AUTH_WRONG_CODE')
      await face.auth.audit.record({
        action: 'reauthentication.failed',
        actor: id,
        address: request.ip,
        details: { second_factor: true },
      })
    throw error
  }
}

/** Either kind is used up by it. */
async function demandCode({ auth }: Face, request: HttpRequest, user: string, code: string, by: CodeTry): Promise<void> {
  if (/^\d{6}$/.test(code)) return auth.ways.factors.verify(user, code, by)
  const left = await auth.ways.factors.recover(user, code, by)
  await auth.audit.record({ action: 'recovery_code.used', actor: user, address: request.ip, details: { left } })
}

async function status(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { on, recoveryCodes } = await face.auth.ways.factors.status(demandCaller(request).id)
  return send(face, reply, 200, { on, recovery_codes: recoveryCodes })
}

async function enrol(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  await demandRecentSignIn(face, request)
  const { id, email } = await demandUser(face, request)
  return send(face, reply, 201, await face.auth.ways.factors.enrol(id, email))
}

async function confirm(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { id, credential } = demandCaller(request)
  const codes = await face.auth.ways.factors.confirm(id, codeOf(request), { session: credential }, async () => {
    await demandStillSignedIn(face, request)()
    await endOthers(face, id, credential)
  })
  await face.auth.audit.record({ action: 'factor.enabled', actor: id, address: request.ip })
  await tellOwner(face, id, 'a second factor was switched on')
  return send(face, reply, 200, { recovery_codes: codes })
}

/** Who got in without the second factor is out, and so is whoever is just getting in without it. For the transaction that switches it on. */
async function endOthers({ auth }: Face, user: string, current: string): Promise<void> {
  const { db, sessions } = auth.parts
  await nextGeneration(db, user)
  await sessions.deleteAllOf(user, current)
}

async function renew(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const id = await demandCodeAgain(face, request)
  return send(face, reply, 200, { recovery_codes: await face.auth.ways.factors.renewRecoveryCodes(id) })
}

async function disable(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const id = await demandCodeAgain(face, request)
  await face.auth.ways.factors.disable(id)
  await face.auth.audit.record({ action: 'factor.disabled', actor: id, address: request.ip })
  await tellOwner(face, id, 'its second factor was switched off')
  return reply.code(204).send()
}

function codeOf(request: HttpRequest): string {
  return bodyOf(request)['code'] ?? ''
}

function codeOfError(error: unknown): string | undefined {
  return (error as AppError).code
}

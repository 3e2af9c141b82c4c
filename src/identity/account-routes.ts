// Making an account, and what its owner changes about it.

import { changePassword, deleteAccount, requestEmailChange } from '../auth/accounts/change-account.ts'
import { deviceMs } from '../auth/accounts/devices.ts'
import { ownValues } from '../auth/accounts/own-values.ts'
import { requestPasswordReset, resetPassword } from '../auth/accounts/reset-password.ts'
import { signUp, verifyEmail } from '../auth/accounts/sign-up.ts'
import { fieldSchema } from '../model/json-schema.ts'
import type { JsonSchema } from '../model/kinds/kind.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { setCookie } from './cookies.ts'
import { bodyOf, demandCaller, demandUser, type Face, type IdentityRoute, originOf, reply as send, signedInSecurity } from './face.ts'
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
import { forgetCookie, modeOf, openFor } from './sign-in-routes.ts'

export function accountRoutes(face: Face): IdentityRoute[] {
  return [...(face.auth.options.signUp === 'closed' ? [] : [signUpRoute(face)]), ...mailRoutes(face), ...changeRoutes(face)]
}

const accepted: JsonSchema = objectOf({ sent: { type: 'string', enum: ['mail'] } })

function signUpRoute(face: Face): IdentityRoute {
  const { parts, options } = face.auth
  const fields = (options.signUpFields ?? []).flatMap((name) => parts.users.field(name) ?? [])
  const own = Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)]))
  const optional = fields.filter(({ nullable, hasDefault }) => nullable || hasDefault).map(({ name }) => name)
  return {
    method: 'POST',
    url: '/auth/sign-up',
    answers: 'sign up',
    schema: {
      summary: 'Make an account',
      description: 'Answers the same for an address that has an account. The mail that is sent differs.',
      body: objectOf({ email: emailSchema, password: passwordSchema, ...own }, optional),
      response: { 202: framed(face.format, 'A mail was sent.', accepted) },
    },
    async handler(request, reply) {
      const { email = '', password = '', ...rest } = bodyOf(request)
      await signUp(parts, { email, password, own: ownValues(fields, rest) }, originOf(request))
      return send(face, reply, 202, { sent: 'mail' })
    },
  }
}

function mailRoutes(face: Face): IdentityRoute[] {
  const { parts } = face.auth
  const done = async (reply: HttpReply, work: Promise<void>): Promise<unknown> => {
    await work
    return reply.code(204).send()
  }
  return [
    {
      method: 'POST',
      url: '/auth/verify-email',
      answers: 'confirm an address',
      schema: {
        summary: 'Confirm an address with the token of a mail',
        body: objectOf({ token: tokenSchema }),
        response: { 204: noContent },
      },
      handler: (request, reply) => done(reply, verifyEmail(parts, bodyOf(request)['token'] ?? '', originOf(request))),
    },
    {
      method: 'POST',
      url: '/auth/request-password-reset',
      answers: 'mail for a new password',
      schema: {
        summary: 'Ask for a mail to set a new password',
        description: 'Answers the same for an address that nobody has.',
        body: objectOf({ email: emailSchema }),
        response: { 202: framed(face.format, 'A mail was sent, if there is such an account.', accepted) },
      },
      async handler(request, reply) {
        await requestPasswordReset(parts, bodyOf(request)['email'] ?? '', originOf(request))
        return send(face, reply, 202, { sent: 'mail' })
      },
    },
    {
      method: 'POST',
      url: '/auth/reset-password',
      answers: 'set a new password',
      schema: {
        summary: 'Set a new password with the token of a mail',
        description: 'Ends every session. Who did it can sign in from this device, however often others have tried.',
        body: objectOf({ token: tokenSchema, password: passwordSchema, mode: modeSchema }, ['mode']),
        response: { 200: framed(face.format, 'Done, with `mode: token`.', objectOf({ device: deviceSchema })), 204: noContent },
      },
      handler: (request, reply) => resetAnd(face, request, reply),
    },
  ]
}

function changeRoutes(face: Face): IdentityRoute[] {
  const { parts } = face.auth
  const current_password = { ...passwordSchema, description: 'Asked for again: an open browser is not its owner.' }
  return [
    {
      method: 'POST',
      url: '/auth/change-password',
      answers: 'change the password',
      schema: {
        summary: 'Change the password',
        description: 'Ends every session, and opens another one for who asks.',
        body: objectOf({ current_password, password: passwordSchema }),
        response: { 200: framed(face.format, 'Changed, and signed in anew.', signedInSchema) },
        security: signedInSecurity,
      },
      handler: (request, reply) => newPassword(face, request, reply),
    },
    {
      method: 'POST',
      url: '/auth/change-email',
      answers: 'change the address',
      schema: {
        summary: 'Change the address',
        description: 'It counts when the link in the mail to the new address is opened.',
        body: objectOf({ current_password, email: emailSchema }),
        response: { 202: framed(face.format, 'A mail was sent.', accepted) },
        security: signedInSecurity,
      },
      async handler(request, reply) {
        const { current_password: current = '', email = '' } = bodyOf(request)
        await requestEmailChange(parts, await demandUser(face, request), current, email, originOf(request))
        return send(face, reply, 202, { sent: 'mail' })
      },
    },
    {
      method: 'DELETE',
      url: '/auth/me',
      answers: 'delete the account',
      schema: {
        summary: 'Delete the account',
        body: objectOf({ current_password }),
        response: { 204: noContent },
        security: signedInSecurity,
      },
      async handler(request, reply) {
        const user = await demandUser(face, request)
        await deleteAccount(parts, user, bodyOf(request)['current_password'] ?? '', originOf(request))
        return forgetCookie(face, reply)
      },
    },
  ]
}

/** Tries of others must not lock out who has just shown that the account is his. */
async function resetAnd(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { token = '', password = '', mode = 'cookie' } = bodyOf(request)
  const { parts } = face.auth
  const device = parts.limits.devices.issue(await resetPassword(parts, token, password, originOf(request)))
  if (mode === 'token') return send(face, reply, 200, { device })
  setCookie(reply, face.cookies.device, device, deviceMs)
  return reply.code(204).send()
}

async function newPassword(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const user = await demandUser(face, request)
  const { current_password: current = '', password = '' } = bodyOf(request)
  const before = await face.auth.parts.sessions.getByHandle(demandCaller(request).credential)
  const changed = await changePassword(face.auth.parts, user, current, password, originOf(request))
  // It is the same person at the same work.
  return openFor(face, changed, modeOf(request), request, reply, { tenant: before?.data['tenant'] ?? null })
}

// Accepting an invitation. Who may send one is for the application to know: it does so with `app.auth.ways.invitations`.

import { ownValues } from '../auth/accounts/own-values.ts'
import { fieldSchema } from '../model/json-schema.ts'
import { bodyOf, type Face, type IdentityRoute, originOf, reply as send } from './face.ts'
import { emailSchema, framed, noContent, objectOf, passwordSchema, tokenSchema } from './schemas.ts'

export function invitationRoutes(face: Face): IdentityRoute[] {
  const { parts, options, ways } = face.auth
  const fields = (options.signUpFields ?? []).flatMap((name) => parts.users.field(name) ?? [])
  const own = Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)]))
  return [
    {
      method: 'POST',
      url: '/auth/invitation',
      answers: 'look at an invitation',
      schema: {
        summary: 'Whom an invitation is for, and whether a password has to be chosen',
        body: objectOf({ token: tokenSchema }),
        response: { 200: framed(face.format, 'The invitation.', objectOf({ email: emailSchema, needs_password: { type: 'boolean' } })) },
      },
      async handler(request, reply) {
        const { email, needsPassword } = await ways.invitations.look(bodyOf(request)['token'] ?? '', originOf(request))
        return send(face, reply, 200, { email, needs_password: needsPassword })
      },
    },
    {
      method: 'POST',
      url: '/auth/accept-invitation',
      answers: 'accept an invitation',
      schema: {
        summary: 'Accept an invitation; afterwards one signs in',
        body: objectOf({ token: tokenSchema, password: passwordSchema, ...own }, ['password', ...Object.keys(own)]),
        response: { 204: noContent },
      },
      async handler(request, reply) {
        const { token = '', password, ...rest } = bodyOf(request)
        await ways.invitations.accept(token, { password, own: ownValues(fields, rest) }, originOf(request))
        return reply.code(204).send()
      },
    },
  ]
}

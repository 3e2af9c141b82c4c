// Who one is, and where one is signed in.

import type { Session } from '../state/sessions.ts'
import { identityErrors } from './errors.ts'
import { demandCaller, type Face, type IdentityRoute, reply as send, signedInSecurity } from './face.ts'
import { framed, noContent, objectOf, sessionSchema, userSchema } from './schemas.ts'
import { profileOf } from './sign-in-routes.ts'

export function sessionRoutes(face: Face): IdentityRoute[] {
  const { sessions } = face.auth.parts
  return [
    {
      method: 'GET',
      url: '/auth/me',
      answers: 'the caller',
      schema: { summary: 'Who asks', response: { 200: framed(face.format, 'The caller.', userSchema) }, security: signedInSecurity },
      handler: async (request, reply) => send(face, reply, 200, await profileOf(face, demandCaller(request).id)),
    },
    {
      method: 'GET',
      url: '/auth/sessions',
      answers: 'sessions of the caller',
      schema: {
        summary: 'Where the caller is signed in, the newest first',
        response: { 200: framed(face.format, 'Sessions.', { type: 'array', items: sessionSchema }) },
        security: signedInSecurity,
      },
      async handler(request, reply) {
        const { id, credential } = demandCaller(request)
        const list = await sessions.list(id)
        return send(
          face,
          reply,
          200,
          list.map((session) => shown(session, credential)),
        )
      },
    },
    {
      method: 'DELETE',
      url: '/auth/sessions/:handle',
      answers: 'end a session',
      schema: {
        summary: 'End one of these sessions',
        params: objectOf({ handle: { type: 'string', maxLength: 64 } }),
        response: { 204: noContent },
        security: signedInSecurity,
      },
      async handler(request, reply) {
        const { id } = demandCaller(request)
        const { handle } = request.params as { readonly handle: string }
        if (!(await sessions.deleteHandle(id, handle))) throw identityErrors.UNKNOWN_SESSION()
        await face.auth.audit.record({ action: 'session.revoked', actor: id, address: request.ip, details: { session: handle } })
        return reply.code(204).send()
      },
    },
    {
      method: 'GET',
      url: '/.well-known/jwks.json',
      answers: 'public keys',
      schema: { summary: 'Public keys of access tokens (RFC 7517)', response: { 200: jwksSchema } },
      handler: async (_request, reply) => reply.header('cache-control', 'public, max-age=60').send(await face.auth.keys.jwks()),
    },
  ]
}

const jwksSchema = {
  description: 'Keys that tokens may be signed with.',
  type: 'object',
  properties: { keys: { type: 'array', items: { type: 'object', additionalProperties: true } } },
}

function shown({ handle, createdAt, seenAt, expiresAt, data }: Session, current: string): object {
  return {
    handle,
    current: handle === current,
    created_at: createdAt,
    seen_at: seenAt,
    expires_at: expiresAt,
    address: data['address'] ?? null,
    agent: data['agent'] ?? null,
  }
}

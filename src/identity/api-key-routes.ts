// Keys that a user gives to programs of his own.

import type { ApiKey } from '../auth/api-keys/key-rows.ts'
import { factorErrors } from '../auth/factor-errors.ts'
import type { JsonSchema } from '../model/kinds/kind.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { demandCaller, type Face, type IdentityRoute, reply as send, signedInSecurity } from './face.ts'
import { demandRecentSignIn, demandStillSignedIn, tellOwner } from './recent-sign-in.ts'
import { framed, noContent, objectOf } from './schemas.ts'

const moment: JsonSchema = { type: ['string', 'null'], format: 'date-time' }
const scope: JsonSchema = { type: 'string', pattern: '^[\\w.:*-]{1,64}$', examples: ['notes:read'] }
const shownSchema = {
  id: { type: 'string', description: 'Names the key; nobody can use it with that.' },
  name: { type: 'string' },
  scopes: {
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'What the key may be used for; null: everything its owner may do.',
  },
  created_at: { type: 'string', format: 'date-time' },
  tenant: { type: ['string', 'null'], description: 'The one that the key acts in; null: whichever of its owner is named.' },
  expires_at: moment,
  used_at: { ...moment, description: 'To the minute.' },
} satisfies Record<string, JsonSchema>
const bodyFields = {
  name: { type: 'string', minLength: 1, maxLength: 100 },
  scopes: { type: 'array', maxItems: 50, items: scope },
  expires_in: {
    type: 'integer',
    minimum: 60,
    maximum: 315_360_000,
    description: 'Seconds. Without it the key is good until it is revoked.',
  },
} satisfies Record<string, JsonSchema>
const tenantField: JsonSchema = {
  type: 'string',
  maxLength: 200,
  description: 'The only tenant that the key is for. Without it: whichever of its owner a request names.',
}

interface NewKeyBody {
  readonly name: string
  readonly scopes?: readonly string[]
  readonly expires_in?: number
  readonly tenant?: string
}

/** Without tenants nobody can ask for one. */
function bodySchema({ auth }: Face): JsonSchema {
  const ofTenants: Record<string, JsonSchema> = auth.options.tenants === undefined ? {} : { tenant: tenantField }
  return objectOf({ ...bodyFields, ...ofTenants }, ['scopes', 'expires_in', 'tenant'])
}

export function apiKeyRoutes(face: Face): IdentityRoute[] {
  const { apiKeys } = face.auth.ways
  const ownerOf = (request: HttpRequest) => ({ kind: 'user', id: demandCaller(request).id }) as const
  return [
    {
      method: 'GET',
      url: '/auth/keys',
      answers: 'API keys of the caller',
      schema: {
        summary: 'API keys of the caller, the newest first',
        response: { 200: framed(face.format, 'Keys.', { type: 'array', items: objectOf(shownSchema) }) },
        security: signedInSecurity,
      },
      handler: async (request, reply) => send(face, reply, 200, (await apiKeys.list(ownerOf(request))).map(shown)),
    },
    {
      method: 'POST',
      url: '/auth/keys',
      answers: 'make an API key',
      schema: {
        summary: 'Make an API key, which is shown once',
        body: bodySchema(face),
        response: { 201: framed(face.format, 'The key.', objectOf({ key: { type: 'string' }, ...shownSchema })) },
        security: signedInSecurity,
      },
      handler: (request, reply) => create(face, request, reply),
    },
    {
      method: 'DELETE',
      url: '/auth/keys/:id',
      answers: 'revoke an API key',
      schema: {
        summary: 'Revoke an API key',
        params: objectOf({ id: { type: 'string', maxLength: 64 } }),
        response: { 204: noContent },
        security: signedInSecurity,
      },
      async handler(request, reply) {
        const owner = ownerOf(request)
        const { id } = request.params as { readonly id: string }
        if (!(await apiKeys.revoke(owner, id))) throw factorErrors.UNKNOWN_CREDENTIAL()
        await face.auth.audit.record({ action: 'key.revoked', actor: owner.id, address: request.ip, details: { key: id } })
        return reply.code(204).send()
      },
    },
  ]
}

async function create(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const user = await demandRecentSignIn(face, request)
  const { name, scopes, tenant, expires_in: seconds } = request.body as NewKeyBody
  const lifetime = seconds === undefined ? {} : { lifetimeMs: seconds * 1_000 }
  const still = demandStillSignedIn(face, request)
  const { key, apiKey } = await face.auth.parts.db.transaction(async () => {
    await still()
    return face.auth.ways.apiKeys.create({ owner: { kind: 'user', id: user }, name, scopes, tenant, ...lifetime })
  })
  await face.auth.audit.record({
    action: 'key.created',
    actor: user,
    address: request.ip,
    details: { key: apiKey.id, scopes: scopes ?? null, tenant: tenant ?? null },
  })
  await tellOwner(face, user, 'an API key was made for it')
  return send(face, reply, 201, { key, ...shown(apiKey) })
}

function shown({ id, name, scopes, tenant, createdAt, expiresAt, usedAt }: ApiKey): object {
  return {
    id,
    name,
    scopes: scopes ?? null,
    tenant: tenant ?? null,
    created_at: createdAt,
    expires_at: expiresAt ?? null,
    used_at: usedAt ?? null,
  }
}

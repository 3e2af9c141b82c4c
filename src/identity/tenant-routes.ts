// The tenants that a caller belongs to, and which of them a session acts in.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Memberships } from '../auth/tenants/memberships.ts'
import { chooseTenant, demandMember } from '../auth/tenants/choose.ts'
import { signInRequired } from '../auth/policy-errors.ts'
import type { JsonSchema } from '../model/kinds/kind.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { goodMs } from '../state/session-changes.ts'
import { demandCaller, type Face, type IdentityRoute, reply as send, signedInSecurity } from './face.ts'
import { noteNamedTenant } from './named-tenant.ts'
import { framed, objectOf } from './schemas.ts'

const key: JsonSchema = { type: 'string', maxLength: 200, description: 'Primary key of the tenant.' }
const keyOrNone: JsonSchema = { ...key, type: ['string', 'null'] }
const tenantSchema = objectOf({
  tenant: key,
  name: { type: ['string', 'null'] },
  current: { type: 'boolean', description: 'Whether this request acts in it.' },
})

/** None for an application without tenants. */
export function tenantRoutes(face: Face): IdentityRoute[] {
  const { memberships } = face.auth.parts
  return memberships === undefined ? [] : [listRoute(face, memberships), chooseRoute(face)]
}

function listRoute(face: Face, memberships: Memberships): IdentityRoute {
  return {
    method: 'GET',
    url: '/auth/tenants',
    answers: 'tenants of the caller',
    schema: {
      summary: 'Tenants that the caller belongs to, by name',
      response: { 200: framed(face.format, 'Tenants.', { type: 'array', items: tenantSchema }) },
      security: signedInSecurity,
    },
    async handler(request, reply) {
      const { id, tenant: current } = demandCaller(request)
      const tenants = await memberships.list(id)
      return send(
        face,
        reply,
        200,
        tenants.map((one) => ({ tenant: one.key, name: one.name ?? null, current: one.key === current })),
      )
    },
  }
}

function chooseRoute(face: Face): IdentityRoute {
  return {
    method: 'PUT',
    url: '/auth/tenant',
    answers: 'choose a tenant',
    schema: {
      summary: 'Act in a tenant from now on',
      description: 'Counts for this session, wherever a request does not name another one by `X-Tenant`. null takes it back.',
      body: objectOf({ tenant: keyOrNone }),
      response: {
        200: framed(face.format, 'What the session acts in from now on.', objectOf({ tenant: keyOrNone })),
      },
      security: signedInSecurity,
    },
    handler: (request, reply) => choose(face, request, reply),
  }
}

/** Answers when every process knows: what the caller writes next, through whichever, must not go to the tenant before. */
async function choose(face: Face, request: HttpRequest, reply: HttpReply): Promise<unknown> {
  const { id, credential } = demandCaller(request)
  const { tenant } = request.body as { readonly tenant: string | null }
  const { audit, parts } = face.auth
  const member = await parts.members.find(id)
  if (member === undefined) throw signInRequired()
  if (tenant !== null) {
    noteNamedTenant(request, tenant)
    demandMember(member.tenants, tenant)
  }
  const session = await parts.sessions.getByHandle(credential)
  if ((session?.data['tenant'] ?? null) !== tenant) {
    if (!(await parts.sessions.updateHandle(id, credential, { tenant }))) throw signInRequired()
    await audit.record({ action: 'tenant.switched', actor: id, address: request.ip, details: { tenant, session: credential } })
    await sleep(goodMs)
  }
  return send(face, reply, 200, { tenant: chooseTenant(member.tenants, undefined, tenant) ?? null })
}

// Inviting somebody to the organization that the request acts in: for its owners.

import { anonymousCaller, type App, type Caller, demandScope, type RoutePlugin } from 'plinth'
import type { AuthOptions } from 'plinth/auth'
import { and, drizzleOn, eq } from 'plinth/db'
import { notesErrors } from '../errors.ts'
import { memberships } from '../models/organizations.ts'

const schema = {
  summary: 'Invite somebody to the organization',
  tags: ['members'],
  security: [{ bearer: [] }, { cookie: [] }],
  headers: { type: 'object', properties: { 'X-Tenant': { type: 'string', description: 'Key of the organization.' } } },
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { email: { type: 'string', maxLength: 320, examples: ['bob@example.com'] } },
    required: ['email'],
  },
  response: { 202: { description: 'A mail was sent.', type: 'object', properties: { sent: { type: 'string' } } } },
}

export const invitations: RoutePlugin = (fastify, { app }) => {
  fastify.post('/api/invitations', { schema, config: { rateLimit: '30/1h by caller' } }, async ({ body, exchange }, reply) => {
    const { email } = body as { readonly email: string }
    const who = exchange?.caller ?? anonymousCaller
    // Policies and scopes are asked of resources by themselves, and of nothing else.
    demandScope(who, 'members:write')
    await demandOwner(app, who)
    await app.auth?.ways.invitations.send({ email, data: { organization: who.tenant }, ...(who.id === undefined ? {} : { by: who.id }) })
    return reply.code(202).send({ sent: 'mail' })
  })
}

/** @throws AppError of the resource for who has not signed in or acts in no organization, NOTES_NOT_AN_OWNER */
async function demandOwner(app: App, who: Caller): Promise<void> {
  const membership = await app
    .resource('members')
    .as(who)
    .get([who.tenant ?? '', who.id ?? ''])
  if (membership?.['role'] !== 'owner') throw notesErrors.NOT_AN_OWNER()
}

/**
 * In the transaction in which the invitation is accepted. A week may have gone by: who is no owner any more brings nobody in, himself least of all.
 *
 * @throws AppError NOTES_INVITATION_OVER
 */
export const joinOrganization: AuthOptions['invitationAccepted'] = async ({ id }, { organization }, { db, by = '' }) => {
  const drizzle = drizzleOn(db)
  const organization_id = String(organization)
  const inviter = and(eq(memberships.organization_id, organization_id), eq(memberships.user_id, by), eq(memberships.role, 'owner'))
  // Whoever puts him out in this moment waits, or is waited for.
  const owners = await drizzle.select({ role: memberships.role }).from(memberships).where(inviter).for('share')
  if (owners.length === 0) throw notesErrors.INVITATION_OVER()
  await drizzle.insert(memberships).values({ organization_id, user_id: id }).onConflictDoNothing()
}

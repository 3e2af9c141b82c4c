// Identity for an application that says `auth`. Without it not a line of it is loaded.

import type { FastifyInstance } from 'fastify'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Auth, AuthSurroundings } from '../auth/create-auth.ts'
import type { AuthOptions, TenantOptions } from '../auth/options.ts'
import { permissions, role_permissions, roles } from '../auth/tables/roles.ts'
import { readTable } from '../model/read-table.ts'
import type { ReplyFormat } from '../rest/reply-format.ts'

export async function openAuth(options: AuthOptions | undefined, surroundings: AuthSurroundings): Promise<Auth | undefined> {
  if (options === undefined) return undefined
  const { createAuth } = await import('../auth/create-auth.ts')
  return createAuth(options, surroundings)
}

/** Before any other route, so that all have its hooks. */
export async function faceAuth(
  fastify: FastifyInstance,
  auth: Auth | undefined,
  format: ReplyFormat,
  { config, log }: AuthSurroundings,
): Promise<void> {
  if (auth === undefined) return
  const { addIdentity } = await import('../identity/add-identity.ts')
  addIdentity(fastify, { auth, config, format, log })
}

/** The tables that identity needs, whether or not the application names them among its models. */
export function authTables({ auth }: { readonly auth?: AuthOptions }): readonly PgTable[] {
  if (auth === undefined) return []
  return [auth.users, ...tablesOfRoles(auth), ...(auth.tenants === undefined ? [] : membershipTables(auth.tenants))]
}

/** Who has which role comes first. */
export function tablesOfRoles(auth: AuthOptions | undefined): readonly PgTable[] {
  return auth?.userRoles === undefined ? [] : [auth.userRoles, roles, permissions, role_permissions]
}

/** Tenants that are deleted softly have no members any more. */
function membershipTables({ table, members }: TenantOptions): readonly PgTable[] {
  return readTable(table).softDelete === undefined ? [members] : [members, table]
}

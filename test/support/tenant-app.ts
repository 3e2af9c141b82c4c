// An application whose users belong to organizations, and whose route /who tells what a request acts in.

import { anyone, defineApp, defineResource, type App, type ResourceDefinition } from 'plinth'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import { pgTable, primaryKey, serial, softDelete, text, uuid } from 'plinth/db'
import { type TestApp, testApp } from 'plinth/testing'
import type { AuthOptions } from '../../src/auth/options.ts'
import { password } from './identity-app.ts'

const users = pgTable('users', { ...userColumns })
const user_roles = userRoles(users)
export const organizations = pgTable('organizations', { id: uuid().primaryKey().defaultRandom(), name: text().notNull(), ...softDelete })
export const memberships = pgTable(
  'memberships',
  {
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    organization_id: uuid()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    role: text().notNull().default('member'),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.organization_id] })],
)
const notes = pgTable('notes', { id: serial().primaryKey(), body: text().notNull() })
const models = { users, user_roles, roles, permissions, role_permissions, organizations, memberships, notes }

export interface TenantApp extends TestApp {
  /** Makes an organization. @returns its key */
  organization(name: string): Promise<string>
  /** Makes a user, and a member of these. @returns the key */
  user(email: string, ...tenants: readonly string[]): Promise<string>
  join(user: string, tenant: string): Promise<void>
  leave(user: string, tenant: string): Promise<void>
}

/** @param more  resources beside `notes`, which is open to anyone */
export async function tenantApp(
  url: string,
  auth: Partial<AuthOptions> = {},
  more: readonly ResourceDefinition[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<TenantApp> {
  const definition = defineApp({
    name: 'shop',
    models,
    resources: [defineResource(notes, { access: { read: anyone, write: anyone } }), ...more],
    modules: [{ name: 'who', setup: addWho }],
    auth: { users, userRoles: user_roles, tenants: { table: organizations, members: memberships }, ...auth },
  })
  const app = await testApp(definition, { url, environment })
  const { db, auth: identity } = app.app
  const join = async (user: string, tenant: string): Promise<void> =>
    void (await db.query('insert into memberships (user_id, organization_id) values ($1, $2)', [user, tenant]))
  return Object.assign(app, {
    join,
    async leave(user: string, tenant: string) {
      await db.query('delete from memberships where user_id = $1 and organization_id = $2', [user, tenant])
    },
    async organization(name: string) {
      const [row] = await db.query<{ id: string }>('insert into organizations (name) values ($1) returning id', [name])
      return row?.id ?? ''
    },
    async user(email: string, ...tenants: readonly string[]) {
      const id = (await identity?.accounts.create({ email, password })) ?? ''
      for (const tenant of tenants) await join(id, tenant)
      return id
    },
  })
}

function addWho({ fastify }: App): void {
  fastify.get('/who', async ({ exchange }) => ({ kind: exchange?.caller.kind, tenant: exchange?.caller.tenant ?? null }))
}

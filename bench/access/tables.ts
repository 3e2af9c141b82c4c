// Notes of users and of their organizations, with an index for each of them.

import { integer, pgTable, primaryKey, serial, text, uuid, index } from 'plinth/db'
import { userColumns, userRoles } from 'plinth/auth'

export { permissions, role_permissions, roles } from 'plinth/auth'

export const users = pgTable('users', userColumns)
export const user_roles = userRoles(users)

export const organizations = pgTable('organizations', { id: serial().primaryKey(), name: text().notNull() })

export const memberships = pgTable(
  'memberships',
  {
    organization_id: integer()
      .notNull()
      .references(() => organizations.id),
    user_id: uuid()
      .notNull()
      .references(() => users.id),
  },
  (table) => [primaryKey({ columns: [table.organization_id, table.user_id] })],
)

export const notes = pgTable(
  'notes',
  {
    id: serial().primaryKey(),
    organization_id: integer()
      .notNull()
      .references(() => organizations.id),
    author_id: uuid()
      .notNull()
      .references(() => users.id),
    title: text().notNull(),
    body: text().notNull(),
  },
  (table) => [index().on(table.author_id, table.id), index().on(table.organization_id, table.id)],
)

// Notes of users and of their organizations, with an index for each of them.

import { integer, pgTable, primaryKey, serial, text, uuid, index } from 'plinth/db'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'

const users = pgTable('users', userColumns)
const user_roles = userRoles(users)

const organizations = pgTable('organizations', { id: serial().primaryKey(), name: text().notNull() })

const memberships = pgTable(
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

const notes = pgTable(
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

export const models = { users, user_roles, roles, permissions, role_permissions, organizations, memberships, notes }

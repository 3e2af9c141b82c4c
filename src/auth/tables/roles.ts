// Roles and permissions as data. The tables are part of the application's models, so that it can expose and extend them.

import { type AnyPgColumn, type PgTable, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { timestamps } from '../../model/columns.ts'

/** What somebody is: `editor`. */
export const roles = pgTable('roles', {
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull().unique(),
  description: text(),
  ...timestamps,
})

/** What somebody may do: `articles.publish`. */
export const permissions = pgTable('permissions', {
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull().unique(),
  description: text(),
  ...timestamps,
})

/** Which permissions a role gives. */
export const role_permissions = pgTable(
  'role_permissions',
  {
    role_id: uuid()
      .notNull()
      .references(() => roles.id, { onDelete: 'cascade' }),
    permission_id: uuid()
      .notNull()
      .references(() => permissions.id, { onDelete: 'cascade' }),
  },
  (table) => [primaryKey({ columns: [table.role_id, table.permission_id] })],
)

/** A table of users: one with `userColumns`. */
export type UsersTable = PgTable & { readonly id: AnyPgColumn; readonly email: AnyPgColumn }

/**
 * Which roles a user has: the association of the application's own users.
 *
 * @example  `export const user_roles = userRoles(users)`
 */
export function userRoles(users: UsersTable) {
  return pgTable(
    'user_roles',
    {
      user_id: uuid()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      role_id: uuid()
        .notNull()
        .references(() => roles.id, { onDelete: 'cascade' }),
    },
    (table) => [primaryKey({ columns: [table.user_id, table.role_id] })],
  )
}

import { pgTable, primaryKey, serial, text, unique, uuid } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { unconnected, users } from '../../../test/support/account-bed.ts'

const organizations = pgTable('organizations', { id: uuid().primaryKey(), name: text() })
const user = () =>
  uuid()
    .notNull()
    .references(() => users.id)
const organization = () =>
  uuid()
    .notNull()
    .references(() => organizations.id)

test.each([
  [
    'a key of two columns',
    pgTable('pairs', { one: uuid(), two: uuid() }, (table) => [primaryKey({ columns: [table.one, table.two] })]),
    pgTable('memberships', { user_id: user(), organization_id: organization() }),
    'the primary key of the tenants, "pairs", must be one column',
  ],
  [
    'members that lead to no user',
    organizations,
    pgTable('memberships', { user_id: uuid(), organization_id: organization() }),
    '"memberships" must have one foreign key to "users" ("id"), and has none',
  ],
  [
    'members that lead to no tenant',
    organizations,
    pgTable('memberships', { user_id: user(), organization_id: uuid() }),
    '"memberships" must have one foreign key to "organizations" ("id"), and has none',
  ],
  [
    'members that lead to two users',
    organizations,
    pgTable('memberships', { user_id: user(), invited_by: user(), organization_id: organization() }),
    'and has "user_id" and "invited_by"',
  ],
  [
    'members of which there may be two alike',
    organizations,
    pgTable('memberships', { id: serial().primaryKey(), user_id: user(), organization_id: organization() }),
    '"memberships" must have a primary key or unique constraint over "user_id" and "organization_id"',
  ],
])('tenants with %s are refused at the start with AUTH_INVALID_SETUP', (_what, table, members, problem) => {
  const message = expect.stringContaining(problem)
  expect(() => unconnected({ tenants: { table, members } })).toThrow(expect.objectContaining({ code: 'AUTH_INVALID_SETUP', message }))
})

test('a unique constraint over the two will do, in any order', () => {
  const members = pgTable('memberships', { id: serial().primaryKey(), user_id: user(), organization_id: organization() }, (table) => [
    unique().on(table.organization_id, table.user_id),
  ])
  expect(() => unconnected({ tenants: { table: organizations, members } })).not.toThrow()
})

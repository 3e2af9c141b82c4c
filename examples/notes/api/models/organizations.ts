import { pgEnum, pgTable, primaryKey, timestamps, uuid, varchar } from 'plinth/db'
import { users } from './users.ts'

/** The tenants. */
export const organizations = pgTable('organizations', {
  id: uuid().primaryKey().defaultRandom(),
  name: varchar({ length: 100 }).notNull(),
  ...timestamps,
})

export const membership_role = pgEnum('membership_role', ['owner', 'member'])

/** Who belongs to which organization. */
export const memberships = pgTable(
  'memberships',
  {
    organization_id: uuid()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: membership_role().notNull().default('member'),
    created_at: timestamps.created_at,
  },
  (table) => [primaryKey({ columns: [table.organization_id, table.user_id] })],
)

import { boolean, index, pgTable, softDelete, text, timestamps, unique, uuid, varchar } from 'plinth/db'
import { organizations } from './organizations.ts'
import { users } from './users.ts'

export const notes = pgTable(
  'notes',
  {
    id: uuid().primaryKey().defaultRandom(),
    organization_id: uuid()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    author_id: uuid().references(() => users.id, { onDelete: 'set null' }),
    title: varchar({ length: 200 }).notNull(),
    body: text().notNull().default(''),
    /** Seen and changed by the whole organization, not by its author alone. */
    shared: boolean().notNull().default(false),
    ...timestamps,
    ...softDelete,
  },
  // What foreign keys of other tables refer to, so that both rows are of one organization.
  (table) => [unique().on(table.organization_id, table.id), index().on(table.organization_id, table.created_at)],
)

import { foreignKey, index, pgTable, primaryKey, unique, uuid, varchar } from 'plinth/db'
import { notes } from './notes.ts'
import { organizations } from './organizations.ts'

export const tags = pgTable(
  'tags',
  {
    id: uuid().primaryKey().defaultRandom(),
    organization_id: uuid()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    name: varchar({ length: 50 }).notNull(),
  },
  (table) => [unique().on(table.organization_id, table.name), unique().on(table.organization_id, table.id)],
)

/** Which note has which tag; both are of one organization. */
export const note_tags = pgTable(
  'note_tags',
  {
    organization_id: uuid()
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    note_id: uuid().notNull(),
    tag_id: uuid().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.note_id, table.tag_id] }),
    foreignKey({ columns: [table.organization_id, table.note_id], foreignColumns: [notes.organization_id, notes.id] }).onDelete('cascade'),
    foreignKey({ columns: [table.organization_id, table.tag_id], foreignColumns: [tags.organization_id, tags.id] }).onDelete('cascade'),
    index().on(table.organization_id, table.tag_id),
  ],
)

import { char, index, integer, pgTable, primaryKey, serial, text } from 'plinth/db'
import { countries } from './countries.ts'

export const languages = pgTable('languages', {
  id: serial().primaryKey(),
  code: char({ length: 3 }).notNull().unique(),
  name: text().notNull(),
})

export const country_languages = pgTable(
  'country_languages',
  {
    country_id: integer()
      .notNull()
      .references(() => countries.id, { onDelete: 'cascade' }),
    language_id: integer()
      .notNull()
      .references(() => languages.id, { onDelete: 'cascade' }),
  },
  (table) => [primaryKey({ columns: [table.country_id, table.language_id] }), index().on(table.language_id)],
)

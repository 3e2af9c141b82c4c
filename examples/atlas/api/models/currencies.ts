import { char, index, integer, pgTable, primaryKey, serial, text } from 'plinth/db'
import { countries } from './countries.ts'

export const currencies = pgTable('currencies', {
  id: serial().primaryKey(),
  code: char({ length: 3 }).notNull().unique(),
  name: text().notNull(),
  symbol: text(),
})

export const country_currencies = pgTable(
  'country_currencies',
  {
    country_id: integer()
      .notNull()
      .references(() => countries.id, { onDelete: 'cascade' }),
    currency_id: integer()
      .notNull()
      .references(() => currencies.id, { onDelete: 'cascade' }),
  },
  (table) => [primaryKey({ columns: [table.country_id, table.currency_id] }), index().on(table.currency_id)],
)

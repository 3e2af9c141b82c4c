import { pgTable, serial, text } from 'plinth/db'

export const items = pgTable('items', {
  id: serial().primaryKey(),
  name: text().notNull(),
  description: text(),
})

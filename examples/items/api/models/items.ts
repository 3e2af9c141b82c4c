import { pgTable, serial, text, timestamps, varchar } from 'plinth/db'

export const items = pgTable('items', {
  id: serial().primaryKey(),
  name: varchar({ length: 100 }).notNull(),
  description: text(),
  ...timestamps,
})

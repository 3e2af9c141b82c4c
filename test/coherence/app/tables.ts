// A table of registers for each way of reading them; and one that leads to registers, so that these are also read as included records.

import { integer, pgTable, text } from 'plinth/db'

const registers = (name: string) => pgTable(name, { id: integer().primaryKey(), value: integer().notNull(), note: text() })

export const plain = registers('plain')
export const verified = registers('verified')
export const fenced = registers('fenced')
export const near = registers('near')
/** Of the recipes that are known to be wrong. */
export const naive = registers('naive')
export const joined = registers('joined')

export const holders = pgTable('holders', {
  id: integer().primaryKey(),
  register_id: integer()
    .notNull()
    .references(() => verified.id),
})

// The tables that every server under test answers from.

import { integer, numeric, pgTable, primaryKey, serial, text, timestamp, varchar } from 'plinth/db'

export const authors = pgTable('authors', {
  id: serial().primaryKey(),
  name: varchar({ length: 100 }).notNull(),
  email: text().notNull(),
})

export const posts = pgTable('posts', {
  id: serial().primaryKey(),
  author_id: integer()
    .notNull()
    .references(() => authors.id),
  title: varchar({ length: 200 }).notNull(),
  body: text(),
  price: numeric({ precision: 10, scale: 2 }).notNull(),
  published_at: timestamp({ withTimezone: true }).notNull(),
})

export const tags = pgTable('tags', {
  id: serial().primaryKey(),
  name: text().notNull().unique(),
})

export const post_tags = pgTable(
  'post_tags',
  {
    post_id: integer()
      .notNull()
      .references(() => posts.id, { onDelete: 'cascade' }),
    tag_id: integer()
      .notNull()
      .references(() => tags.id),
  },
  (table) => [primaryKey({ columns: [table.post_id, table.tag_id] })],
)

// The application most tests of the engine use: every kind of relation, soft delete, search, a composite key.

import { type AppDefinition, anyone, defineApp, defineResource, type ResourceOptions } from 'plinth'
import {
  bigint,
  boolean,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  primaryKey,
  serial,
  softDelete,
  text,
  timestamp,
  timestamps,
  unique,
  uuid,
  varchar,
} from 'plinth/db'

export const status = pgEnum('status', ['draft', 'published', 'archived'])

export const authors = pgTable('authors', {
  id: serial().primaryKey(),
  name: varchar({ length: 100 }).notNull(),
  email: text().unique(),
  secret: text(),
})

export const posts = pgTable('posts', {
  id: serial().primaryKey(),
  author_id: integer().references(() => authors.id),
  parent_id: integer(),
  title: varchar({ length: 200 }).notNull(),
  body: text(),
  status: status().notNull().default('draft'),
  price: numeric({ precision: 20, scale: 4 }),
  views: bigint({ mode: 'bigint' }).notNull().default(0n),
  labels: text().array().notNull().default([]),
  extra: jsonb(),
  featured: boolean().notNull().default(false),
  published_at: timestamp({ withTimezone: true }),
  ...timestamps,
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
      .references(() => tags.id, { onDelete: 'cascade' }),
  },
  (table) => [primaryKey({ columns: [table.post_id, table.tag_id] })],
)

export const comments = pgTable('comments', {
  id: uuid().primaryKey().defaultRandom(),
  post_id: integer()
    .notNull()
    .references(() => posts.id, { onDelete: 'cascade' }),
  author_id: integer().references(() => authors.id),
  text: text().notNull(),
  ...softDelete,
})

export const ratings = pgTable(
  'ratings',
  {
    post_id: integer()
      .notNull()
      .references(() => posts.id, { onDelete: 'cascade' }),
    critic: text().notNull(),
    stars: integer().notNull(),
    note: text(),
  },
  (table) => [primaryKey({ columns: [table.post_id, table.critic] }), unique().on(table.critic, table.stars)],
)

export const models = { status, authors, posts, tags, post_tags, comments, ratings }

const open = { read: anyone, write: anyone }

/** @param changes  options that replace those of a resource, by its name */
export function blog(
  changes: { readonly [resource: string]: Partial<ResourceOptions> } = {},
  options: Partial<Parameters<typeof defineApp>[0]> = {},
): AppDefinition {
  return defineApp({
    name: 'blog',
    models,
    resources: [
      defineResource(authors, { access: open, hidden: ['secret'], ...(changes.authors as object) }),
      defineResource(posts, { access: open, search: { fields: ['title', 'body'], language: 'english' }, ...(changes.posts as object) }),
      defineResource(tags, { access: open, ...(changes.tags as object) }),
      defineResource(comments, { access: open, ...(changes.comments as object) }),
      defineResource(ratings, { access: open, ...(changes.ratings as object) }),
    ],
    ...options,
  })
}

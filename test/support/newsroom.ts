// An application for policies: organizations with members, articles of authors, comments, and a table of tags between them.

import { all, anyone, any, defineApp, defineResource, member, not, owner, permission, type Policy, role, signedIn, where } from 'plinth'
import { boolean, integer, pgTable, primaryKey, serial, softDelete, text } from 'plinth/db'

export const users = pgTable('users', { id: serial().primaryKey(), name: text().notNull(), salary: integer() })
export const organizations = pgTable('organizations', { id: serial().primaryKey(), name: text().notNull() })
export const memberships = pgTable(
  'memberships',
  {
    organization_id: integer()
      .notNull()
      .references(() => organizations.id),
    user_id: integer()
      .notNull()
      .references(() => users.id),
    role: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.organization_id, table.user_id] })],
)
export const articles = pgTable('articles', {
  id: serial().primaryKey(),
  author_id: integer().references(() => users.id),
  organization_id: integer().references(() => organizations.id),
  title: text().notNull(),
  status: text().notNull().default('draft'),
  fee: integer(),
  ...softDelete,
})
export const comments = pgTable('comments', {
  id: serial().primaryKey(),
  article_id: integer()
    .notNull()
    .references(() => articles.id),
  author_id: integer().references(() => users.id),
  line: text().notNull(),
  approved: boolean().notNull().default(false),
})
export const tags = pgTable('tags', { id: serial().primaryKey(), name: text().notNull() })
export const article_tags = pgTable(
  'article_tags',
  {
    article_id: integer()
      .notNull()
      .references(() => articles.id),
    tag_id: integer()
      .notNull()
      .references(() => tags.id),
  },
  (table) => [primaryKey({ columns: [table.article_id, table.tag_id] })],
)

export const models = { users, organizations, memberships, articles, comments, tags, article_tags }

export const published = where(() => ({ status: 'published' }))

/** By the name of the resource that has each: every word, alone and joined. */
export const policies: { readonly [name: string]: Policy } = {
  // The first is the one that relations lead to.
  either: any(published, owner('author_id'), role('chief')),
  signed: signedIn,
  editors: role('editor', 'chief'),
  permitted: permission('articles.publish'),
  owned: owner('author_id'),
  joined: member('organization_id'),
  administered: member('organization_id', { through: 'memberships', role: 'admin' }),
  published,
  behind: where((who) => ({ 'author.name': { starts: 'A' }, or: [{ author_id: who.id }, { status: { ne: 'draft' } }] })),
  both: all(owner('author_id'), published),
  others: not(owner('author_id')),
  outsiders: all(signedIn, not(member('organization_id'))),
  open: anyone,
}

/** Comments are seen when they are approved, or by whoever wrote them; fees of articles by editors alone. */
export const newsroom = defineApp({
  name: 'newsroom',
  models,
  resources: [
    ...Object.entries(policies).map(([name, policy]) =>
      defineResource(articles, {
        name,
        access: { read: policy, write: policy, fields: { fee: role('editor') } },
        search: ['title'],
        count: 'none',
      }),
    ),
    defineResource(comments, {
      access: {
        read: any(
          where(() => ({ approved: true })),
          owner('author_id'),
        ),
        write: owner('author_id'),
      },
    }),
    defineResource(users, { access: { read: anyone, fields: { salary: role('editor') } } }),
    defineResource(tags, { access: { read: anyone } }),
    defineResource(organizations, { access: { read: member('id') } }),
  ],
})

export const seedSql = `
  truncate users, organizations, memberships, articles, comments, tags, article_tags restart identity cascade;
  insert into users (name, salary) values ('Ada', 10), ('Alan', 20), ('Grace', 30);
  insert into organizations (name) values ('North'), ('South');
  insert into memberships values (1, 1, 'admin'), (2, 1, 'reader'), (2, 2, 'reader');
  insert into articles (author_id, organization_id, title, status, fee) values
    (1, 1, 'alpha one', 'published', 5), (1, 2, 'beta two', 'draft', 4), (2, 2, 'alpha three', 'published', 3),
    (3, 1, 'gamma four', 'draft', 2), (2, null, 'beta five', 'draft', 1), (null, 1, 'alpha six', 'published', null);
  insert into comments (article_id, author_id, line, approved) values
    (1, 1, 'c1', true), (1, 2, 'c2', false), (2, 2, 'c3', true), (3, 1, 'c4', false), (4, 3, 'c5', true), (6, 2, 'c6', false);
  insert into tags (name) values ('red'), ('blue');
  insert into article_tags values (1, 1), (2, 1), (3, 2), (4, 2)`

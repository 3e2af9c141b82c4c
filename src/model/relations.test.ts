import { defineRelations } from 'drizzle-orm'
import { foreignKey, integer, pgTable, primaryKey, serial, text, unique } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import type { Relation } from './model.ts'
import { readTable } from './read-table.ts'
import { deriveRelations, type RelationOptions } from './relations.ts'

const users = pgTable('users', { id: serial().primaryKey(), name: text() })
const tags = pgTable('tags', { id: serial().primaryKey() })
const posts = pgTable('posts', {
  id: serial().primaryKey(),
  author_id: integer()
    .notNull()
    .references(() => users.id),
  editor_id: integer().references(() => users.id),
})
const post_tags = pgTable(
  'post_tags',
  { post_id: integer().references(() => posts.id), tag_id: integer().references(() => tags.id) },
  (table) => [primaryKey({ columns: [table.post_id, table.tag_id] })],
)
const profiles = pgTable('profiles', {
  user_id: integer()
    .primaryKey()
    .references(() => users.id),
  bio: text(),
})

function derive(
  tables: Parameters<typeof readTable>[0][],
  ...rest: Parameters<typeof deriveRelations> extends [unknown, ...infer others] ? others : never
) {
  return deriveRelations(
    tables.map((table) => readTable(table)),
    ...rest,
  )
}

/** `author → users(author_id=id)?` for a relation that may be null; `*` for many. */
function drawn(relations: readonly Relation[] | undefined): string[] {
  return (relations ?? []).map(({ name, kind, target, from, to, through, nullable }) => {
    const middle = through === undefined ? '' : `${through.model}.${through.from.join()},${through.model}.${through.to.join()}=`
    return `${name} → ${target}(${from.join()}=${middle}${to.join()})${kind === 'one' ? (nullable ? '?' : '') : '*'}`
  })
}

test('a foreign key gives a relation each way, named after its column and after its table', () => {
  const { relations, problems } = derive([users, tags, posts, post_tags, profiles])
  expect(problems).toEqual([])
  expect(drawn(relations.get('posts'))).toEqual([
    'author → users(author_id=id)',
    'editor → users(editor_id=id)?',
    'post_tags → post_tags(id=post_id)*',
    'tags → tags(id=post_tags.post_id,post_tags.tag_id=id)*',
  ])
  expect(drawn(relations.get('users'))).toEqual([
    'posts_by_author → posts(id=author_id)*',
    'posts_by_editor → posts(id=editor_id)*',
    'profile → profiles(id=user_id)?',
  ])
  expect(drawn(relations.get('tags'))).toContain('posts → posts(id=post_tags.tag_id,post_tags.post_id=id)*')
  expect(drawn(relations.get('profiles'))).toEqual(['user → users(user_id=id)'])
})

test('a key of another name takes the singular of its table, and all take their column before it when several want that', () => {
  const countries = pgTable('countries', { code: text().primaryKey() })
  const cities = pgTable('cities', { id: serial().primaryKey(), country_code: text().references(() => countries.code) })
  const flights = pgTable('flights', {
    origin: text().references(() => countries.code),
    destination: text().references(() => countries.code),
  })
  const stamps = pgTable('stamps', { country: text().references(() => countries.code) })
  const { relations } = derive([countries, cities, flights, stamps])
  expect(drawn(relations.get('cities'))).toEqual(['country → countries(country_code=code)?'])
  expect(drawn(relations.get('flights'))).toEqual([
    'origin_country → countries(origin=code)?',
    'destination_country → countries(destination=code)?',
  ])
  expect(drawn(relations.get('stamps'))).toEqual(['country_country → countries(country=code)?'])
  expect(drawn(relations.get('countries'))).toEqual([
    'cities → cities(code=country_code)*',
    'flights_by_origin → flights(code=origin)*',
    'flights_by_destination → flights(code=destination)*',
    'stamps → stamps(code=country)*',
  ])
})

test('a table that points to itself has a parent and children', () => {
  const categories = pgTable('categories', { id: serial().primaryKey(), parent_id: integer() }, (table) => [
    foreignKey({ columns: [table.parent_id], foreignColumns: [table.id] }),
  ])
  const employees = pgTable('employees', { id: serial().primaryKey(), managerId: integer('manager_id') }, (table) => [
    foreignKey({ columns: [table.managerId], foreignColumns: [table.id] }),
  ])
  const { relations } = derive([categories, employees])
  expect(drawn(relations.get('categories'))).toEqual(['parent → categories(parent_id=id)?', 'children → categories(id=parent_id)*'])
  expect(drawn(relations.get('employees'))).toEqual([
    'manager → employees(managerId=id)?',
    'employees_by_manager → employees(id=managerId)*',
  ])
})

test('an association table of one table with itself leads both ways', () => {
  const countries = pgTable('countries', { id: serial().primaryKey() })
  const borders = pgTable(
    'country_borders',
    { country_id: integer().references(() => countries.id), border_id: integer().references(() => countries.id) },
    (table) => [unique().on(table.country_id, table.border_id)],
  )
  const { relations, problems } = derive([countries, borders])
  expect(problems).toEqual([])
  expect(drawn(relations.get('countries')).slice(2)).toEqual([
    'borders → countries(id=country_borders.country_id,country_borders.border_id=id)*',
    'countries_by_border → countries(id=country_borders.border_id,country_borders.country_id=id)*',
  ])
})

test('two association tables between the same tables are told apart by their names', () => {
  const drafts = pgTable(
    'draft_tags',
    { post_id: integer().references(() => posts.id), tag_id: integer().references(() => tags.id) },
    (table) => [primaryKey({ columns: [table.post_id, table.tag_id] })],
  )
  const names = derive([users, tags, posts, post_tags, drafts])
    .relations.get('posts')
    ?.map(({ name }) => name)
  expect(names).toEqual(['author', 'editor', 'post_tags', 'draft_tags', 'tags_through_post_tags', 'tags_through_draft_tags'])
})

test('a composite key is one relation with its columns in pairs', () => {
  const parts = pgTable('parts', { a: integer(), b: integer() }, (table) => [primaryKey({ columns: [table.a, table.b] })])
  const uses = pgTable('part_uses', { part_a: integer().notNull(), part_b: integer() }, (table) => [
    foreignKey({ columns: [table.part_a, table.part_b], foreignColumns: [parts.a, parts.b] }),
  ])
  const { relations } = derive([parts, uses])
  expect(drawn(relations.get('part_uses'))).toEqual(['part → parts(part_a,part_b=a,b)?'])
  expect(drawn(relations.get('parts'))).toEqual(['part_uses → part_uses(a,b=part_a,part_b)*'])
})

const notes = pgTable('notes', { id: serial().primaryKey(), tenant_id: integer().notNull() }, (table) => [
  unique().on(table.tenant_id, table.id),
])
const labels = pgTable('labels', { id: serial().primaryKey(), tenant_id: integer().notNull() }, (table) => [
  unique().on(table.tenant_id, table.id),
])
const pairing = { tenant_id: integer().notNull(), note_id: integer().notNull(), label_id: integer().notNull() }

/** An association table whose foreign keys share the column of the tenant. */
function noteLabels(isShort: boolean) {
  return pgTable('note_labels', pairing, (table) => [
    isShort
      ? primaryKey({ columns: [table.note_id, table.label_id] })
      : primaryKey({ columns: [table.tenant_id, table.note_id, table.label_id] }),
    foreignKey({ columns: [table.tenant_id, table.note_id], foreignColumns: [notes.tenant_id, notes.id] }),
    foreignKey({ columns: [table.tenant_id, table.label_id], foreignColumns: [labels.tenant_id, labels.id] }),
  ])
}

test.each([true, false])('keys that share a column, as of a tenant, make an association table (primary key without it: %s)', (isShort) => {
  const { relations, problems } = derive([notes, labels, noteLabels(isShort)])
  expect(problems).toEqual([])
  const way = 'note_labels.tenant_id,note_id,note_labels.tenant_id,label_id=tenant_id,id'
  expect(drawn(relations.get('notes'))).toContain(`labels → labels(tenant_id,id=${way})*`)
  expect(drawn(relations.get('note_labels'))).toEqual([
    'note → notes(tenant_id,note_id=tenant_id,id)',
    'label → labels(tenant_id,label_id=tenant_id,id)',
  ])
  const through = { through: noteLabels(isShort), from: 'note_id', to: 'label_id' }
  const named = derive([notes, labels, noteLabels(isShort)], new Map([['notes', { stickers: through }]]))
  expect(named.problems).toEqual([])
  expect(drawn(named.relations.get('notes'))).toContain(`stickers → labels(tenant_id,id=${way})*`)
})

test('a table that is unique over less than both keys is no association table', () => {
  const single = pgTable('note_labels', pairing, (table) => [
    primaryKey({ columns: [table.tenant_id, table.note_id] }),
    foreignKey({ columns: [table.tenant_id, table.note_id], foreignColumns: [notes.tenant_id, notes.id] }),
    foreignKey({ columns: [table.tenant_id, table.label_id], foreignColumns: [labels.tenant_id, labels.id] }),
  ])
  expect(drawn(derive([notes, labels, single]).relations.get('notes'))).toEqual([
    'note_label → note_labels(tenant_id,id=tenant_id,note_id)?',
  ])
})

test('a resource renames relations by foreign key and adds ways through association tables', () => {
  const options = new Map<string, RelationOptions>([
    ['users', { written: 'posts_author_id_users_id_fkey' }],
    ['posts', { writer: 'posts_author_id_users_id_fkey', labels: { through: post_tags, from: 'post_id', to: 'tag_id' } }],
  ])
  const { relations, problems } = derive([users, tags, posts, post_tags], options)
  expect(problems).toEqual([])
  expect(relations.get('users')?.map(({ name }) => name)).toEqual(['written', 'posts'])
  expect(relations.get('posts')?.map(({ name }) => name)).toEqual(['writer', 'labels', 'editor', 'post_tags'])
})

test('Drizzle relations give names, and a key that is NOT NULL stays so whatever they say', () => {
  const declared = defineRelations({ users, posts, tags, post_tags }, (r) => ({
    posts: {
      writer: r.one.users({ from: r.posts.author_id, to: r.users.id, alias: 'writer' }),
      labels: r.many.tags({ from: r.posts.id.through(r.post_tags.post_id), to: r.tags.id.through(r.post_tags.tag_id) }),
    },
    users: {
      texts: r.many.posts({ from: r.users.id, to: r.posts.author_id, alias: 'writer' }),
      published: r.many.posts({ from: r.users.id, to: r.posts.author_id, where: { editor_id: { isNotNull: true } } }),
    },
    tags: { texts: r.many.posts() },
  }))
  const { relations, problems } = derive([users, posts, tags, post_tags], new Map(), declared)
  expect(problems).toEqual([])
  expect(drawn(relations.get('posts')).slice(0, 2)).toEqual([
    'writer → users(author_id=id)',
    'labels → tags(id=post_tags.post_id,post_tags.tag_id=id)*',
  ])
  expect(drawn(relations.get('users'))).toEqual(['texts → posts(id=author_id)*', 'posts → posts(id=editor_id)*'])
  expect(drawn(relations.get('tags'))[0]).toBe('texts → posts(id=post_tags.tag_id,post_tags.post_id=id)*')
})

test('every clash and every wrong name is reported, with what to write instead', () => {
  const notes = pgTable('notes', {
    id: serial().primaryKey(),
    user: text(),
    user_user: text(),
    user_id: integer().references(() => users.id),
  })
  const options = new Map([['users', { a: 'notes_user_id_user_id_fkey', b: { through: posts, from: 'author_id', to: 'nothing' } }]])
  const { problems } = derive([users, posts, notes], options)
  expect(problems).toEqual([
    '"users", relation "a": there is no foreign key "notes_user_id_user_id_fkey" from or to "users". There is: notes_user_id_users_id_fkey.',
    '"users", relation "b": "posts" needs a foreign key on "author_id" to "users" and one on "nothing".',
    '"notes": the relation over "notes_user_id_users_id_fkey" cannot be named "user_user", which is a field. Name it in the resource: relations: { other_name: \'notes_user_id_users_id_fkey\' }.',
  ])
})

test('relations are frozen', () => {
  const { relations } = derive([users, posts])
  expect(Object.isFrozen(relations.get('posts')?.[0]?.from)).toBe(true)
  expect(() => (relations as Map<string, never[]>).set('x', [])).toThrow('cannot be changed')
})

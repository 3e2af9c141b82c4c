import { sql } from 'drizzle-orm'
import { boolean, integer, pgSchema, pgTable, pgView, primaryKey, serial, text, uuid } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { testDatabase } from '../../test/support/postgres.ts'
import { connect } from '../../test/support/migrations.ts'
import { versionOf } from '../../test/support/tracked.ts'
import { defineResource, type ResourceDefinition } from '../resource/define.ts'
import { anyone } from '../auth/policies.ts'
import { userColumns } from '../auth/tables/user-columns.ts'
import { softDelete } from '../model/columns.ts'
import { testApp } from '../testing/test-app.ts'
import { defineApp, type AppDefinition } from './define.ts'
import { trackingOf } from './tracking.ts'

const shop = pgSchema('shop')
const makers = pgTable('makers', { id: serial().primaryKey(), name: text().notNull() })
const items = shop.table('items', { id: serial().primaryKey(), name: text().notNull(), maker_id: integer().references(() => makers.id) })
const tags = pgTable('tags', { id: serial().primaryKey(), name: text().notNull() })
const itemTags = pgTable(
  'item_tags',
  { item_id: integer().references(() => items.id), tag_id: integer().references(() => tags.id) },
  (it) => [primaryKey({ columns: [it.item_id, it.tag_id] })],
)
const factories = pgTable('factories', { id: serial().primaryKey(), maker_id: integer().references(() => makers.id) })
const notes = pgTable('notes', { done: boolean() })
const names = pgView('names', { name: text() }).as(sql`select name from makers`)

const access = { read: anyone, write: anyone }
const models = { shop, makers, items, tags, itemTags, factories, notes, names }

function appWith(...resources: ResourceDefinition[]): AppDefinition {
  return defineApp({ name: 'tracked', models, resources })
}

const uncached = [makers, tags, factories].map((table) => defineResource(table, { access }))

test('an application without a cache needs nothing of its tables, also while its resources have mistakes', () => {
  expect(trackingOf(appWith(...uncached))).toEqual({ versioned: [], tracked: [], fenced: [] })
  expect(trackingOf(appWith(defineResource(items, { access, sort: 'nothing' })))).toEqual({ versioned: [], tracked: [], fenced: [] })
})

test('a closed resource of tenants needs a wall around its table, too', () => {
  const closed = defineResource(items, { tenant: 'maker_id', access: {} })
  expect(trackingOf(appWith(closed)).walled).toEqual({ 'shop.items': 'maker_id' })
})

test('a cached resource needs its own table, and those that its relations lead to, association tables on the way', () => {
  const cached = defineResource(items, { access, cache: '5m', include: { maxDepth: 1 } })
  expect(trackingOf(appWith(cached, ...uncached))).toEqual({
    versioned: ['shop.items'],
    tracked: ['public.item_tags', 'public.makers', 'public.tags', 'shop.items'],
    fenced: [],
  })
})

test('relations are followed as deep as they may be included', () => {
  const deep = defineResource(items, { access, cache: { ttl: '5m', mode: 'fenced' }, include: { maxDepth: 2 } })
  expect(trackingOf(appWith(deep, ...uncached))).toEqual({
    versioned: ['shop.items'],
    tracked: ['public.factories', 'public.item_tags', 'public.makers', 'public.tags', 'shop.items'],
    fenced: ['shop.items'],
  })
})

test('a table without a primary key has no versions of rows', () => {
  expect(trackingOf(appWith(defineResource(notes, { access, cache: '5m' })))).toEqual({
    versioned: [],
    tracked: ['public.notes'],
    fenced: [],
  })
})

test('who believes in memberships is told when they change; in tenants, when they are deleted softly', () => {
  const users = pgTable('users', { ...userColumns })
  const key = { id: uuid().primaryKey() }
  const [plain, soft] = [pgTable('organizations', key), pgTable('organizations', { ...key, ...softDelete })]
  const trackedWith = (table: typeof plain) => {
    const members = pgTable('members', { user_id: uuid().references(() => users.id), organization_id: uuid().references(() => table.id) })
    return trackingOf(defineApp({ name: 'tracked', models: { users }, resources: [], auth: { users, tenants: { table, members } } }))
      .tracked
  }
  expect(trackedWith(plain)).toEqual(['public.members', 'public.users'])
  expect(trackedWith(soft)).toEqual(['public.members', 'public.organizations', 'public.users'])
})

test('an application under test has what its cache needs', async () => {
  const cached = defineResource(items, { access, cache: '5m' })
  const own = await testApp(appWith(cached, ...uncached), { url: testDatabase().url })
  try {
    const client = await connect(own.url)
    const before = await versionOf(client, '"shop"."items"')
    expect(before).toEqual(expect.any(String))
    await own.post('/api/items', { name: 'Hammer' })
    expect(await versionOf(client, '"shop"."items"')).not.toBe(before)
    expect((await client.query('SELECT plinth_version FROM shop.items')).rows).toHaveLength(1)
    await client.end()
  } finally {
    await own.close()
  }
})

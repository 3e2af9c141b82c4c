import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { index, integer, pgEnum, pgSchema, pgTable, serial, text } from 'drizzle-orm/pg-core'
import type { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { connect, scratchFolder, scratchUrl } from '../../../test/support/migrations.ts'
import { testDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { versionOf } from '../../../test/support/tracked.ts'
import { check, drift } from './check.ts'
import { readMigrations, writeFolder } from './folder.ts'
import { planMigration, writeMigration, type MigrationPlan, type PlanOptions } from './plan.ts'
import { parseRename } from './renames.ts'
import { pgliteShadow, serverShadow } from './shadow.ts'
import { noTracking, type Tracking } from './tracking.ts'
import { downgrade, upgrade } from './upgrade.ts'

const items = pgTable('items', { id: serial().primaryKey(), name: text().notNull() })
const shop = pgSchema('shop')
const orders = shop.table('orders', { id: serial().primaryKey(), item_id: integer().references(() => items.id, { onDelete: 'cascade' }) })
const models = { items, orders }
const cached: Tracking = { versioned: ['public.items'], tracked: ['public.items', 'shop.orders'], fenced: ['public.items'] }

function plan(directory: string, options: Omit<PlanOptions, 'directory'>): Promise<MigrationPlan> {
  return planMigration({ directory, shadow: serverShadow(testDatabase().url), ...options })
}

async function migrate(directory: string, options: Omit<PlanOptions, 'directory'>): Promise<string[]> {
  const planned = await plan(directory, options)
  if (planned.kind !== 'migration') throw new Error(`Planned ${JSON.stringify(planned)}`)
  return writeMigration(directory, 'step', planned)
}

function read(directory: string, file: string): Promise<string> {
  return readFile(join(directory, file), 'utf8')
}

/** Triggers of ours and version columns, as `items.plinth_track A`. */
/** On tables of the application; the schema plinth has some of its own. */
async function tracks(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ track: string }>(`
    SELECT concat(tgrelid::regclass, '.', tgname, ' ', tgenabled) AS track FROM pg_trigger
      WHERE tgname ~ '^plinth_(stamp|track|guard)' AND tgrelid::regclass::text !~ '^plinth\\.'
    UNION ALL SELECT concat(attrelid::regclass, '.', attname) FROM pg_attribute WHERE attname = 'plinth_version' ORDER BY 1`)
  return rows.map(({ track }) => track)
}

const whole = ['items.plinth_guard A', 'items.plinth_stamp A', 'items.plinth_track A', 'items.plinth_version', 'shop.orders.plinth_track A']

describe.each(testDatabases())('on $name', ({ url: server }) => {
  test('what the cache needs comes with a migration, goes with its way down, and comes again', async () => {
    const client = await connect(await scratchUrl(server))
    const directory = await scratchFolder()
    await migrate(directory, { models })
    await migrate(directory, { models, tracking: cached })
    await upgrade(client, directory)
    await client.query(`INSERT INTO items (name) VALUES ('x')`)
    expect(await tracks(client)).toEqual(whole)
    await downgrade(client, directory)
    expect(await tracks(client)).toEqual([])
    await upgrade(client, directory)
    expect(await tracks(client)).toEqual(whole)
    expect(await drift(client, directory, serverShadow(server))).toEqual({ kind: 'compared', differences: [] })
  })

  test('every file that is applied ends with another version, also outside of a transaction, and on the way down', async () => {
    const client = await connect(await scratchUrl(server))
    const directory = await scratchFolder()
    await migrate(directory, { models, tracking: cached })
    await upgrade(client, directory)
    await writeNext(directory, '0002_view', 'CREATE VIEW v AS SELECT 1', 'DROP VIEW v')
    await writeNext(directory, '0003_index', '-- plinth: no-transaction\nCREATE INDEX CONCURRENTLY by_name ON items (name)', '-- nothing')
    const seen = [await versionOf(client, 'shop.orders')]
    for (const step of [upgrade, upgrade, downgrade, downgrade]) {
      expect(await step(client, directory, { steps: 1 })).toHaveLength(1)
      seen.push(await versionOf(client, 'shop.orders'))
    }
    expect(seen).not.toContain(null)
    expect(new Set(seen).size).toBe(5)
  })

  test('a file outside of a transaction that fails has changed the version for what it did before', async () => {
    const client = await connect(await scratchUrl(server))
    const directory = await scratchFolder()
    await migrate(directory, { models, tracking: cached })
    await upgrade(client, directory)
    await writeNext(directory, '0002_half', '-- plinth: no-transaction\nCREATE VIEW v AS SELECT 1;\nSELECT 1 / 0', '')
    const before = await versionOf(client, 'shop.orders')
    await expect(upgrade(client, directory)).rejects.toMatchObject({ code: 'MIGRATE_STATEMENT_FAILED' })
    expect(await versionOf(client, 'shop.orders')).not.toBe(before)
  })
})

/** A migration written by hand behind the last one, with what the cache has kept. */
async function writeNext(directory: string, revision: string, up: string, down: string): Promise<void> {
  const last = (await readMigrations(directory)).at(-1)
  if (last === undefined) throw new Error('There is no migration to follow.')
  await writeFolder(directory, revision, { up, down, snapshot: { ...last.snapshot, id: crypto.randomUUID(), prevIds: [last.snapshot.id] } })
}

test('the trial in memory knows the schema plinth, too', async () => {
  const directory = await scratchFolder()
  expect((await plan(directory, { models, tracking: cached, shadow: pgliteShadow })).kind).toBe('migration')
})

test('the files say what they do, and the snapshot keeps it', async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models })
  await migrate(directory, { models, tracking: { versioned: ['public.items'], tracked: ['public.items'], fenced: [] } })
  expect(await read(directory, '0002_step/up.sql')).toBe(`-- Up: made by "plinth db migrate". Change it as you like until it is applied.
-- NOTE: the cache follows "items": every transaction that writes to it adds a row to plinth.versions.

ALTER TABLE "items" ADD COLUMN IF NOT EXISTS "plinth_version" xid8 DEFAULT pg_current_xact_id() NOT NULL;

CREATE OR REPLACE TRIGGER "plinth_stamp" BEFORE INSERT OR UPDATE ON "items" FOR EACH ROW EXECUTE FUNCTION plinth.stamp();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_stamp";

CREATE OR REPLACE TRIGGER "plinth_track" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "items" FOR EACH STATEMENT EXECUTE FUNCTION plinth.track();

ALTER TABLE "items" ENABLE ALWAYS TRIGGER "plinth_track";
`)
  expect(await read(directory, '0002_step/down.sql')).toBe(`-- Down: takes up.sql back.

DROP TRIGGER "plinth_track" ON "items";

DROP TRIGGER "plinth_stamp" ON "items";

ALTER TABLE "items" DROP COLUMN "plinth_version";
`)
  const { plinth } = JSON.parse(await read(directory, '0002_step/snapshot.json')) as { plinth: Tracking }
  expect(plinth).toEqual({ versioned: ['public.items'], tracked: ['public.items'], fenced: [] })
  expect(JSON.parse(await read(directory, '0001_step/snapshot.json'))).not.toHaveProperty('plinth')
})

test('nothing is left to do afterwards; a cache that is switched off is a migration, and no loss', async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models, tracking: cached })
  expect((await plan(directory, { models, tracking: cached })).kind).toBe('none')
  expect(await check(models, directory, cached)).toEqual([])
  expect(await check(models, directory, { ...cached, fenced: [] })).toEqual(['table "items" no longer has a guard of the fenced cache'])
  const off = await plan(directory, { models, tracking: noTracking })
  expect(off).toMatchObject({ kind: 'migration', losses: [] })
  expect(off.kind === 'migration' && off.parts[0]?.upSql).not.toContain('WARNING')
})

test('check tells what is missing', async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models })
  expect(await check(models, directory, cached)).toEqual([
    'table "items" gets versions of rows for the cache',
    'table "items" gets a version for the cache',
    'table "shop.orders" gets a version for the cache',
    'table "items" gets a guard of the fenced cache',
  ])
})

test('a table that is renamed keeps what it has, and may get or lose something on the way', async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models, tracking: cached })
  const goods = pgTable('goods', { id: serial().primaryKey(), name: text().notNull() })
  const bought = shop.table('orders', { id: serial().primaryKey(), item_id: integer().references(() => goods.id, { onDelete: 'cascade' }) })
  const answer = parseRename('items:goods', 'table')
  const renames = answer === undefined ? [] : [answer]
  const same = await plan(directory, {
    models: { goods, bought },
    renames,
    tracking: { versioned: ['public.goods'], tracked: ['public.goods', 'shop.orders'], fenced: ['public.goods'] },
  })
  expect(same.kind === 'migration' && same.parts.flatMap(({ up, down }) => [...up, ...down]).join()).not.toMatch(/plinth_/)
  const less = await plan(directory, {
    models: { goods, bought },
    renames,
    tracking: { versioned: [], tracked: ['public.goods'], fenced: [] },
  })
  expect(less.kind === 'migration' && less.parts[0]?.up.slice(0, 1)).toEqual([
    expect.stringMatching(/^DROP TRIGGER "plinth_\w+" ON "items";$/),
  ])
  expect(less.kind === 'migration' && less.parts[0]?.down.at(-1)).toMatch(/ON "items"|"items" ENABLE/)
})

test('a new cached table, one that goes, changed enums and indexes that are built late pass the trial together', async () => {
  const mood = pgEnum('mood', ['sad', 'ok'])
  const people = pgTable('people', { id: serial().primaryKey(), mood: mood().default('ok') })
  const gone = pgTable('gone', { id: serial().primaryKey() })
  const directory = await scratchFolder()
  await migrate(directory, {
    models: { mood, people, gone },
    tracking: { versioned: ['public.people', 'public.gone'], tracked: ['public.people', 'public.gone'], fenced: [] },
  })
  const moods = pgEnum('mood', ['sad', 'ok', 'glad'])
  const later = pgTable('people', { id: serial().primaryKey(), mood: moods().default('glad'), note: text() }, (it) => [
    index('by_note').on(it.note).concurrently(),
  ])
  const fresh = pgTable('fresh', { id: serial().primaryKey() })
  const planned = await plan(directory, {
    models: { moods, later, fresh },
    noRename: true,
    acceptLoss: ['gone'],
    tracking: { versioned: ['public.fresh'], tracked: ['public.people', 'public.fresh'], fenced: ['public.fresh'] },
  })
  expect(planned.kind === 'migration' && planned.parts.map(({ suffix }) => suffix)).toEqual(['values', '', 'indexes'])
})

test('a cache that comes with an index which is built late gets a file of its own, because only the index may be outside a transaction', async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models: { items } })
  const indexed = pgTable('items', { id: serial().primaryKey(), name: text().notNull() }, (it) => [
    index('by_name').on(it.name).concurrently(),
  ])
  const planned = await plan(directory, { models: { indexed }, tracking: { ...cached, tracked: ['public.items'] } })
  expect(planned.kind === 'migration' && planned.parts.map(({ suffix }) => suffix)).toEqual(['', 'indexes'])
  expect(planned.kind === 'migration' && planned.parts[1]?.upSql).not.toContain('plinth_')
})

test('a view and an unknown table are left out', async () => {
  const directory = await scratchFolder()
  expect((await plan(directory, { models, tracking: { versioned: [], tracked: ['public.nowhere'], fenced: [] } })).kind).toBe('migration')
  await migrate(directory, { models, tracking: { versioned: [], tracked: ['public.nowhere'], fenced: [] } })
  expect(JSON.parse(await read(directory, '0001_step/snapshot.json'))).not.toHaveProperty('plinth')
})

test('drift tells a trigger that is gone, off or not always on, and a column that is gone', { timeout: 60_000 }, async () => {
  const url = await scratchUrl(testDatabase().url)
  const client = await connect(url)
  const directory = await scratchFolder()
  await migrate(directory, { models, tracking: { ...cached, fenced: [] } })
  await upgrade(client, directory)
  const differences = async (): Promise<readonly string[]> => {
    const found = await drift(client, directory, serverShadow(url))
    return found.kind === 'compared' ? found.differences : ['unknown']
  }
  expect(await differences()).toEqual([])
  await client.query(`ALTER TABLE items DISABLE TRIGGER plinth_track; ALTER TABLE shop.orders ENABLE TRIGGER plinth_track`)
  expect(await differences()).toEqual([
    expect.stringContaining('trigger public.items.plinth_track is'),
    expect.stringContaining('trigger shop.orders.plinth_track is'),
  ])
  await client.query(`DROP TRIGGER plinth_track ON items; DROP TRIGGER plinth_stamp ON items; ALTER TABLE items DROP COLUMN plinth_version`)
  expect(await differences()).toEqual([
    'column public.items.plinth_version is missing (xid8 NOT NULL DEFAULT pg_current_xact_id())',
    expect.stringContaining('trigger public.items.plinth_stamp is missing'),
    expect.stringContaining('trigger public.items.plinth_track is missing'),
    expect.stringContaining('trigger shop.orders.plinth_track is'),
  ])
})

test('a merge of two branches keeps what both say', async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models })
  const base = (await readMigrations(directory)).at(-1)
  await migrate(directory, { models, tracking: cached })
  if (base !== undefined)
    await writeFolder(directory, '0003_other', {
      up: '-- nothing',
      down: '-- nothing',
      snapshot: { ...base.snapshot, id: crypto.randomUUID(), prevIds: [base.snapshot.id] },
    })
  await migrate(directory, { models, tracking: cached })
  expect(JSON.parse(await read(directory, '0004_step/snapshot.json'))).toMatchObject({ plinth: cached })
})

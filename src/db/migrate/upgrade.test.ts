import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pgSchema, pgTable, serial, text } from 'drizzle-orm/pg-core'
import type { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { testDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { readCatalog } from './catalog.ts'
import { drift } from './check.ts'
import { readMigrations } from './folder.ts'
import { readLedger } from './ledger.ts'
import { planMigration, writeMigration } from './plan.ts'
import { reset } from './reset.ts'
import { connect, editFile, scratchFolder, scratchUrl, writeSql } from '../../../test/support/migrations.ts'
import { serverShadow } from './shadow.ts'
import { stamp } from './stamp.ts'
import { history, status } from './status.ts'
import { downgrade, findMigration, upgrade } from './upgrade.ts'

const three = {
  '0001_a': { up: 'CREATE TABLE a (id int)', down: '-- WARNING: drops a.\nDROP TABLE a' },
  '0002_b': { up: 'CREATE TABLE b (id int)', down: 'DROP TABLE b' },
  '0003_add_c': { up: '-- WARNING: example.\nCREATE TABLE c (id int); CREATE TABLE d (id int)', down: 'DROP TABLE d; DROP TABLE c' },
}

async function prepared(
  migrations: Parameters<typeof writeSql>[1] = three,
  serverUrl = testDatabase().url,
): Promise<{ client: Client; directory: string; url: string }> {
  const url = await scratchUrl(serverUrl)
  const directory = await scratchFolder()
  await writeSql(directory, migrations)
  return { client: await connect(url), directory, url }
}

async function applied(client: Client): Promise<string[]> {
  return [...(await readLedger(client)).keys()].toSorted()
}

describe.each(testDatabases())('on $name', ({ url: serverUrl }) => {
  test('up to a migration, by steps, and to the end', async () => {
    const { client, directory } = await prepared(three, serverUrl)
    expect(await upgrade(client, directory, { to: '2' })).toEqual(['0001_a', '0002_b'])
    expect(await upgrade(client, directory, { steps: 1 })).toEqual(['0003_add_c'])
    expect(await upgrade(client, directory)).toEqual([])
  })

  test('down one, down to a migration, down to base', async () => {
    const { client, directory } = await prepared(three, serverUrl)
    await upgrade(client, directory)
    expect(await downgrade(client, directory)).toEqual(['0003_add_c'])
    await upgrade(client, directory)
    expect(await downgrade(client, directory, { to: '0001' })).toEqual(['0003_add_c', '0002_b'])
    await expect(downgrade(client, directory, { to: '3' })).rejects.toMatchObject({ code: 'MIGRATE_NOT_APPLIED' })
    expect(await downgrade(client, directory, { to: 'base' })).toEqual(['0001_a'])
    expect(await applied(client)).toEqual([])
  })

  test('the record keeps hashes, time and duration', async () => {
    const { client, directory } = await prepared({ '0001_slow': { up: 'SELECT pg_sleep(0.05)' } }, serverUrl)
    await upgrade(client, directory)
    const [row] = (await readLedger(client)).values()
    expect(row).toMatchObject({ upHash: expect.stringMatching(/^[0-9a-f]{64}$/), appliedAt: expect.any(Date) })
    expect(row?.durationMs).toBeGreaterThanOrEqual(50)
  })

  test('reset drops everything but extensions and applies all migrations again', async () => {
    const { client, directory } = await prepared(three, serverUrl)
    await upgrade(client, directory)
    await client.query('CREATE EXTENSION plpgsql').catch(() => undefined) // there already
    await client.query(
      `CREATE TYPE color AS ENUM ('red'); CREATE TABLE stray (c color); CREATE VIEW v AS SELECT * FROM stray; CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE DOMAIN dom AS int`,
    )
    expect(await reset(client, directory, { isProduction: false })).toEqual(['0001_a', '0002_b', '0003_add_c'])
    const objects = [...(await readCatalog(client)).keys()].filter((object) => object.startsWith('table') || object.startsWith('function'))
    expect(objects.toSorted()).toEqual(['table public.a', 'table public.b', 'table public.c', 'table public.d'])
  })
})

test('reset is refused in production unless it is forced', async () => {
  const { client, directory } = await prepared()
  await expect(reset(client, directory, { isProduction: true })).rejects.toMatchObject({ code: 'MIGRATE_RESET_REFUSED' })
  expect(await reset(client, directory, { isProduction: true, force: true })).toHaveLength(3)
})

test('status tells applied, edited, pending and missing migrations without writing anything', async () => {
  const { client, directory } = await prepared()
  expect(await status(client, directory)).toMatchObject({ current: undefined, pending: 3, blocked: false })
  expect((await client.query(`SELECT to_regclass('plinth_migrations') AS it`)).rows).toEqual([{ it: null }])
  await upgrade(client, directory, { to: '0002' })
  expect(await status(client, directory)).toMatchObject({ current: '0002_b', pending: 1, blocked: false })
  await editFile(directory, '0001_a/down.sql', 'DROP TABLE IF EXISTS a')
  await rm(join(directory, '0002_b'), { recursive: true })
  const now = await status(client, directory)
  expect(now.migrations.map(({ revision, state, edited }) => [revision, state, ...edited])).toEqual([
    ['0002_b', 'missing'],
    ['0001_a', 'edited', 'down.sql'],
    ['0003_add_c', 'pending'],
  ])
  expect(now.blocked).toBe(true)
})

test('history tells what each migration is, without a database', async () => {
  const { directory } = await prepared()
  expect(await history(directory)).toMatchObject([
    { revision: '0001_a', message: 'a', statements: 1, losesData: false, parents: [], isHead: false },
    { revision: '0002_b', parents: ['0001_a'] },
    { revision: '0003_add_c', message: 'add c', statements: 2, losesData: true, transaction: true, isHead: true },
  ])
})

test('an applied migration whose folder is gone is refused', async () => {
  const { client, directory } = await prepared()
  await upgrade(client, directory)
  await rm(join(directory, '0003_add_c'), { recursive: true })
  await expect(upgrade(client, directory)).rejects.toMatchObject({
    code: 'MIGRATE_FILE_MISSING',
    message: expect.stringContaining('0003_add_c'),
  })
})

test('a changed down.sql stops a downgrade, not an upgrade', async () => {
  const { client, directory } = await prepared()
  await upgrade(client, directory, { steps: 2 })
  await editFile(directory, '0002_b/down.sql', 'DROP TABLE IF EXISTS b')
  expect(await upgrade(client, directory)).toEqual(['0003_add_c'])
  await expect(downgrade(client, directory)).rejects.toMatchObject({ code: 'MIGRATE_EDITED' })
})

test('stamp records files as they are, runs nothing, and forgets what is beyond', async () => {
  const { client, directory } = await prepared()
  expect(await stamp(client, directory, 'head')).toEqual(['0001_a', '0002_b', '0003_add_c'])
  expect((await client.query(`SELECT to_regclass('a') AS it`)).rows).toEqual([{ it: null }])
  await editFile(directory, '0001_a/up.sql', 'CREATE TABLE a (id bigint)')
  await expect(upgrade(client, directory)).rejects.toMatchObject({ code: 'MIGRATE_EDITED' })
  await stamp(client, directory, '0002_b')
  expect(await applied(client)).toEqual(['0001_a', '0002_b'])
  expect(await upgrade(client, directory)).toEqual(['0003_add_c'])
  expect(await stamp(client, directory, 'base')).toEqual([])
})

test('a file that ends its own transaction is refused before anything runs', async () => {
  const { client, directory } = await prepared({ '0001_a': { up: 'CREATE TABLE a (id int);\nCOMMIT;\nCREATE TABLE b (id int)' } })
  await expect(upgrade(client, directory)).rejects.toMatchObject({
    code: 'MIGRATE_TRANSACTION_CONTROL',
    message: expect.stringContaining('statement 2'),
  })
  expect((await client.query(`SELECT to_regclass('a') AS it`)).rows).toEqual([{ it: null }])
})

test('a statement that cannot run in a transaction says where it belongs', async () => {
  const { client, directory } = await prepared({ '0001_a': { up: 'CREATE TABLE a (id int); CREATE INDEX CONCURRENTLY i ON a (id)' } })
  await expect(upgrade(client, directory)).rejects.toMatchObject({ hint: expect.stringContaining('-- plinth: no-transaction') })
})

test('a statement outside a transaction is bound by lock_timeout too, unless it is CONCURRENTLY', async () => {
  const { client, directory, url } = await prepared({
    '0001_a': { up: 'CREATE TABLE a (id int)' },
    '0002_b': { up: '-- plinth: no-transaction\nALTER TABLE a ADD COLUMN b int' },
  })
  await upgrade(client, directory, { steps: 1 })
  const hog = await connect(url)
  await hog.query('BEGIN; SELECT * FROM a')
  await expect(upgrade(client, directory, { lockTimeoutMs: 50 })).rejects.toMatchObject({
    message: expect.stringContaining('lock timeout'),
  })
  await editFile(directory, '0002_b/up.sql', '-- plinth: no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id)')
  const building = upgrade(client, directory, { lockTimeoutMs: 50 })
  await sleep(300)
  await hog.query('COMMIT')
  expect(await building).toEqual(['0002_b'])
})

test('settings that a file changes do not reach the next file', async () => {
  const { client, directory } = await prepared({
    '0001_a': { up: `SET search_path = 'pg_catalog'` },
    '0002_b': { up: 'CREATE TABLE b (id int)' },
  })
  await upgrade(client, directory)
  expect((await readCatalog(client)).has('table public.b')).toBe(true)
})

test('files before a failing one stay applied', async () => {
  const { client, directory } = await prepared({ ...three, '0002_b': { up: 'broken' } })
  await expect(upgrade(client, directory)).rejects.toMatchObject({
    message: expect.stringContaining('0002_b/up.sql, statement 1: syntax error'),
  })
  expect(await applied(client)).toEqual(['0001_a'])
})

test('a migration is found by name, beginning or number, and a mistyped one gets a suggestion', async () => {
  const { directory } = await prepared()
  const migrations = await readMigrations(directory)
  expect(['0002_b', '0002', '2'].map((wanted) => findMigration(migrations, wanted).revision)).toEqual(['0002_b', '0002_b', '0002_b'])
  expect(() => findMigration(migrations, '0003_ad_c')).toThrow('There is no migration "0003_ad_c".')
  expect(() => findMigration(migrations, '000')).toThrow(expect.objectContaining({ code: 'MIGRATE_UNKNOWN_REVISION' }))
})

test.each([
  ['a wrong name', 'first', {}, 'its name is not NNNN_message'],
  ['a missing file', '0001_a', { 'up.sql': '', 'snapshot.json': '{}' }, 'down.sql is missing'],
  ['a snapshot that is not JSON', '0001_a', { 'up.sql': '', 'down.sql': '', 'snapshot.json': '<<<<<<<' }, 'snapshot.json is not JSON'],
])('a folder with %s is refused by name', async (_, name, files, problem) => {
  const directory = await scratchFolder()
  const { mkdir } = await import('node:fs/promises')
  await mkdir(join(directory, name))
  for (const [file, text] of Object.entries(files)) await editFile(directory, `${name}/${file}`, text)
  await expect(readMigrations(directory)).rejects.toMatchObject({
    code: 'MIGRATE_BROKEN_FOLDER',
    message: `The migration "${name}" is not usable: ${problem}`,
  })
})

test('drift tells what somebody changed by hand, and nothing else, also across PostgreSQL versions', { timeout: 60_000 }, async () => {
  const { client, directory, url } = await prepared({})
  const shop = pgSchema('shop')
  const posts = pgTable('posts', { id: serial().primaryKey(), title: text().notNull().unique() })
  const orders = shop.table('orders', { id: serial().primaryKey() })
  const plan = await planMigration({ models: { posts, orders }, directory, shadow: serverShadow(url) })
  if (plan.kind === 'migration') await writeMigration(directory, 'start', plan)
  await upgrade(client, directory)
  await client.query(`CREATE VIEW kept_out AS SELECT 1; DROP VIEW kept_out; CREATE SCHEMA foreign_one; CREATE TABLE foreign_one.t (id int)`)
  expect(await drift(client, directory)).toEqual({ kind: 'compared', differences: [] })
  await client.query('ALTER TABLE posts ALTER COLUMN title DROP NOT NULL; CREATE INDEX hand ON shop.orders (id)')
  expect(await drift(client, directory, serverShadow(url))).toEqual({
    kind: 'compared',
    differences: [
      'column public.posts.title is text, expected text NOT NULL',
      'index shop.hand should not be there (CREATE INDEX hand ON shop.orders USING btree (id))',
    ],
  })
})

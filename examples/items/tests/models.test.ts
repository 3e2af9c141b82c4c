import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import { plinth } from '../../../test/support/cli.ts'
import { scratchDatabase } from '../../../test/support/postgres.ts'
import definition from '../api/app.ts'

const cwd = join(import.meta.dirname, '..')

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition)
})
afterAll(() => app.close())

test('the table has the columns of the model', async () => {
  const columns = await app.app.db.query(
    `select column_name as name, data_type as type, character_maximum_length as length, is_nullable = 'YES' as nullable
     from information_schema.columns where table_name = 'items' order by ordinal_position`,
  )
  expect(columns).toEqual([
    { name: 'id', type: 'integer', length: null, nullable: false },
    { name: 'name', type: 'character varying', length: 100, nullable: false },
    { name: 'description', type: 'text', length: null, nullable: true },
    { name: 'created_at', type: 'timestamp with time zone', length: null, nullable: false },
    { name: 'updated_at', type: 'timestamp with time zone', length: null, nullable: false },
    // Of the cache; no reply has it.
    { name: 'plinth_version', type: 'xid8', length: null, nullable: false },
  ])
})

test('a change moves updated_at and leaves created_at', async () => {
  const { body: created } = await app.post('/api/items', { name: 'Level' })
  await sleep(2)
  const { body: changed } = await app.patch(`/api/items/${created.id}`, { name: 'Spirit level' })
  expect(changed.created_at).toBe(created.created_at)
  expect(Date.parse(changed.updated_at)).toBeGreaterThan(Date.parse(created.updated_at))
})

test('the migrations make what the models say', async () => {
  expect(await plinth(['db', 'migrate', '--check'], { cwd })).toMatchObject({ code: 0, stdout: 'Models and migrations agree.\n' })
})

test('migrations and seed fill an empty database, may run again, and can be taken back', async () => {
  const scratch = await scratchDatabase()
  onTestFinished(() => scratch.drop())
  const db = async (...args: string[]) =>
    (await plinth(['db', ...args], { cwd, env: { DATABASE_URL: scratch.url, LOG_LEVEL: 'silent' } })).stdout
  expect(await db('upgrade')).toMatch(/^applied +0001_create_items +\d+ ms\napplied +0002_cache_items +\d+ ms\n$/)
  expect(await db('upgrade')).toBe('The database is up to date.\n')
  expect(await db('seed')).toBe('Seeded.\n')
  expect(await db('downgrade', 'base')).toMatch(/^taken back +0002_cache_items .*\ntaken back +0001_create_items /)
})

test('the seed loads its samples into an empty table, and nothing into another', async () => {
  const report = { progress: () => {} }
  const seeded = await testApp(definition)
  onTestFinished(() => seeded.close())
  await definition.options.seed?.(seeded.app, report)
  await definition.options.seed?.(seeded.app, report)
  expect((await seeded.get('/api/items?fields=name')).body).toEqual([{ name: 'Hammer' }, { name: 'Screwdriver' }, { name: 'Spirit level' }])
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { plinth, temporaryApp, type Finished } from '../../test/support/cli.ts'
import { scratchDatabase, type ScratchDatabase } from '../../test/support/postgres.ts'

// One application and one database, through the life of both: each test goes on where the one before has stopped.

const app = temporaryApp()
let database: ScratchDatabase

beforeAll(async () => {
  database = await scratchDatabase()
})
afterAll(async () => {
  app.remove()
  await database.drop()
})

function db(...args: string[]): Promise<Finished> {
  return plinth(['db', ...args], { cwd: app.root, env: { DATABASE_URL: database.url } })
}

async function json(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await db(...args, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

function lines({ stdout }: Finished): string[] {
  return stdout.trimEnd().split('\n')
}

const milliseconds = expect.stringMatching(/^(applied|taken back) {2}0001_create_items {2}\d+ ms$/)

test('a seed before its table: the table is named', async () => {
  const { code, stderr } = await db('seed')
  expect(code).toBe(1)
  expect(stderr).toMatch(/items/)
})

test('status lists what is pending and the command that applies it', async () => {
  expect(lines(await db('status'))).toEqual([
    'MIGRATION          STATE    APPLIED',
    '0001_create_items  pending',
    '1 pending. Apply: plinth db upgrade',
  ])
})

test('upgrade prints each migration with its time, and says when there is nothing to do', async () => {
  expect(lines(await db('upgrade'))).toEqual([milliseconds])
  expect(lines(await db('upgrade'))).toEqual(['The database is up to date.'])
  expect(await json('upgrade')).toEqual({ revisions: [] })
})

test('status --drift --json tells scripts where the database stands', async () => {
  expect(await json('status', '--drift')).toMatchObject({
    current: '0001_create_items',
    pending: 0,
    blocked: false,
    migrations: [{ revision: '0001_create_items', state: 'applied' }],
    drift: { kind: 'compared', differences: [] },
  })
})

test('history needs no database', async () => {
  const offline = { cwd: app.root, env: { DATABASE_URL: 'postgres://127.0.0.1:1/none' } }
  expect(lines(await plinth(['db', 'history'], offline))).toEqual([
    'MIGRATION          STATEMENTS  NOTES',
    '0001_create_items  1           head',
  ])
  expect(JSON.parse((await plinth(['db', 'history', '--json'], offline)).stdout)).toMatchObject([
    { revision: '0001_create_items', isHead: true },
  ])
})

test('seed loads the first rows; twice is once', async () => {
  expect(lines(await db('seed'))).toEqual(['Seeded.'])
  expect(await json('seed')).toEqual({ seeded: true })
})

test('a failing migration ends with 1, names file, statement and line, and is not applied; those before it stay', async () => {
  const empty = await json('migrate', '--empty', '-m', 'Fill in!')
  expect(empty).toEqual({ revisions: ['0002_fill_in'], warnings: [] })
  app.write('migrations/0002_fill_in/up.sql', 'create table fine (id int);\ninsert into nowhere values (1);\n')
  const { code, stdout, stderr } = await db('upgrade')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe('0002_fill_in/up.sql, statement 2: relation "nowhere" does not exist\n  insert into nowhere values (1)\n')
  expect(await json('status')).toMatchObject({ current: '0001_create_items', pending: 1 })
})

test('stamp records without running, and takes the record back', async () => {
  expect(lines(await db('stamp', 'head'))).toEqual(['Recorded as applied: 0001_create_items, 0002_fill_in.'])
  expect(await json('stamp', '1')).toEqual({ revisions: ['0001_create_items'] })
  const unknown = await db('stamp', '0001_create_itms')
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('Perhaps you meant "0001_create_items".') })
})

test('downgrade takes one back, and says when there is none', async () => {
  expect(lines(await db('downgrade'))).toEqual([milliseconds])
  expect(lines(await db('downgrade', 'base'))).toEqual(['There was nothing to take back.'])
})

test('reset without a terminal wants --yes; then everything is new, and the seed is in', async () => {
  expect(await db('reset')).toEqual({ code: 2, stdout: '', stderr: 'This drops everything. Without a terminal to ask on, say --yes.\n' })
  app.write('migrations/0002_fill_in/up.sql', 'create table fine (id int);\n')
  expect(await json('reset', '--yes')).toEqual({ revisions: ['0001_create_items', '0002_fill_in'], seeded: true })
})

test('reset in production wants --force', async () => {
  const secrets = { SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7', JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8' }
  const env = { DATABASE_URL: database.url, APP_ENV: 'production', LOG_DIR: 'none', ...secrets }
  const { code, stderr } = await plinth(['db', 'reset', '--yes'], { cwd: app.root, env })
  expect(code).toBe(1)
  expect(stderr).toContain('--force')
})

test('a migration that was changed after it was applied blocks, and status ends with 1', async () => {
  app.write('migrations/0002_fill_in/up.sql', 'create table other (id int);\n')
  const { code, stdout } = await db('status')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^0002_fill_in +edited: up\.sql/m)
  expect(stdout).toMatch(/^plinth db upgrade refuses to run/m)
})

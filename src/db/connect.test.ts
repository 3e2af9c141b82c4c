import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase, openDatabase } from '../../test/support/database.ts'
import { scratchDatabase, testDatabase } from '../../test/support/postgres.ts'

const { url } = testDatabase()

async function settings(databaseUrl: string, ...names: string[]): Promise<Record<string, string>> {
  const db = await openDatabase(databaseUrl)
  const rows = await db.query<{ name: string; setting: string }>(
    'select name, current_setting(name) as setting from unnest($1::text[]) name',
    [names],
  )
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}

test('the time-outs of the configuration are the session’s, and the application is named', async () => {
  expect(await settings(url, 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'application_name')).toEqual({
    statement_timeout: '5s',
    lock_timeout: '2s',
    idle_in_transaction_session_timeout: '10s',
    application_name: 'plinth',
  })
})

test('options and an application name in the URL are kept, but cannot take away the formats that rows depend on', async () => {
  const options = encodeURIComponent('-c search_path=elsewhere -c timezone=Asia/Tokyo')
  expect(await settings(`${url}?options=${options}&application_name=shop`, 'search_path', 'timezone', 'application_name')).toEqual({
    search_path: 'elsewhere',
    timezone: 'UTC',
    application_name: 'shop',
  })
})

test('a role called plinth makes its tables in the schema public, not among those of the framework, unless the URL says otherwise', async () => {
  const scratch = await scratchDatabase(url)
  onTestFinished(() => scratch.drop())
  const owner = await openDatabase(scratch.url)
  await owner.query(`create role plinth login superuser password 'secret'`)
  onTestFinished(async () => void (await owner.query('drop owned by plinth; drop role plinth')))
  await owner.query('create schema plinth')
  const asPlinth = new URL(scratch.url)
  Object.assign(asPlinth, { username: 'plinth', password: 'secret' })
  const db = await openDatabase(asPlinth.href)
  await db.query('create table items (id integer); create table plinth.items (note text)')
  expect(await db.query(`select 'items'::regclass = 'public.items'::regclass as same`)).toEqual([{ same: true }])
  const read = await db.read({ text: 'select id from items', values: [] })
  expect(read.count).toBe(0)
  expect(await settings(`${asPlinth.href}?options=${encodeURIComponent('-c search_path=elsewhere')}`, 'search_path')).toEqual({
    search_path: 'elsewhere',
  })
})

test('sslmode=require on a server without TLS is refused, not quietly ignored', async () => {
  const db = await openDatabase(`${url}?sslmode=require`)
  await expect(db.query('select 1')).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
  await expect(db.read({ text: 'select 1', values: [] })).rejects.toMatchObject({ status: 503 })
})

test('sslmode=disable connects in the clear', async () => {
  const db = await openDatabase(`${url}?sslmode=disable`)
  expect(await db.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).toEqual([{ ssl: false }])
})

test('an idle transaction is ended by the server, and its connection is not used again', async () => {
  const db = await freshDatabase(url, '', { poolSize: 1, idleInTransactionTimeoutMs: 100 })
  const run = db.transaction(async () => {
    await db.query('select 1')
    await new Promise((resolve) => setTimeout(resolve, 400))
    await db.query('select 1')
  })
  await expect(run).rejects.toMatchObject({ status: 503 })
  await expect(db.query('select 1')).resolves.toHaveLength(1)
})

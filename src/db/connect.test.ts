import { expect, test } from 'vitest'
import { freshDatabase, openDatabase } from '../../test/support/database.ts'
import { testDatabase } from '../../test/support/postgres.ts'

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

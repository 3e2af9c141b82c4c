import type { Client } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, scratchFolder, scratchUrl, writeSql } from '../../../test/support/migrations.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { trackTables } from '../../../test/support/tracked.ts'
import { upgrade } from '../migrate/upgrade.ts'

const tables = `
CREATE TABLE users (id integer PRIMARY KEY);
CREATE TABLE settings (id integer PRIMARY KEY REFERENCES users ON DELETE CASCADE, value text);
INSERT INTO users VALUES (1); INSERT INTO settings VALUES (1, 'a');`

const epoch = '00000000-0000-4000-8000-000000000001'
const write = `UPDATE settings SET value = 'b'`
const refused = { code: '55000', hint: expect.stringContaining('CALL plinth.open_unfenced()') }

async function fenced(serverUrl: string): Promise<{ client: Client; url: string }> {
  const url = await scratchUrl(serverUrl)
  const client = await connect(url)
  await trackTables(client, tables, { fenced: ['settings'] })
  return { client, url }
}

/** What an application does that has found a healthy Redis. */
async function enable(client: Client): Promise<boolean> {
  const enabling = await client.query<{ on: boolean }>(`SELECT plinth.cache_enabling('${epoch}', 'run') AS on`)
  const enabled = await client.query<{ on: boolean }>(`SELECT plinth.cache_enabled('${epoch}') AS on`)
  return [...enabling.rows, ...enabled.rows].every(({ on }) => on)
}

async function stateOf(client: Client): Promise<string | undefined> {
  return (await client.query<{ state: string }>('SELECT state FROM plinth.cache_state')).rows[0]?.state
}

describe.each(testDatabases())('$name', ({ url: server }) => {
  test('while the cache is on, a write past the application is refused, whatever leads to it', async () => {
    const { client } = await fenced(server)
    await client.query(write)
    expect(await enable(client)).toBe(true)
    await expect(client.query(write)).rejects.toMatchObject(refused)
    await expect(client.query('DELETE FROM users')).rejects.toMatchObject(refused)
    await expect(client.query('TRUNCATE settings')).rejects.toMatchObject(refused)
    await expect(client.query(`SET session_replication_role = replica; ${write}`)).rejects.toMatchObject(refused)
    expect((await client.query('SELECT value FROM settings')).rows).toEqual([{ value: 'b' }])
    await client.query(`BEGIN; SET LOCAL plinth.fenced = 'on'; ${write}; COMMIT`)
  })

  test('open_unfenced() lets others see that the cache goes off, waits as long as they may serve from it, and keeps it off', async () => {
    const { client, url } = await fenced(server)
    await enable(client)
    const other = await connect(url)
    const start = performance.now()
    const opened = client.query(`CALL plinth.open_unfenced('1 hour')`)
    await expect.poll(() => stateOf(other), { interval: 10 }).toBe('disabling')
    await expect(other.query(write)).rejects.toMatchObject(refused)
    await opened
    expect(performance.now() - start).toBeGreaterThan(500)
    expect(await stateOf(other)).toBe('disabled')
    await other.query(write)
    expect(await enable(other)).toBe(false)
    await client.query('SELECT plinth.close_unfenced()')
    expect(await enable(other)).toBe(true)
  })

  test('several may ask for it at once, and again', async () => {
    const { client, url } = await fenced(server)
    await enable(client)
    const clients = [client, await connect(url), await connect(url)]
    await Promise.all(clients.map((it) => it.query('CALL plinth.open_unfenced()')))
    expect(await stateOf(client)).toBe('disabled')
    await client.query('CALL plinth.open_unfenced()')
    await client.query(write)
  })

  test('inside a transaction it is refused, because nobody would see it before the end', async () => {
    const { client } = await fenced(server)
    await client.query('BEGIN')
    await expect(client.query('CALL plinth.open_unfenced()')).rejects.toMatchObject({ code: '2D000' })
  })

  test.each(['REPEATABLE READ', 'SERIALIZABLE'])(
    'a %s transaction whose snapshot is older than the cache is refused, too',
    async (level) => {
      const { client, url } = await fenced(server)
      const other = await connect(url)
      await client.query(`BEGIN ISOLATION LEVEL ${level}`)
      await client.query('SELECT count(*) FROM users')
      await enable(other)
      await expect(client.query(write)).rejects.toMatchObject({ code: '40001' })
    },
  )

  test('in READ COMMITTED the state is that of now, not that of when the transaction began', async () => {
    const { client, url } = await fenced(server)
    const other = await connect(url)
    await client.query('BEGIN; SELECT count(*) FROM users')
    await enable(other)
    await expect(client.query(write)).rejects.toMatchObject(refused)
  })

  test('a transaction that was let in stays in while the cache is being switched on, for that waits for it', async () => {
    const { client, url } = await fenced(server)
    const other = await connect(url)
    await client.query(`BEGIN; ${write}`)
    await other.query(`SELECT plinth.cache_enabling('${epoch}', 'run')`)
    await client.query(write)
    await client.query('COMMIT')
    await expect(client.query(write)).rejects.toMatchObject(refused)
  })

  test('a role that may only write to the tables is guarded, and may switch the cache off', async () => {
    const { client, url } = await fenced(server)
    const role = `writer_${Math.random().toString(36).slice(2)}`
    await client.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT, UPDATE ON settings TO ${role}`)
    onTestFinished(async () => void (await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)))
    const asRole = new URL(url)
    asRole.username = role
    const writer = await connect(asRole.href)
    await enable(client)
    await expect(writer.query(write)).rejects.toMatchObject(refused)
    await expect(writer.query(`UPDATE plinth.cache_state SET state = 'disabled'`)).rejects.toMatchObject({ code: '42501' })
    await writer.query('CALL plinth.open_unfenced()')
    await writer.query(write)
  })

  test.each([
    ['', `UPDATE settings SET value = 'migrated'`],
    [' outside of a transaction', `-- plinth: no-transaction\nUPDATE settings SET value = 'migrated'`],
  ])('a migration%s switches the cache off before it runs, and lets it be switched on afterwards', async (_, up) => {
    const { client, url } = await fenced(server)
    const directory = await scratchFolder()
    await writeSql(directory, { '0001_fill': { up } })
    await enable(client)
    expect(await upgrade(await connect(url), directory)).toEqual(['0001_fill'])
    expect((await client.query('SELECT value FROM settings')).rows).toEqual([{ value: 'migrated' }])
    expect(await enable(client)).toBe(true)
  })

  test('a migration that tries again finds the cache switched on meanwhile, and switches it off again', async () => {
    const { client, url } = await fenced(server)
    const directory = await scratchFolder()
    await writeSql(directory, { '0001_fill': { up: `ALTER TABLE users ADD COLUMN name text; UPDATE settings SET value = 'migrated'` } })
    const [holder, migrator] = [await connect(url), await connect(url, 'migrator')]
    await holder.query('BEGIN; SELECT * FROM users')
    const upgraded = upgrade(migrator, directory, { lockTimeoutMs: 200, tries: 100 })
    await expect.poll(() => pauses(client), { interval: 10, timeout: 10_000 }).toBe(true)
    expect(await enable(client)).toBe(true)
    await holder.query('COMMIT')
    expect(await upgraded).toEqual(['0001_fill'])
    expect((await client.query('SELECT value FROM settings')).rows).toEqual([{ value: 'migrated' }])
    expect(await stateOf(client)).toBe('disabled')
  })
})

/** True while the migrator has let everything go and waits for its next try. */
async function pauses(client: Client): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_stat_activity WHERE application_name = 'migrator' AND state = 'idle' AND query = 'ROLLBACK'`,
  )
  return rows.length > 0
}

import { onTestFinished, describe, expect, test } from 'vitest'
import type { Client } from 'pg'
import { connect, scratchUrl } from '../../../test/support/migrations.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { startPostgres } from '../../../test/support/postgres-server.ts'
import { versionStatement } from './version-query.ts'
import { askVersions, trackTables, versionOf } from '../../../test/support/tracked.ts'

const tables = `
CREATE TABLE authors (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE books (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES authors ON DELETE CASCADE ON UPDATE CASCADE, title text NOT NULL);
CREATE TABLE plain (id integer PRIMARY KEY);
INSERT INTO authors VALUES (1, 'Le Guin'), (2, 'Lem');
INSERT INTO books VALUES (1, 1, 'The Dispossessed'), (2, 2, 'Solaris');`

async function library(serverUrl: string): Promise<{ client: Client; url: string }> {
  const url = await scratchUrl(serverUrl)
  const client = await connect(url)
  await trackTables(client, tables, { tracked: ['authors', 'books'], versioned: ['authors', 'books'] })
  return { client, url }
}

/** A connection that would rather fail than wait for another. */
async function impatient(url: string): Promise<Client> {
  const client = await connect(url)
  await client.query(`SET lock_timeout = '200ms'`)
  return client
}

const lemNow = { tables: [], row: { table: '"authors"', condition: '"id" = $1::text::integer', values: ['2'] } }

describe.each(testDatabases())('$name', ({ url: server, binaries }) => {
  test.each([
    ['an insert', `INSERT INTO books VALUES (3, 1, 'The Lathe of Heaven')`],
    ['an update', `UPDATE books SET title = upper(title)`],
    ['a delete', `DELETE FROM books WHERE id = 1`],
    ['a truncate', `TRUNCATE books`],
    ['an upsert', `INSERT INTO books VALUES (1, 1, 'x') ON CONFLICT (id) DO UPDATE SET title = 'y'`],
    ['a merge', `MERGE INTO books b USING (VALUES (1)) s (id) ON b.id = s.id WHEN MATCHED THEN UPDATE SET title = 'z'`],
    ['a statement within a statement', `WITH gone AS (DELETE FROM books WHERE id = 2 RETURNING id) SELECT * FROM gone`],
    ['a cascade from another table', `DELETE FROM authors WHERE id = 2`],
    ['a cascading change of a key', `UPDATE authors SET id = 20 WHERE id = 2`],
    ['a writer that replays what others wrote', `SET session_replication_role = replica; UPDATE books SET title = 'r'`],
    ['a change of a type that rewrites the table', `ALTER TABLE books ALTER COLUMN title TYPE varchar(80) USING left(title, 3)`],
    ['a new column', `ALTER TABLE books ADD COLUMN pages integer DEFAULT 100`],
    ['a touch by hand', `SELECT plinth.touch('books')`],
  ])('%s gives the table another version', async (_, sql) => {
    const { client } = await library(server)
    const before = await versionOf(client, '"books"')
    expect(await versionOf(client, '"books"')).toBe(before)
    await client.query(sql)
    const after = await versionOf(client, '"books"')
    expect(after).toEqual(expect.any(String))
    expect(after).not.toBe(before)
  })

  test('what is rolled back gives no version, whole or to a savepoint', async () => {
    const { client } = await library(server)
    const before = await versionOf(client, '"books"')
    await client.query(`BEGIN; DELETE FROM books; ROLLBACK`)
    await client.query(`BEGIN; SAVEPOINT s; DELETE FROM books; ROLLBACK TO s; COMMIT`)
    expect(await versionOf(client, '"books"')).toBe(before)
    await client.query(`BEGIN; SAVEPOINT s; DELETE FROM books; ROLLBACK TO s; DELETE FROM books WHERE id = 1; COMMIT`)
    expect(await versionOf(client, '"books"')).not.toBe(before)
  })

  test('a row has a version of its own, and without the row every write to its table counts', async () => {
    const { client } = await library(server)
    const ask = async (): Promise<string | null | undefined> => (await askVersions(client, lemNow)).versions[0]
    const first = await ask()
    await client.query(`UPDATE authors SET name = 'U. K. Le Guin' WHERE id = 1`)
    expect(await ask()).toBe(first)
    await client.query(`UPDATE authors SET name = 'S. Lem' WHERE id = 2`)
    const second = await ask()
    expect(second).not.toBe(first)
    await client.query(`DELETE FROM authors WHERE id = 2`)
    const none = await ask()
    await client.query(`INSERT INTO authors VALUES (2, 'S. Lem')`)
    await client.query(`DELETE FROM authors WHERE id = 2`)
    expect(new Set([first, second, none, await ask()]).size).toBe(4)
  })

  test('a row version that was given by hand, or came from elsewhere, is replaced or not believed', async () => {
    const { client } = await library(server)
    await client.query(`INSERT INTO authors VALUES (3, 'Strugatsky', '99999999')`)
    const { rows } = await client.query(`SELECT plinth_version::text AS version FROM authors WHERE id = 3`)
    expect(rows).not.toEqual([{ version: '99999999' }])
    await client.query(`ALTER TABLE authors DISABLE TRIGGER plinth_stamp; UPDATE authors SET plinth_version = '99999999' WHERE id = 2;
      ALTER TABLE authors ENABLE ALWAYS TRIGGER plinth_stamp`)
    const before = await askVersions(client, lemNow)
    await client.query(`UPDATE authors SET name = 'U. K. Le Guin' WHERE id = 1`)
    expect((await askVersions(client, lemNow)).versions).not.toEqual(before.versions)
  })

  test('writers of one table do not wait for each other, in any isolation level', async () => {
    const { url } = await library(server)
    const [a, b, c] = [await impatient(url), await impatient(url), await impatient(url)]
    await a.query('BEGIN')
    await b.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await c.query('BEGIN ISOLATION LEVEL SERIALIZABLE')
    for (const [client, id] of [
      [a, 10],
      [b, 11],
      [c, 12],
      [a, 13],
      [b, 14],
      [c, 15],
    ] as const)
      await client.query(`INSERT INTO authors VALUES ($1, 'somebody')`, [id])
    for (const client of [c, a, b]) await client.query('COMMIT')
    expect((await a.query(`SELECT count(*)::int AS n FROM authors WHERE id >= 10`)).rows).toEqual([{ n: 6 }])
  })

  test('writers that come to two tables from both sides do not deadlock', async () => {
    const { url } = await library(server)
    const [a, b] = [await impatient(url), await impatient(url)]
    await a.query(`BEGIN; UPDATE authors SET name = 'x' WHERE id = 1`)
    await b.query(`BEGIN; UPDATE books SET title = 'x' WHERE id = 2`)
    await a.query(`UPDATE books SET title = 'y' WHERE id = 1`)
    await b.query(`UPDATE authors SET name = 'y' WHERE id = 2`)
    await Promise.all([a.query('COMMIT'), b.query('COMMIT')])
    expect((await a.query(`SELECT name FROM authors ORDER BY id`)).rows).toEqual([{ name: 'x' }, { name: 'y' }])
  })

  test('each of several commits out of order makes another version', async () => {
    const { client, url } = await library(server)
    const writers = [await connect(url), await connect(url), await connect(url)]
    for (const [i, writer] of writers.entries()) await writer.query(`BEGIN; INSERT INTO books VALUES (${10 + i}, 1, 'x')`)
    const seen = [await versionOf(client, '"books"')]
    for (const writer of writers.toReversed()) {
      await writer.query('COMMIT')
      seen.push(await versionOf(client, '"books"'))
    }
    expect(new Set(seen).size).toBe(4)
  })

  test('two tables that change places change versions, also when one transaction wrote both', async () => {
    const { client } = await library(server)
    await client.query(`CREATE TABLE other (LIKE authors INCLUDING ALL);
      CREATE TRIGGER plinth_track AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON other FOR EACH STATEMENT EXECUTE FUNCTION plinth.track();
      ALTER TABLE other ENABLE ALWAYS TRIGGER plinth_track`)
    await client.query(`BEGIN; UPDATE authors SET name = 'a'; INSERT INTO other VALUES (1, 'b'); COMMIT`)
    const before = await askVersions(client, { tables: ['"authors"', '"other"'] })
    await client.query(
      `BEGIN; ALTER TABLE authors RENAME TO old; ALTER TABLE other RENAME TO authors; ALTER TABLE old RENAME TO other; COMMIT`,
    )
    const after = await askVersions(client, { tables: ['"authors"', '"other"'] })
    expect(new Set([...before.versions, ...after.versions]).size).toBe(4)
  })

  test('a table whose writes are not all seen has no version', async () => {
    const { client } = await library(server)
    const untracked = async (sql: string): Promise<void> => {
      await client.query('BEGIN')
      await client.query(sql)
      expect(await versionOf(client, '"books"'), sql).toBeNull()
      await client.query('ROLLBACK')
    }
    expect(await versionOf(client, '"plain"')).toBeNull()
    expect(await versionOf(client, '"nowhere"')).toBeNull()
    await untracked(`DROP TRIGGER plinth_track ON books`)
    await untracked(`ALTER TABLE books DISABLE TRIGGER plinth_track`)
    await untracked(`ALTER TABLE books ENABLE TRIGGER plinth_track`)
    await untracked(`CREATE OR REPLACE TRIGGER plinth_track AFTER INSERT ON books FOR EACH STATEMENT EXECUTE FUNCTION plinth.track()`)
    await untracked(`CREATE TABLE more () INHERITS (books)`)
    await untracked(`CREATE TABLE parent (id integer); ALTER TABLE books INHERIT parent`)
    await untracked(`DELETE FROM plinth.versions`)
    await untracked(`ALTER TABLE books RENAME TO b; CREATE VIEW books AS SELECT * FROM b`)
    expect(await versionOf(client, '"books"')).toEqual(expect.any(String))
  })

  test('a write while the trigger was off for a moment is noticed afterwards', async () => {
    const { client } = await library(server)
    const before = await versionOf(client, '"books"')
    await client.query(
      `BEGIN; ALTER TABLE books DISABLE TRIGGER plinth_track; UPDATE books SET title = 'unseen'; ALTER TABLE books ENABLE ALWAYS TRIGGER plinth_track; COMMIT`,
    )
    expect(await versionOf(client, '"books"')).not.toBe(before)
  })

  test('rows of another server, as a restored dump brings them, are ignored and removed with the next touch', async () => {
    const { client } = await library(server)
    const before = await versionOf(client, '"books"')
    await client.query(
      `INSERT INTO plinth.versions SELECT 'books'::regclass, plinth.home() + 1, (10000 + i)::text::xid8, '10000:10000:' FROM generate_series(1, 500) i`,
    )
    expect(await versionOf(client, '"books"')).toBe(before)
    await client.query('SELECT plinth.touch_all()')
    expect((await client.query(`SELECT count(*)::int AS n FROM plinth.versions WHERE home <> plinth.home()`)).rows).toEqual([{ n: 0 }])
  })

  test('a role that may only write to the tables is tracked, and may ask', async () => {
    const { client, url } = await library(server)
    const role = `writer_${Math.random().toString(36).slice(2)}`
    await client.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON authors, books TO ${role}`)
    onTestFinished(async () => void (await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)))
    const asRole = new URL(url)
    asRole.username = role
    const writer = await connect(asRole.href)
    const before = await askVersions(writer, { tables: ['"books"'], row: lemNow.row })
    await writer.query(`CREATE TEMPORARY TABLE versions (id int); SET search_path = pg_temp, public`)
    await writer.query(`UPDATE books SET title = 'x'; UPDATE authors SET name = 'x'`)
    const after = await askVersions(writer, { tables: ['"books"'], row: lemNow.row })
    expect(after.identity).toBe(before.identity)
    expect(after.versions[0]).not.toBe(before.versions[0])
    expect(after.versions[1]).not.toBe(before.versions[1])
    await expect(writer.query(`DELETE FROM plinth.versions`)).rejects.toMatchObject({ code: '42501' })
    await expect(writer.query(`SELECT plinth.clean('books'::regclass, '1', '1', '0', 1)`)).rejects.toMatchObject({ code: '42501' })
  })

  // What is needed is told by the oldest transaction of the whole server, so other tests may hold it up: writers go on until it has ended.
  test(
    'rows that no reader needs are removed by writers, as soon as no transaction is open that began before',
    { timeout: 60_000 },
    async () => {
      const { client, url } = await library(server)
      const write = (times: number): Promise<unknown> =>
        client.query(Array.from({ length: times }, () => `UPDATE books SET title = 'x' WHERE id = 1; COMMIT`).join(';'))
      const left = async (): Promise<number | undefined> => {
        const { rows } = await client.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM plinth.versions WHERE relation = 'books'::regclass`,
        )
        return rows[0]?.n
      }
      const older = await connect(url)
      await older.query('BEGIN; INSERT INTO plain VALUES (1)')
      for (let i = 0; i < 30; i++) await write(50)
      expect(await left()).toBeGreaterThanOrEqual(1_500)
      await older.query('COMMIT')
      await expect.poll(() => write(50).then(left), { timeout: 50_000, interval: 10 }).toBeLessThan(500)
    },
  )

  test.each(['an old snapshot', 'an open writer'])(
    'while somebody holds %s, asking and writing do not get more expensive',
    async (holder) => {
      const { client, url } = await library(server)
      const held = await connect(url)
      await held.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await held.query(holder === 'an open writer' ? `INSERT INTO plain VALUES (1)` : `SELECT count(*) FROM books`)
      const write = Array.from({ length: 100 }, () => `UPDATE authors SET name = 'x' WHERE id = -1; COMMIT`).join(';')
      for (let i = 0; i < 40; i++) await client.query(write)
      expect(await pagesRead(client, `SELECT * FROM plinth.versions`)).toBeGreaterThan(30)
      const { text } = versionStatement({ tables: ['x'] })
      expect(await pagesRead(client, text.replace('$1', `'"authors"'`))).toBeLessThan(40)
    },
  )

  test('the identity is another one after every start of the server, orderly or not', async () => {
    const own = await startPostgres(binaries, { synchronous_commit: 'off' })
    onTestFinished(own.destroy)
    const identity = async (): Promise<string> => {
      const client = await connect(own.url)
      if ((await client.query(`SELECT to_regclass('plinth.versions') AS there`)).rows[0].there === null) await trackTables(client, '', {})
      const { rows } = await client.query<{ identity: string }>('SELECT plinth.identity()')
      await client.end()
      return rows[0]?.identity ?? ''
    }
    const first = await identity()
    own.signal('SIGINT')
    await expect.poll(own.log).toContain('database system is shut down')
    await own.stop()
    await own.start()
    const second = await identity()
    own.signal('SIGKILL')
    await own.stop()
    await own.start()
    const third = await identity()
    expect(new Set([first, second, third]).size).toBe(3)
    for (const later of [second, third]) expect(later.split('.').slice(0, 3)).toEqual(first.split('.').slice(0, 3))
  })
})

/** Buffers that a statement looks at: a measure of work that does not depend on the machine. */
async function pagesRead(client: Client, sql: string): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`,
  )
  const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {}
  return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
}

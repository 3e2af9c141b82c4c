// A database of an application with tenants: whatever way a statement takes, it reaches the rows of the tenant in force when it was asked for.

import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import type { Pool, PoolClient } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectDatabase, openDatabase } from '../../test/support/database.ts'
import { connect } from '../../test/support/migrations.ts'
import { scratchDatabase, testDatabases, type ScratchDatabase } from '../../test/support/postgres.ts'
import { wallTables } from '../../test/support/walled.ts'
import { runAcrossTenants, runInTenant } from '../core/tenant.ts'
import type { Database } from './database.ts'
import { drizzleOn } from './drizzle.ts'
import { textColumns, type Statement, type TextRows } from './rows.ts'
import { withClient } from './scratch-database.ts'

const notes = pgTable('notes', { id: serial().primaryKey(), tenant: text().notNull(), body: text().notNull(), weight: integer() })

const tables = `CREATE TABLE notes (id serial PRIMARY KEY, tenant text NOT NULL, body text NOT NULL, weight integer);
  CREATE TABLE tags (name text PRIMARY KEY);
  CREATE VIEW bodies AS SELECT tenant, body FROM notes;
  CREATE PROCEDURE weigh() LANGUAGE plpgsql AS $$ BEGIN UPDATE notes SET weight = 1; COMMIT; UPDATE notes SET weight = weight + 1; END $$;`
const seed = `TRUNCATE notes; INSERT INTO notes (tenant, body) SELECT tenant, tenant || n FROM unnest('{a,b}'::text[]) tenant, generate_series(1, 2) n`

const read: Statement = { name: 'bodies', text: 'SELECT body FROM notes ORDER BY body', values: [] }
const inA = <result>(work: () => result) => runInTenant('a', work)
const inB = <result>(work: () => result) => runInTenant('b', work)

describe.each(testDatabases())('on $name', ({ url: server }) => {
  let scratch: ScratchDatabase
  let db: Database
  beforeAll(async () => {
    scratch = await scratchDatabase(server)
    await withClient(scratch.url, (client) => wallTables(client, tables, { notes: 'tenant' }))
    db = await connectDatabase(scratch.url, { hasTenants: true, poolSize: 2 })
  })
  afterAll(async () => {
    await db.close()
    await scratch.drop()
  })

  const reset = (): Promise<unknown> => withClient(scratch.url, (client) => client.query(seed))
  /** As a superuser sees it. */
  const asked = (sql: string): Promise<unknown> =>
    withClient(scratch.url, async (client) => (await client.query({ text: sql, rowMode: 'array' })).rows.flat())

  test('reads, slow reads, queries and Drizzle see one tenant, or all where none is in force', async () => {
    await reset()
    const orm = drizzleOn(db)
    const ways: Record<string, () => Promise<unknown>> = {
      read: async () => textsOf(await db.read(read)),
      readAll: async () => textsOf((await db.readAll([read, read]))[1]),
      anywhere: async () => textsOf(await db.anywhere().read(read)),
      slow: async () => textsOf(await db.read(read, { slow: true })),
      query: async () => bodies(await db.query('SELECT body FROM notes ORDER BY body')),
      values: async () => bodies(await db.query('SELECT body FROM notes WHERE body <> $1 ORDER BY body', ['x'])),
      view: async () => bodies(await db.query('SELECT body FROM bodies ORDER BY body')),
      orm: async () => bodies(await orm.select({ body: notes.body }).from(notes).orderBy(notes.body)),
      transaction: async () => db.transaction(async () => textsOf(await db.read(read))),
      inOrm: async () => orm.transaction(async (tx) => bodies(await tx.select({ body: notes.body }).from(notes).orderBy(notes.body))),
      client: async () => db.transaction(async () => bodies((await (db.client() as PoolClient).query<Row>(read.text)).rows)),
      session: async () => {
        const session = db.openSession()
        const rows = await session.query<Row>(read.text)
        await session.close()
        return bodies(rows)
      },
    }
    for (const [way, look] of Object.entries(ways)) {
      const [a, none, b, all] = await Promise.all([inA(look), runInTenant(undefined, look), inB(look), look()])
      expect([way, a, none, b, all]).toEqual([way, ['a1', 'a2'], [], ['b1', 'b2'], ['a1', 'a2', 'b1', 'b2']])
    }
  })

  test('writes change one tenant’s rows, and what would put a row into another is refused', async () => {
    await reset()
    const write = (text: string, values: string[] = []): Promise<TextRows> => db.write({ text, values })
    expect((await inA(() => write('UPDATE notes SET weight = 5'))).affected).toBe(2)
    expect((await inA(() => write(`DELETE FROM notes WHERE tenant = $1`, ['b']))).affected).toBe(0)
    await expect(inA(() => write(`INSERT INTO notes (tenant, body) VALUES ('b', 'smuggled')`))).rejects.toMatchObject({
      code: 'DB_OTHER_TENANT',
      status: 403,
    })
    await expect(inA(() => write(`UPDATE notes SET tenant = 'b'`))).rejects.toMatchObject({ code: 'DB_OTHER_TENANT' })
    await expect(runInTenant(undefined, () => write(`INSERT INTO notes (tenant, body) VALUES ('', 'nobody’s')`))).rejects.toMatchObject({
      code: 'DB_OTHER_TENANT',
    })
    expect((await runAcrossTenants(() => write('UPDATE notes SET weight = 6'))).affected).toBe(4)
    await expect(inA(() => db.query('TRUNCATE notes'))).rejects.toMatchObject({ code: 'DB_NO_PRIVILEGE' })
    await expect(inA(() => db.query('ALTER TABLE notes DISABLE ROW LEVEL SECURITY'))).rejects.toMatchObject({ code: 'DB_NO_PRIVILEGE' })
    expect(await asked('SELECT body, weight FROM notes ORDER BY body')).toEqual(['a1', 6, 'a2', 6, 'b1', 6, 'b2', 6])
  })

  test('inside a transaction each statement has the tenant of its moment, also after a savepoint was rolled back', async () => {
    await reset()
    const count = async (): Promise<number> => (await db.read(read)).count
    const seen: number[] = []
    await inA(() =>
      db.transaction(async () => {
        seen.push(await count())
        seen.push(await runAcrossTenants(count))
        await expect(
          runAcrossTenants(() =>
            db.transaction(async () => {
              await db.write({ text: `INSERT INTO notes (tenant, body) VALUES ('b', 'b3')`, values: [] })
              seen.push(await inB(count))
              throw new Error('back')
            }),
          ),
        ).rejects.toThrow('back')
        seen.push(await count(), await inB(count))
        await runAcrossTenants(() => db.transaction(() => db.query(`INSERT INTO notes (tenant, body) VALUES ('b', 'b4')`)))
        seen.push(await count(), (await db.query('SELECT 1 FROM notes')).length, await inB(count))
      }),
    )
    expect(seen).toEqual([2, 4, 3, 2, 2, 2, 2, 3])
    expect(await asked('SELECT body FROM notes ORDER BY body')).toEqual(['a1', 'a2', 'b1', 'b2', 'b4'])
  })

  test('a connection that was handed out in a transaction keeps its tenant, whatever else the transaction does', async () => {
    await reset()
    const seen: unknown[] = []
    await inA(() =>
      db.transaction(async () => {
        const client = db.client() as PoolClient
        const look = async (): Promise<unknown> => seen.push(bodies((await client.query<Row>('SELECT body FROM notes ORDER BY body')).rows))
        await runAcrossTenants(() => db.query('SELECT 1'))
        await look()
        await Promise.all([runAcrossTenants(() => db.read(read)), look()])
        await inB(() => db.write({ text: 'UPDATE notes SET weight = 1', values: [] }))
        await look()
        await inB(() => db.transaction(() => db.query('SELECT 1')))
        await look()
        await inB(() => db.transaction(() => db.query('SELECT 1 / 0'))).catch(() => undefined)
        await look()
        await db.transaction(async () => {
          await runAcrossTenants(() => db.query('SELECT 1'))
          await look()
        })
      }),
    )
    expect(seen).toEqual(Array.from({ length: 6 }, () => ['a1', 'a2']))
  })

  test('a transaction hands its connection out in one tenant: its holder would see whatever a second one is told', async () => {
    await reset()
    const refused = { code: 'DB_CLIENT_OF_OTHER_TENANT', status: 500, hint: expect.stringContaining('drizzleOn(db)') }
    const seen: unknown[] = []
    await inA(() =>
      db.transaction(async () => {
        const client = db.client() as PoolClient
        const look = async (): Promise<unknown> => seen.push(bodies((await client.query<Row>(read.text)).rows))
        await expect(runAcrossTenants(async () => db.client())).rejects.toMatchObject(refused)
        await look()
        await expect(inB(() => db.transaction(async () => db.client()))).rejects.toMatchObject(refused)
        await look()
        expect(db.client()).toBe(client)
        await look()
      }),
    )
    await db.transaction(async () => {
      await inB(() => db.transaction(async () => seen.push(bodies((await db.client().query<Row>(read.text)).rows))))
      await expect(inA(async () => db.client())).rejects.toMatchObject(refused)
    })
    await inA(() => db.transaction(async () => db.client()))
    expect(seen).toEqual([
      ['a1', 'a2'],
      ['a1', 'a2'],
      ['a1', 'a2'],
      ['b1', 'b2'],
    ])
  })

  test('what waits for the commit is done in the tenant of whoever asked for it', async () => {
    await reset()
    const seen: unknown[] = []
    const look = async (): Promise<unknown> => seen.push(textsOf(await db.read(read)))
    await inB(() =>
      db.transaction(async () => {
        await inA(async () => {
          db.afterCommit(async () => void (await look()))
          db.beforeCommit(async () => void (await look()))
          db.beforeCommit(async () => void (await look()), { final: true })
        })
        await runAcrossTenants(() => db.transaction(async () => db.afterCommit(async () => void (await look()))))
        db.beforeCommit(async () => void (await look()))
      }),
    )
    const [a, b] = [
      ['a1', 'a2'],
      ['b1', 'b2'],
    ] as const
    expect(seen).toEqual([a, b, a, a, [...a, ...b]])
  })

  test('what a statement may leave on its connection for those behind it ends with the connection', async () => {
    await reset()
    const lone = await openDatabase(scratch.url, { hasTenants: true, poolSize: 1 })
    const backend = async (): Promise<unknown> => (await lone.query('SELECT pg_backend_pid() AS pid'))[0]?.pid
    const leave: Record<string, () => Promise<unknown>> = {
      'a temporary table': () => lone.query('CREATE TEMP TABLE kept AS SELECT * FROM notes'),
      'a cursor that outlives its transaction': () =>
        lone.transaction(() => lone.query('DECLARE kept CURSOR WITH HOLD FOR SELECT * FROM notes')),
      'the role of a superuser, however it is come by': () => lone.query(`DO $$ BEGIN EXECUTE 'SET RO' || 'LE NONE'; END $$`),
      'the same on a connection that was handed out': () => lone.transaction(async () => (lone.client() as PoolClient).query('RESET ROLE')),
      'the same on a connection of the pool': async () => {
        const client = await (lone.client() as Pool).connect()
        await client.query('RESET ROLE')
        client.release()
      },
    }
    for (const [what, work] of Object.entries(leave)) {
      const before = await backend()
      await inA(work)
      expect(await backend(), what).not.toBe(before)
    }
    const before = await backend()
    await inA(() => lone.query('UPDATE notes SET weight = 1'))
    await inA(() => lone.query('SELECT 1 / 0')).catch(() => undefined)
    expect(await backend()).toBe(before)
  })

  test('several commands in one text, and a procedure that commits, are held as well', async () => {
    await reset()
    const results = (await inA(() =>
      db.execute({ text: `UPDATE notes SET weight = 3; SELECT body FROM notes ORDER BY body` }),
    )) as unknown as { rows: Row[] }[]
    expect(results.map(({ rows }) => bodies(rows))).toEqual([[], ['a1', 'a2']])
    await inB(() => db.query('CALL weigh()'))
    expect(await asked('SELECT weight FROM notes ORDER BY body')).toEqual([3, 3, 2, 2])
    await inA(() => db.query('-- by hand\n/* of a */ /* and\n b */ CALL weigh()'))
    // Found at once: a comment that may end in two places doubles the ways to read each that follows.
    expect(await inA(() => db.query(`${'/* a */ '.repeat(60)}SELECT 1 AS one`))).toEqual([{ one: 1 }])
    expect(await asked('SELECT weight FROM notes ORDER BY body')).toEqual([2, 2, 2, 2])
    await expect(inB(() => db.query('CALL unknown()'))).rejects.toThrow()
    expect(bodies(await inA(() => db.query('SELECT body FROM notes ORDER BY body')))).toEqual(['a1', 'a2'])
  })

  test('an empty text has an empty answer', async () => {
    for (const text of ['', '-- nothing', '/* nothing */'])
      expect(await inA(() => db.execute({ text })), text).toMatchObject({ rows: [], rowCount: null, fields: [] })
  })

  test('what PostgreSQL does not do behind what it was told first, or behind a wall, is refused by name', async () => {
    const isolate = (): Promise<unknown> => db.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    const begun = { code: 'DB_TRANSACTION_BEGUN', status: 500, hint: expect.stringContaining('transaction(work, { isolation') }
    await expect(inA(() => db.transaction(isolate))).rejects.toMatchObject(begun)
    await expect(inA(() => db.transaction(() => db.query('SET TRANSACTION DEFERRABLE')))).rejects.toMatchObject(begun)
    await expect(inA(() => db.query('COPY notes FROM STDIN'))).rejects.toMatchObject({ code: 'DB_NO_COPY', status: 500 })
  })

  test('what PostgreSQL runs in no transaction is refused by name, and nothing is left of it', async () => {
    await reset()
    for (const text of ['DISCARD ALL', 'VACUUM notes', 'CREATE INDEX CONCURRENTLY ON notes (body)'])
      await expect(
        inA(() => db.query(text)),
        text,
      ).rejects.toMatchObject({ code: 'DB_NOT_IN_TRANSACTION' })
    expect(bodies(await inA(() => db.query('SELECT body FROM notes ORDER BY body')))).toEqual(['a1', 'a2'])
  })

  test('five hundred statements of two tenants on two connections never meet', async () => {
    await reset()
    const ways: (() => Promise<unknown[] | undefined>)[] = [
      async () => textsOf(await db.read(read, { slow: true })),
      async () => bodies(await db.query('SELECT body FROM notes ORDER BY body')),
      async () => db.transaction(async () => textsOf(await db.read(read))),
      async () =>
        db.query('SELECT 1 / 0 FROM notes').then(
          () => [],
          () => undefined,
        ),
      async () => textsOf(await db.read(read)),
    ]
    const asked = Array.from({ length: 500 }, (_, i) => ({ tenant: i % 2 === 0 ? 'a' : 'b', way: ways[i % ways.length] }))
    const answers = await inBatches(asked, ({ tenant, way }) => runInTenant(tenant, () => way?.()))
    const expected = asked.map(({ tenant }, i) => (i % ways.length === 3 ? undefined : [`${tenant}1`, `${tenant}2`]))
    expect(answers).toEqual(expected)
  })

  test('an index serves a search, a pattern and what a list contains behind the wall, too', async () => {
    await withClient(scratch.url, (client) =>
      client.query(`CREATE EXTENSION pg_trgm; CREATE INDEX by_words ON notes USING gin (to_tsvector('simple', CASE WHEN body IS NULL THEN '' ELSE body END || ' ' || tenant));
        CREATE INDEX by_letters ON notes USING gin (body gin_trgm_ops)`),
    )
    const planOf = async (condition: string): Promise<string> => {
      const plan = await db.transaction(() => db.query(`EXPLAIN SELECT FROM notes WHERE ${condition}`), {
        settings: { enable_seqscan: 'off' },
      })
      return JSON.stringify(plan)
    }
    expect(
      await inA(() =>
        planOf(
          `to_tsvector('simple', CASE WHEN body IS NULL THEN '' ELSE body END || ' ' || tenant) @@ websearch_to_tsquery('simple', 'x')`,
        ),
      ),
    ).toContain('by_words')
    expect(await inA(() => planOf(`body ILIKE '%abcdef%'`))).toContain('by_letters')
  })

  test('a connection of the pool that is used directly has no tenant, and what is said on it ends with it', async () => {
    await reset()
    const client = await (db.client() as Pool).connect()
    expect((await client.query('SELECT body FROM notes')).rows).toEqual([])
    await client.query(`SET plinth.tenant = 'b'`)
    client.release()
    expect(textsOf(await inA(() => db.read(read, { slow: true })))).toEqual(['a1', 'a2'])
  })

  test('whoever migrates is the owner, sees all, and leaves nothing', async () => {
    await reset()
    const owner = await db.connectAsOwner()
    const { rows } = await owner.query(`SELECT current_user = session_user AS same, current_setting('plinth.tenant') AS tenant`)
    expect(rows).toEqual([{ same: true, tenant: '*' }])
    await owner.end()
  })

  test('an owner of the tables who is no superuser is held by the wall, too', async () => {
    await reset()
    const client = await connect(scratch.url)
    const owner = `owner_${Math.random().toString(36).slice(2)}`
    await client.query(
      `CREATE ROLE ${owner}; ALTER TABLE notes OWNER TO ${owner}; GRANT USAGE ON SCHEMA plinth TO ${owner}; SET ROLE ${owner}`,
    )
    expect((await client.query('SELECT body FROM notes')).rows).toEqual([])
    await client.query(`SET plinth.tenant = 'a'`)
    expect((await client.query('SELECT body FROM notes')).rows).toHaveLength(2)
    await client.query(`RESET ROLE; ALTER TABLE notes OWNER TO CURRENT_USER; DROP OWNED BY ${owner}; DROP ROLE ${owner}`)
  })

  test('a user who may not be the role is told what to do, and so is one who may not make it', async () => {
    const client = await connect(scratch.url)
    const user = `user_${Math.random().toString(36).slice(2)}`
    await client.query(`CREATE ROLE ${user} LOGIN PASSWORD 'secret'`)
    const url = new URL(scratch.url)
    url.username = user
    url.password = 'secret'
    const held = await openDatabase(url.href, { hasTenants: true })
    const unmade = { code: 'DB_NO_APP_ROLE', status: 503, hint: expect.stringMatching(`GRANT plinth_app_\\d+ TO "${user}";`) }
    await expect(held.read(read)).rejects.toMatchObject(unmade)
    await expect(held.query('SELECT 1')).rejects.toMatchObject(unmade)
    await client.query(`SET ROLE ${user}`)
    await expect(client.query(`SELECT plinth.open_to_app('{public}')`)).rejects.toMatchObject({
      code: '42501',
      hint: expect.stringMatching(`this once: CREATE ROLE plinth_app_\\d+ NOLOGIN; GRANT plinth_app_\\d+ TO ${user};`),
    })
    await held.close()
    await client.query(`RESET ROLE; DROP ROLE ${user}`)
  })

  test('a database without tenants says nothing of them', async () => {
    const plain = await openDatabase(scratch.url)
    const { rows } = await plain.execute({
      text: `SELECT current_user = session_user AS same, current_setting('plinth.tenant', true) AS tenant`,
    })
    expect(rows).toEqual([{ same: true, tenant: null }])
  })
})

/** Fifty at once: the line of those who wait for two connections has an end. */
async function inBatches<item, result>(items: readonly item[], work: (item: item) => result): Promise<Awaited<result>[]> {
  const results: Awaited<result>[] = []
  for (let at = 0; at < items.length; at += 50) results.push(...(await Promise.all(items.slice(at, at + 50).map(work))))
  return results
}

interface Row {
  readonly body: string
}

function bodies(rows: readonly object[]): unknown[] {
  return rows.map((row) => (row as Row).body)
}

function textsOf(rows: TextRows | undefined): (string | null | undefined)[] {
  return rows === undefined ? [] : Array.from({ length: rows.count }, (_, row) => textColumns(rows, row)[0])
}

import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, openDatabase } from '../../test/support/database.ts'
import { freePort } from '../../test/support/postgres-server.ts'
import { testDatabase, testDatabases } from '../../test/support/postgres.ts'
import { textColumns } from './rows.ts'

const notes = 'create table notes (id int primary key, text text)'

describe.each(testDatabases())('on $name', ({ url }) => {
  test.each(['thin', 'pg'] as const)('a read (%s) gives the text of each column, null as null', async (reader) => {
    const db = await openDatabase(url, { reader })
    const rows = await db.read({ text: `select $1::int, null, 'né', $2::text`, values: ['42', null], name: 'columns' })
    expect(textColumns(rows, 0)).toEqual(['42', null, 'né', null])
    expect(rows).toMatchObject({ count: 1, affected: 1 })
  })

  test('several reads come back in their order', async () => {
    const db = await openDatabase(url)
    const answers = await db.readAll([1, 2, 3].map((n) => ({ text: 'select $1::int', values: [String(n)] })))
    expect(answers.map((rows) => textColumns(rows, 0))).toEqual([['1'], ['2'], ['3']])
  })

  test('a slow read gives the same rows as a pipelined one', async () => {
    const db = await openDatabase(url)
    const statement = { text: `select g, 'é' || g, nullif(g, 2) from generate_series(1, 3) g`, values: [] }
    const [slow, fast] = [await db.read(statement, { slow: true }), await db.read(statement)]
    const columns = (rows: typeof slow): unknown => [0, 1, 2].map((row) => textColumns(rows, row))
    expect(columns(slow)).toEqual(columns(fast))
  })

  test('a write gives its RETURNING rows and how many rows it touched', async () => {
    const db = await freshDatabase(url, notes)
    const written = await db.write({
      text: 'insert into notes values (1, $1), (2, $2) returning id, text',
      values: ['a', null],
      name: 'insert',
    })
    expect([textColumns(written, 0), textColumns(written, 1)]).toEqual([
      ['1', 'a'],
      ['2', null],
    ])
    const updated = await db.write({ text: 'update notes set text = $1', values: ['b'] })
    expect(updated).toMatchObject({ count: 0, affected: 2 })
  })

  test('a named statement is prepared once on a connection', async () => {
    const db = await freshDatabase(url, notes, { poolSize: 1 })
    for (const id of ['1', '2', '3']) await db.write({ text: 'insert into notes values ($1)', values: [id], name: 'insert_note' })
    expect(
      await db.query(`select name, calls from (select name, generic_plans + custom_plans as calls from pg_prepared_statements) p`),
    ).toEqual([{ name: 'insert_note', calls: '3' }])
  })

  test('every connection speaks UTC, ISO and UTF-8, whatever the server is set to', async () => {
    const db = await freshDatabase(url)
    await db.query(`do $$ begin execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database()); end $$`)
    const values = `timestamptz '2026-01-02 03:04:05.6+00', interval '1 day 2 hours', 0.1::float8 + 0.2::float8, '\\xff'::bytea, current_setting('client_encoding')`
    for (const slow of [true, false]) {
      const rows = await db.read({ text: `select ${values}`, values: [] }, { slow })
      expect(textColumns(rows, 0)).toEqual(['2026-01-02 03:04:05.6+00', 'P1DT2H', '0.30000000000000004', '\\xff', 'UTF8'])
    }
  })

  test('a bad statement is an internal error that does not show its text', async () => {
    const db = await openDatabase(url)
    for (const slow of [true, false]) {
      const error = await db.read({ text: 'select secret_column from nowhere', values: [] }, { slow }).catch((refusal: unknown) => refusal)
      expect(error).toMatchObject({ code: 'CORE_INTERNAL', status: 500, message: expect.not.stringContaining('secret') })
    }
  })

  test('health tells the version, the latency and the pool', async () => {
    const db = await openDatabase(url)
    expect(await db.health()).toEqual({
      ok: true,
      latencyMs: expect.any(Number),
      serverVersion: expect.stringMatching(/^1[5-9]/),
      pool: { size: 1, idle: 1, waiting: 0, longestWaitMs: expect.any(Number) },
    })
  })

  test('after a schema change a prepared write and a prepared slow read run again by themselves', async () => {
    const db = await freshDatabase(url, notes, { poolSize: 1 })
    const write = { text: 'insert into notes values ($1, null) returning *', values: ['1'], name: 'returning_all' }
    const read = { text: 'select * from notes', values: [], name: 'all_notes' }
    await db.write(write)
    await db.read(read, { slow: true })
    await db.query('alter table notes add column extra int')
    expect(textColumns(await db.write({ ...write, values: ['2'] }), 0)).toEqual(['2', null, null])
    await db.query('alter table notes drop column extra')
    expect(await db.read(read, { slow: true })).toMatchObject({ count: 2 })
  })
})

test('a wrong password or database name ends the start and names what was tried, without the password', async () => {
  const url = new URL(testDatabase().url)
  url.password = 'hush'
  url.pathname = '/no_such_database'
  const refusal = await openDatabase(url.href).catch((error: unknown) => error)
  expect(refusal).toMatchObject({
    code: 'DB_CANNOT_CONNECT',
    message: expect.stringMatching(/127\.0\.0\.1:\d+\/no_such_database.*does not exist/),
  })
  expect(String(refusal)).not.toContain('hush')
})

test('a server that is not there yet does not end the start, and answers 503 with Retry-After', async () => {
  const db = await openDatabase(`postgres://nobody@127.0.0.1:${await freePort()}/none`)
  const statement = { text: 'select 1', values: [] }
  for (const refused of [db.read(statement), db.write(statement), db.query('select 1'), db.transaction(async () => undefined)])
    await expect(refused).rejects.toMatchObject({ code: 'DB_UNAVAILABLE', status: 503, headers: { 'retry-after': '1' } })
  expect(await db.health()).toMatchObject({ ok: false, error: 'The database is not available at the moment.' })
})

test('a server older than PostgreSQL 15 ends the start and is named', async () => {
  // Nothing older can be installed here, so this stand-in says what PostgreSQL 14 says when somebody connects.
  const message = (type: string, body: string): Buffer => {
    const head = Buffer.from(`${type}    `)
    head.writeInt32BE(Buffer.byteLength(body) + 4, 1)
    return Buffer.concat([head, Buffer.from(body)])
  }
  const greeting = Buffer.concat([message('R', '\0\0\0\0'), message('S', 'server_version\x0014.9\0'), message('Z', 'I')])
  const old = createServer((socket) => void socket.on('error', () => undefined).once('data', () => socket.write(greeting))).listen(
    0,
    '127.0.0.1',
  )
  onTestFinished(() => void old.close())
  await once(old, 'listening')
  const { port } = old.address() as { port: number }
  await expect(openDatabase(`postgres://somebody@127.0.0.1:${port}/old`)).rejects.toMatchObject({
    code: 'DB_SERVER_TOO_OLD',
    message: 'The database runs PostgreSQL 14.9. Plinth needs PostgreSQL 15 or newer.',
  })
})

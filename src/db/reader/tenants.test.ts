// Readers of applications with tenants: whatever happens to a statement or its neighbours on the connection, it reaches its own tenant's rows.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { scratchDatabase, testDatabases, type ScratchDatabase } from '../../../test/support/postgres.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { wallTables } from '../../../test/support/walled.ts'
import { withClient } from '../scratch-database.ts'
import { textColumns, type Statement, type TextRows } from '../rows.ts'
import { createReader, type Reader, type ReaderOptions } from './reader.ts'

const cases = testDatabases().flatMap((database) => (['thin', 'pg'] as const).map((kind) => ({ ...database, kind })))
const tenants = Array.from({ length: 50 }, (_, i) => `t${i}`)

const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

/** Three notes for each tenant. */
const tables = `CREATE TABLE notes (id serial PRIMARY KEY, tenant text NOT NULL, body text NOT NULL);
  INSERT INTO notes (tenant, body) SELECT 't' || t, 'note ' || n FROM generate_series(0, 49) t, generate_series(1, 3) n;
  CREATE TABLE changing (tenant text NOT NULL, value integer NOT NULL);
  INSERT INTO changing SELECT 't' || t, 1 FROM generate_series(0, 49) t;`

const all: Statement = { name: 'all_notes', text: 'SELECT tenant FROM notes ORDER BY id', values: [] }
const search = (body: string): Statement => ({ text: 'SELECT tenant FROM notes WHERE body ILIKE $1', values: [body] })

describe.each(cases)('$kind on $name', ({ url: server, kind }) => {
  let scratch: ScratchDatabase
  beforeAll(async () => {
    scratch = await scratchDatabase(server)
    await withClient(scratch.url, (client) => wallTables(client, tables, { notes: 'tenant', changing: 'tenant' }))
  })
  afterAll(() => scratch.drop())

  function open(options: Partial<ReaderOptions> & { readonly url?: string } = {}): Reader {
    const connection = { connectionString: options.url ?? scratch.url }
    const reader = createReader({ connection, connections: 1, statementTimeoutMs: 10_000, kind, hasTenants: true, ...options })
    onTestFinished(() => reader.close())
    return reader
  }

  test('a thousand reads of fifty tenants at once: nobody gets a row of another', async () => {
    const reader = open({ connections: 3 })
    const asked = Array.from({ length: 1_000 }, (_, i) => tenants[(i * 7) % 50] ?? '')
    const answers = await Promise.all(asked.map((tenant, i) => reader.read(i % 3 === 0 ? search('%note%') : all, { tenant })))
    expect(answers.map(textsOf)).toEqual(asked.map((tenant) => [tenant, tenant, tenant]))
  })

  test('no tenant sees nothing, every tenant sees all, and both may stand between others', async () => {
    const reader = open()
    const asked = ['t1', '', '*', 't2', '', 't1', 'nobody', `'; select 1`, '*']
    const answers = await Promise.all(asked.map((tenant) => reader.read(all, { tenant })))
    expect(answers.map(({ count }) => count)).toEqual([3, 0, 150, 3, 0, 3, 0, 0, 150])
  })

  test('several statements in one write have the tenant of their call', async () => {
    const reader = open()
    const [first, second] = await Promise.all([reader.readAll([all, search('note 1'), all], 't3'), reader.readAll([all, all], 't4')])
    expect([...first, ...second].map(textsOf)).toEqual([
      ['t3', 't3', 't3'],
      ['t3'],
      ['t3', 't3', 't3'],
      ['t4', 't4', 't4'],
      ['t4', 't4', 't4'],
    ])
  })

  // Failing first, and then the same tenant: what a failed transaction had said is taken back with it.
  test('a statement that fails takes nothing from its neighbours, whosever they are', async () => {
    const reader = open()
    const bad = { text: 'SELECT 1 / count(*) FROM notes WHERE id < 0', values: [] }
    const unreadable = { text: 'SELECT nonsense', values: [] }
    const asked = tenants.flatMap((tenant) => [bad, all, unreadable, all].map((statement) => reader.read(statement, { tenant })))
    const answers = await Promise.allSettled(asked)
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(100)
    expect(fulfilled(answers)).toEqual(tenants.flatMap((tenant) => [Array(3).fill(tenant), Array(3).fill(tenant)]))
  })

  test('a cancelled statement leaves its tenant to nobody', async () => {
    const reader = open()
    await reader.read(all, { tenant: 't0' })
    const controller = new AbortController()
    const slow = reader.read({ text: 'SELECT pg_sleep(8) FROM notes', values: [] }, { tenant: 't9', signal: controller.signal })
    const asked = ['t9', 't9', ...tenants]
    const behind = Promise.all(asked.map((tenant) => reader.read(all, { tenant })))
    setTimeout(() => controller.abort(new Error('given up')), 50)
    await expect(slow).rejects.toThrow('given up')
    expect((await behind).map(textsOf)).toEqual(asked.map((tenant) => [tenant, tenant, tenant]))
  })

  test('cancel requests that hit others have them run again, as their own tenants', async () => {
    const reader = open()
    await reader.read(all, { tenant: 't0' })
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const tenant = tenants[i % 50] ?? ''
        const controller = new AbortController()
        const answer = reader.read(i % 10 === 0 ? { text: 'SELECT pg_sleep(0.02)', values: [] } : all, {
          tenant,
          signal: controller.signal,
        })
        if (i % 10 !== 0) return { tenant, rows: textsOf(await answer) }
        setTimeout(() => controller.abort(), 5 + i / 5)
        await answer.catch(() => undefined)
        return undefined
      }),
    )
    const given = answers.filter((answer) => answer !== undefined)
    expect(given.map(({ rows }) => rows)).toEqual(given.map(({ tenant }) => [tenant, tenant, tenant]))
  })

  test('a statement whose plan is stale runs again as its own tenant', async () => {
    const reader = open()
    const changing: Statement = { name: `changing_${kind}`, text: 'SELECT tenant, value FROM changing', values: [] }
    await reader.read(changing, { tenant: 't1' })
    await withClient(scratch.url, (client) =>
      client.query(`ALTER TABLE changing ALTER value TYPE ${kind === 'thin' ? 'bigint' : 'numeric'}`),
    )
    const answers = await Promise.all(tenants.map((tenant) => reader.read(changing, { tenant })))
    expect(answers.map(textsOf)).toEqual(tenants.map((tenant) => [tenant]))
  })

  test('what is answered around a lost connection is each tenant’s own', async () => {
    const proxy = await startTcpProxy(Number(new URL(scratch.url).port))
    onTestFinished(() => proxy.close())
    const through = new URL(scratch.url)
    through.port = String(proxy.port)
    const reader = open({ url: through.href, connections: 2 })
    await reader.read(all, { tenant: 't0' })
    const first = tenants.map((tenant) => reader.read(all, { tenant }))
    setImmediate(() => setImmediate(() => proxy.cut()))
    const second = await Promise.allSettled(first)
    second.forEach((answer, i) => {
      if (answer.status === 'fulfilled') expect(textsOf(answer.value)).toEqual([tenants[i], tenants[i], tenants[i]])
    })
    await expect.poll(() => reader.read(all, { tenant: 't0' }).then(({ count }) => count, String), { timeout: 10_000 }).toBe(3)
    const later = await Promise.all(tenants.map((tenant) => reader.read(all, { tenant })))
    expect(later.map(textsOf)).toEqual(tenants.map((tenant) => [tenant, tenant, tenant]))
  })

  test('where the tenant cannot be said any more the statement does not run, but on another connection', async () => {
    const reader = open()
    await reader.read({ text: 'DEALLOCATE ALL', values: [] }, { tenant: '*' })
    const answers = await Promise.all(tenants.map((tenant) => reader.read(all, { tenant })))
    expect(answers.map(textsOf)).toEqual(tenants.map((tenant) => [tenant, tenant, tenant]))
    expect(answers.every(({ retried }) => retried)).toBe(true)
  })

  test('a server that falls silent after it has let us in is waited for as long as for a connection', async () => {
    let silent = false
    const proxy = await startTcpProxy(Number(new URL(scratch.url).port), (chunk) => {
      const passed = silent ? Buffer.alloc(0) : chunk
      silent ||= chunk.includes(readyForQuery)
      return passed
    })
    onTestFinished(() => proxy.close())
    const through = new URL(scratch.url)
    through.port = String(proxy.port)
    const connection = { connectionString: through.href, connectionTimeoutMillis: 300 }
    await expect(open({ connection }).read(all, { tenant: 't1' })).rejects.toThrow('Connection terminated')
  })

  test('a connection whose role row-level security does not hold is given up', async () => {
    const alter = (attribute: string): Promise<unknown> =>
      withClient(scratch.url, async (client) => {
        const { rows } = await client.query<{ role: string }>('SELECT plinth.app_role() AS role')
        return client.query(`ALTER ROLE ${rows[0]?.role} ${attribute}`)
      })
    await alter('BYPASSRLS')
    const hint = expect.stringMatching(/ALTER ROLE plinth_app_\d+ NOSUPERUSER NOBYPASSRLS;/)
    await expect(open().read(all, { tenant: 't1' })).rejects.toMatchObject({ code: 'DB_NOT_HELD', hint })
    await alter('NOBYPASSRLS')
    expect(textsOf(await open().read(all, { tenant: 't1' }))).toEqual(['t1', 't1', 't1'])
  })
})

function textsOf(rows: TextRows): (string | null | undefined)[] {
  return Array.from({ length: rows.count }, (_, row) => textColumns(rows, row)[0])
}

function fulfilled(answers: readonly PromiseSettledResult<TextRows>[]): (string | null | undefined)[][] {
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [textsOf(answer.value)] : []))
}

// Guarantee D12 of research/reliability.md: migrations are all or nothing, are applied exactly once, and never silently skipped.
// Each promise has a control: the same measurement on a fault that is planted, which has to turn red.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import type { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { testDatabases } from '../../../test/support/postgres.ts'
import { compareCatalogs, readCatalog } from './catalog.ts'
import type { Connection } from './connection.ts'
import { readLedger } from './ledger.ts'
import { connect, editFile, scratchFolder, scratchUrl, writeSql } from '../../../test/support/migrations.ts'
import { splitStatements } from './split.ts'
import { status } from './status.ts'
import { upgrade, type MigrationEvent } from './upgrade.ts'

const first = {
  '0001_start': { up: 'CREATE TABLE posts (id int PRIMARY KEY, title text); INSERT INTO posts VALUES (1, NULL)', down: 'DROP TABLE posts' },
}

/** Ten statements of the kinds that migrations consist of. */
const ten = [
  "CREATE TYPE mood AS ENUM ('sad', 'ok')",
  "ALTER TABLE posts ADD COLUMN mood mood DEFAULT 'ok'",
  'CREATE TABLE tags (id serial PRIMARY KEY, name text UNIQUE)',
  'ALTER TABLE posts ADD COLUMN tag_id int REFERENCES tags (id)',
  'CREATE INDEX posts_title ON posts (lower(title))',
  "UPDATE posts SET title = 'x'",
  'ALTER TABLE posts ALTER COLUMN title SET NOT NULL',
  'ALTER TABLE posts RENAME COLUMN title TO heading',
  'CREATE VIEW headings AS SELECT heading FROM posts',
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$',
]

async function fingerprint(client: Client): Promise<unknown> {
  const rows = await client.query('SELECT * FROM posts')
  return { catalog: [...(await readCatalog(client))], posts: rows.rows, applied: [...(await readLedger(client)).keys()] }
}

describe.each(testDatabases())('on $name', ({ url: serverUrl }) => {
  test('a failure at any of ten statements leaves catalog, rows and record as they were, and names the statement', async () => {
    const client = await connect(await scratchUrl(serverUrl))
    const directory = await scratchFolder()
    await writeSql(directory, { ...first, '0002_ten': { up: '' } })
    await upgrade(client, directory, { steps: 1 })
    const before = await fingerprint(client)
    for (let index = 0; index < ten.length; index++) {
      const broken = ten.with(index, 'ALTER TABLE missing\n ADD COLUMN x int')
      await editFile(directory, '0002_ten/up.sql', broken.join(';\n'))
      const failure = upgrade(client, directory)
      await expect(failure).rejects.toMatchObject({
        code: 'MIGRATE_STATEMENT_FAILED',
        message: expect.stringContaining(`0002_ten/up.sql, statement ${index + 1}: `),
      })
      await expect(failure).rejects.toThrow('relation "missing" does not exist\n  ALTER TABLE missing')
      expect(await fingerprint(client)).toEqual(before)
    }
    await editFile(directory, '0002_ten/up.sql', ten.join(';\n'))
    expect(await upgrade(client, directory)).toEqual(['0002_ten'])
  })

  test('control: statements run one by one without a transaction do leave traces, so the comparison can fail', async () => {
    const client = await connect(await scratchUrl(serverUrl))
    await client.query('CREATE TABLE posts (id int PRIMARY KEY, title text)')
    const before = await readCatalog(client)
    for (const { sql } of splitStatements(ten.with(4, 'ALTER TABLE missing ADD COLUMN x int').join(';'))) {
      if ((await client.query(sql).catch(() => undefined)) === undefined) break
    }
    expect(compareCatalogs(before, await readCatalog(client)).map(({ object }) => object)).toContain('table public.tags')
  })

  test('a migrating process that is killed leaves all of a file or nothing, and the next one finishes', { timeout: 60_000 }, async () => {
    const url = await scratchUrl(serverUrl)
    const client = await connect(url)
    const directory = await scratchFolder()
    const slow = ten.flatMap((statement) => [statement, 'SELECT pg_sleep(0.03)']).join(';\n')
    await writeSql(directory, { ...first, '0002_ten': { up: slow } })
    await upgrade(client, directory, { steps: 1 })
    const before = await fingerprint(client)
    let killed = 0
    for (const delayMs of [20, 80, 140, 200, 260, 320]) {
      await killMigrator(url, directory, delayMs)
      await sessionsEnd(client, 'victim')
      if ((await readLedger(client)).has('0002_ten')) break
      killed++
      expect(await fingerprint(client)).toEqual(before)
    }
    expect(killed).toBeGreaterThan(2)
    await upgrade(client, directory)
    expect([...(await readLedger(client)).keys()]).toEqual(['0001_start', '0002_ten'])
    expect((await client.query('SELECT heading FROM headings')).rows).toEqual([{ heading: 'x' }])
  })

  test('eight migrators at once apply every migration exactly once', async () => {
    const url = await scratchUrl(serverUrl)
    const directory = await scratchFolder()
    await writeSql(directory, {
      ...first,
      '0002_ten': { up: `${ten.join(';\n')};\nSELECT pg_sleep(0.2)` },
      '0003_more': { up: "INSERT INTO tags (name) VALUES ('once')" },
    })
    const { results, events } = await race(url, directory, (client) => client)
    expect(results.filter(({ status: outcome }) => outcome === 'rejected')).toEqual([])
    expect(results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))).toEqual([
      '0001_start',
      '0002_ten',
      '0003_more',
    ])
    expect(events.filter(({ type }) => type === 'start')).toHaveLength(3)
    expect(events.filter(({ type }) => type === 'waiting')).toHaveLength(7)
    expect((await (await connect(url)).query('SELECT name FROM tags')).rows).toEqual([{ name: 'once' }])
  })

  test('control: eight migrators whose lock is a lie run files more than once', async () => {
    const url = await scratchUrl(serverUrl)
    const directory = await scratchFolder()
    await writeSql(directory, { ...first, '0002_slow': { up: 'SELECT pg_sleep(0.2)' } })
    await upgrade(await connect(url), directory, { steps: 1 })
    const { results, events } = await race(url, directory, withoutLock)
    expect(events.filter(({ type }) => type === 'start').length).toBeGreaterThan(1)
    expect(results.filter(({ status: outcome }) => outcome === 'rejected')).not.toEqual([])
  })

  test('a migrator gives up waiting for another after its time', async () => {
    const url = await scratchUrl(serverUrl)
    const directory = await scratchFolder()
    await writeSql(directory, { '0001_slow': { up: 'SELECT pg_sleep(1)' } })
    const running = upgrade(await connect(url), directory)
    await sleep(200)
    await expect(upgrade(await connect(url), directory, { waitMs: 100 })).rejects.toMatchObject({ code: 'MIGRATE_LOCKED' })
    expect(await running).toEqual(['0001_slow'])
  })

  test('a migration merged late is refused by name, not skipped, and applied when allowed', async () => {
    const client = await connect(await scratchUrl(serverUrl))
    const directory = await scratchFolder()
    await writeSql(directory, { ...first, '0003_c': { up: 'CREATE TABLE c (id int)' } })
    await upgrade(client, directory)
    await writeSql(directory, { '0002_b': { up: 'CREATE TABLE b (id int)' } })
    await expect(upgrade(client, directory)).rejects.toMatchObject({ code: 'MIGRATE_LATE', message: expect.stringContaining('0002_b') })
    expect((await status(client, directory)).migrations.map(({ state }) => state)).toEqual(['applied', 'late', 'applied'])
    expect(await upgrade(client, directory, { allowLate: true })).toEqual(['0002_b'])
  })

  test('a file changed after it was applied is refused; changed line ends are not a change', async () => {
    const client = await connect(await scratchUrl(serverUrl))
    const directory = await scratchFolder()
    await writeSql(directory, { ...first, '0002_more': { up: 'CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n' } })
    await upgrade(client, directory)
    await editFile(directory, '0002_more/up.sql', 'CREATE TABLE a (id int);\r\nCREATE TABLE b (id int);\r\n')
    expect(await upgrade(client, directory)).toEqual([])
    await editFile(directory, '0002_more/up.sql', 'CREATE TABLE a (id bigint);\nCREATE TABLE b (id int);\n')
    await expect(upgrade(client, directory)).rejects.toMatchObject({
      code: 'MIGRATE_EDITED',
      message: expect.stringContaining('0002_more/up.sql'),
    })
    expect((await status(client, directory)).blocked).toBe(true)
  })

  test(
    'a migration that waits for a busy table lets traffic through, and is applied when the table is free',
    { timeout: 60_000 },
    async () => {
      const { url, directory } = await busyTable(serverUrl)
      const hog = await connect(url)
      await hog.query('BEGIN; SELECT * FROM posts')
      const traffic = await startTraffic(url)
      const migrating = upgrade(await connect(url), directory, { lockTimeoutMs: 200, tries: 20 })
      await sleep(2_500)
      await hog.query('COMMIT')
      expect(await migrating).toEqual(['0002_wait'])
      expect(percentile(await traffic.stop(), 0.99)).toBeLessThan(500)
    },
  )

  test('control: without the bound, traffic waits as long as the migration does', { timeout: 60_000 }, async () => {
    const { url, directory } = await busyTable(serverUrl)
    const hog = await connect(url)
    await hog.query('BEGIN; SELECT * FROM posts')
    const traffic = await startTraffic(url)
    const migrating = upgrade(await connect(url), directory, { lockTimeoutMs: 60_000 })
    await sleep(1_500)
    await hog.query('COMMIT')
    await migrating
    expect(Math.max(...(await traffic.stop()))).toBeGreaterThan(1_000)
  })

  test('a table that stays busy ends the migration with a hint, and nothing has changed', async () => {
    const { url, directory } = await busyTable(serverUrl)
    const hog = await connect(url)
    await hog.query('BEGIN; SELECT * FROM posts')
    const client = await connect(url)
    const before = await readCatalog(client)
    const failure = upgrade(client, directory, { lockTimeoutMs: 50, tries: 3 })
    await expect(failure).rejects.toMatchObject({ code: 'MIGRATE_STATEMENT_FAILED', hint: expect.stringContaining('lock') })
    expect(compareCatalogs(before, await readCatalog(client))).toEqual([])
  })

  test('a concurrent index that cannot be built leaves no broken index behind, and can be run again', async () => {
    const client = await connect(await scratchUrl(serverUrl))
    const directory = await scratchFolder()
    const up =
      '-- plinth: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS posts_title ON posts (title);\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS posts_once ON public.posts (title);'
    await writeSql(directory, { ...first, '0002_index': { up } })
    await upgrade(client, directory, { steps: 1 })
    await client.query(`INSERT INTO posts VALUES (2, 'same'), (3, 'same')`)
    await expect(upgrade(client, directory)).rejects.toMatchObject({
      code: 'MIGRATE_STATEMENT_FAILED',
      message: expect.stringContaining('statement 2'),
    })
    expect(await invalidIndexes(client)).toEqual([])
    expect([...(await readLedger(client)).keys()]).toEqual(['0001_start'])
    await client.query(`DELETE FROM posts WHERE id = 3`)
    expect(await upgrade(client, directory)).toEqual(['0002_index'])
    expect((await readCatalog(client)).get('index public.posts_once')).toContain('UNIQUE')
  })

  test('a broken index that a killed run left behind is replaced', async () => {
    const client = await connect(await scratchUrl(serverUrl))
    const directory = await scratchFolder()
    await writeSql(directory, {
      ...first,
      '0002_index': { up: '-- plinth: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS posts_once ON posts (title)' },
    })
    await upgrade(client, directory, { steps: 1 })
    await client.query(`INSERT INTO posts VALUES (2, 'same'), (3, 'same')`)
    await client.query('CREATE UNIQUE INDEX CONCURRENTLY posts_once ON posts (title)').catch(() => undefined)
    expect(await invalidIndexes(client)).toEqual(['posts_once'])
    await client.query(`DELETE FROM posts WHERE id = 3`)
    await upgrade(client, directory)
    expect(await invalidIndexes(client)).toEqual([])
    expect((await readCatalog(client)).get('index public.posts_once')).toContain('UNIQUE')
  })

  test('a waiting migrator does not deadlock with a concurrent index build of the one that runs', async () => {
    const url = await scratchUrl(serverUrl)
    const directory = await scratchFolder()
    const indexes = Array.from({ length: 5 }, (_, index) => `CREATE INDEX CONCURRENTLY i${index} ON posts (title);`)
    await writeSql(directory, { ...first, '0002_index': { up: `-- plinth: no-transaction\n${indexes.join('\n')}` } })
    const { results } = await race(url, directory, (client) => client)
    expect(results.filter(({ status: outcome }) => outcome === 'rejected')).toEqual([])
  })
})

/** Starts a process that upgrades, kills it `delayMs` after it began with 0002, and waits for its end. */
async function killMigrator(url: string, directory: string, delayMs: number): Promise<void> {
  const source = `
    import { Client } from 'pg'
    import { upgrade } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'upgrade.ts')).href)}
    const client = new Client({ connectionString: ${JSON.stringify(url)}, application_name: 'victim' })
    await client.connect()
    await upgrade(client, ${JSON.stringify(directory)}, { onEvent: ({ type }) => console.log(type) })
    await client.end()`
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', source], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), exited])
  await sleep(delayMs)
  child.kill('SIGKILL')
  await exited
}

/** A backend notices that its client is gone when it next writes to it. */
async function sessionsEnd(client: Client, name: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
    const { rows } = await client.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [name])
    if (rows.length === 0) return
  }
  throw new Error(`The session "${name}" is still there.`)
}

async function race(url: string, directory: string, wrap: (client: Client) => Connection) {
  const events: MigrationEvent[] = []
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(url)))
  const results = await Promise.allSettled(
    clients.map((client) => upgrade(wrap(client), directory, { onEvent: (event) => events.push(event) })),
  )
  return { results, events }
}

/** The planted fault: everybody is told to have the lock. */
function withoutLock(client: Client): Connection {
  return {
    query: (text, values) =>
      client.query(
        text.includes('pg_try_advisory_lock') ? 'SELECT true AS locked' : text,
        text.includes('pg_try_advisory_lock') ? [] : values,
      ),
  }
}

async function busyTable(serverUrl: string): Promise<{ url: string; directory: string }> {
  const url = await scratchUrl(serverUrl)
  const directory = await scratchFolder()
  await writeSql(directory, { ...first, '0002_wait': { up: 'CREATE TABLE other (id int); ALTER TABLE posts ADD COLUMN x int' } })
  await upgrade(await connect(url), directory, { steps: 1 })
  return { url, directory }
}

/** Reads the table again and again on four connections; `stop` tells the milliseconds of each read. */
async function startTraffic(url: string): Promise<{ stop(): Promise<number[]> }> {
  const times: number[] = []
  let running = true
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect(url)))
  const work = clients.map(async (client) => {
    while (running) {
      const start = performance.now()
      await client.query('SELECT * FROM posts')
      times.push(performance.now() - start)
      await sleep(1)
    }
  })
  return {
    async stop() {
      running = false
      await Promise.all(work)
      return times
    },
  }
}

function percentile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0
}

async function invalidIndexes(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid',
  )
  return rows.map(({ name }) => name)
}

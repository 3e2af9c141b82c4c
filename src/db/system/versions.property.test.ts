// The promise behind the verified cache: a version that has passed never comes back. Random transactions of several connections, and an
// observer that reads versions and rows in one snapshot: equal versions must always have come with equal rows.

import type { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { connect, scratchUrl } from '../../../test/support/migrations.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { askVersions, trackTables } from '../../../test/support/tracked.ts'

const steps = 600
const ids = [1, 2, 3]

type Random = (below: number) => number

/** mulberry32 */
function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

interface Writer {
  readonly client: Client
  open: boolean
}

/** What one connection may do next. Values are never used twice, so rows that were there once do not come back by chance. */
function nextStep({ open }: Writer, random: Random, value: number): string {
  const table = ['a', 'b'][random(2)]
  const id = ids[random(ids.length)]
  const isolation = ['READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'][random(4)]
  const write = [
    `INSERT INTO ${table} VALUES (${id}, ${value}) ON CONFLICT (id) DO UPDATE SET value = excluded.value`,
    `UPDATE ${table} SET value = ${value} WHERE id = ${id}`,
    `DELETE FROM ${table} WHERE id = ${id}`,
  ][random(3)]
  const rare = [
    `TRUNCATE ${table}`,
    `ALTER TABLE a RENAME TO c; ALTER TABLE b RENAME TO a; ALTER TABLE c RENAME TO b`,
    `ALTER TABLE ${table} ALTER COLUMN value TYPE bigint USING value + 1`,
    `ALTER TABLE ${table} DISABLE TRIGGER plinth_track, DISABLE TRIGGER plinth_stamp; ${write}; ALTER TABLE ${table} ENABLE ALWAYS TRIGGER plinth_track, ENABLE ALWAYS TRIGGER plinth_stamp`,
    `SELECT plinth.touch_all()`,
    `SET LOCAL session_replication_role = replica; ${write}`,
  ][random(6)]
  const cleaned = `${write}; SELECT plinth.clean('${table}'::regclass, pg_current_xact_id(), pg_snapshot_xmin(pg_current_snapshot()), '0', 1000)`
  if (!open)
    return (
      [`BEGIN ISOLATION LEVEL ${isolation}; ${write}`, `BEGIN ISOLATION LEVEL ${isolation}`, write, `BEGIN; ${rare}; COMMIT`][random(4)] ??
      ''
    )
  return (
    [
      write,
      write,
      cleaned,
      `SAVEPOINT s; ${write}`,
      `SAVEPOINT s; ${write}; ROLLBACK TO s`,
      `SAVEPOINT s; ${cleaned}; RELEASE s`,
      rare,
      'COMMIT',
      'COMMIT',
      'COMMIT',
      'ROLLBACK',
    ][random(11)] ?? ''
  )
}

const mayHappen = new Set(['55P03', '40001', '40P01', '23505', '55006'])

/** A step that cannot be taken (somebody holds the lock) ends its transaction. */
async function take(writer: Writer, sql: string): Promise<void> {
  try {
    await writer.client.query(sql)
    if (sql.startsWith('BEGIN')) writer.open = !sql.endsWith('COMMIT')
    if (/^(COMMIT|ROLLBACK)$/.test(sql)) writer.open = false
  } catch (error) {
    if (!mayHappen.has((error as { code?: string }).code ?? '')) throw error
    await writer.client.query('ROLLBACK')
    writer.open = false
  }
}

/** Versions of the two tables and of their rows, each with what stood there in the same snapshot; nothing while one is locked. */
async function observe(client: Client): Promise<[version: string, content: string][]> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  try {
    const seen: [string, string][] = []
    for (const table of ['a', 'b']) {
      const { versions } = await askVersions(client, { tables: [`"${table}"`] })
      const { rows } = await client.query<{ id: number; value: string }>(`SELECT id, value::text FROM ${table} ORDER BY id`)
      seen.push([`table ${versions[0]}`, JSON.stringify(rows)])
      for (const id of ids) {
        const { versions: own } = await askVersions(client, {
          tables: [],
          row: { table: `"${table}"`, condition: 'id = $1::int', values: [String(id)] },
        })
        seen.push([`row ${id} ${own[0]}`, JSON.stringify(rows.find((row) => row.id === id))])
      }
    }
    return seen
  } catch (error) {
    if ((error as { code?: string }).code === '55P03') return []
    throw error
  } finally {
    await client.query('ROLLBACK')
  }
}

async function impatient(url: string): Promise<Client> {
  const client = await connect(url)
  await client.query(`SET lock_timeout = '5ms'; SET client_min_messages = error`)
  return client
}

describe.each(testDatabases())('$name', ({ url: server }) => {
  test.each([1, 2])('equal versions came with equal rows, whatever was done in between (seed %i)', async (seed) => {
    const random = randomFrom(seed)
    const url = await scratchUrl(server)
    const observer = await impatient(url)
    await trackTables(
      observer,
      'CREATE TABLE a (id integer PRIMARY KEY, value bigint); CREATE TABLE b (id integer PRIMARY KEY, value bigint)',
      {
        versioned: ['a', 'b'],
        tracked: ['a', 'b'],
      },
    )
    const writers = await Promise.all(
      Array.from({ length: 4 }, async (): Promise<Writer> => ({ client: await impatient(url), open: false })),
    )
    const contents = new Map<string, string>()
    const log: string[] = []
    for (let step = 1; step <= steps; step++) {
      const index = random(writers.length)
      const writer = writers[index]
      if (writer === undefined) continue
      const sql = nextStep(writer, random, step * 10)
      log.push(`${index}: ${sql}`)
      await take(writer, sql)
      for (const [version, content] of await observe(observer)) {
        expect(contents.get(version) ?? content, `${version} after\n${log.slice(-30).join('\n')}`).toBe(content)
        contents.set(version, content)
      }
    }
    expect(contents.size).toBeGreaterThan(steps / 5)
    expect([...contents.keys()].filter((version) => version.startsWith('table null')).length).toBe(0)
  })
})

// Tables that the cache follows, made without a migration, and the version that a reader would be told.

import { hash } from 'node:crypto'
import type { Client } from 'pg'
import { gainedStatements, noTracking, trackingChange, type Tracking } from '../../src/db/migrate/tracking.ts'
import { installSystem } from '../../src/db/system/install.ts'
import { versionStatement, type VersionQuestion } from '../../src/db/system/version-query.ts'

/** Installs the schema `plinth`, runs `sql` and puts the triggers on the tables (of `public`, by their bare names). */
export async function trackTables(client: Client, sql: string, wanted: Partial<Omit<Tracking, 'walled'>>): Promise<void> {
  await installSystem(client)
  await client.query(sql)
  const tables = [...new Set(Object.values(wanted).flat())]
  const ddl = tables.map((name) => ({ entityType: 'tables' as const, schema: 'public', name }))
  const { versioned, tracked, fenced } = { ...noTracking, ...wanted }
  const named = (names: readonly string[]): string[] => names.map((name) => `public.${name}`)
  const change = trackingChange(
    { ddl: [] },
    { ddl, plinth: { versioned: named(versioned), tracked: named(tracked), fenced: named(fenced) } },
  )
  for (const statement of gainedStatements(change)) await client.query(statement)
  await client.query('SELECT plinth.touch_all()')
}

export interface Answer {
  readonly identity: string
  /** In the order of the question, the row first; null for what is not tracked. */
  readonly versions: readonly (string | null)[]
}

/** Asks as the application does, on a connection of the test: prepared. */
export async function askVersions(client: Client, question: VersionQuestion): Promise<Answer> {
  const { text, values } = versionStatement(question)
  const name = hash('sha1', text)
  const { rows } = await client.query<[string, string, string | null]>({ name, text, values: [...values], rowMode: 'array' })
  return { identity: rows[0]?.[0] ?? '', versions: rows.map(([, , version]) => version) }
}

/** The version of one table; null when it is not tracked. */
export async function versionOf(client: Client, table: string): Promise<string | null> {
  const { versions } = await askVersions(client, { tables: [table] })
  return versions[0] ?? null
}

// The record of applied migrations in the database, and what it says about a folder.

import type { Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'
import type { Migration } from './folder.ts'
import { splitStatements } from './split.ts'

/** One row of `public.plinth_migrations`. */
export interface AppliedMigration {
  readonly revision: string
  readonly upHash: string
  readonly downHash: string
  readonly appliedAt: Date
  readonly durationMs: number
}

const createTable = `
CREATE TABLE IF NOT EXISTS public.plinth_migrations (
  revision text PRIMARY KEY,
  up_sha256 text NOT NULL,
  down_sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  duration_ms integer NOT NULL
)`

/** Makes the table when it is not there. Call it under the lock: two CREATE IF NOT EXISTS at once can fail. */
export async function prepareLedger(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ there: boolean }>(`SELECT to_regclass('public.plinth_migrations') IS NOT NULL AS there`)
  if (rows[0]?.there !== true) await connection.query(createTable)
}

/** Applied migrations by revision; empty when the database has never been migrated. Writes nothing. */
export async function readLedger(connection: Connection): Promise<Map<string, AppliedMigration>> {
  const { rows: found } = await connection.query<{ there: boolean }>(`SELECT to_regclass('public.plinth_migrations') IS NOT NULL AS there`)
  if (found[0]?.there !== true) return new Map()
  const { rows } = await connection.query<AppliedMigration>(
    `SELECT revision, up_sha256 AS "upHash", down_sha256 AS "downHash", applied_at AS "appliedAt", duration_ms AS "durationMs" FROM public.plinth_migrations`,
  )
  return new Map(rows.map((row) => [row.revision, row]))
}

/** Adds a migration; `durationMs` is 0 for one that was only stamped. */
export async function record(connection: Connection, { revision, upHash, downHash }: Migration, durationMs: number): Promise<void> {
  await connection.query('INSERT INTO public.plinth_migrations (revision, up_sha256, down_sha256, duration_ms) VALUES ($1, $2, $3, $4)', [
    revision,
    upHash,
    downHash,
    Math.round(durationMs),
  ])
}

export async function forget(connection: Connection, revision: string): Promise<void> {
  await connection.query('DELETE FROM public.plinth_migrations WHERE revision = $1', [revision])
}

export type MigrationState =
  /** Applied as the files are. */
  | 'applied'
  /** Applied, and its up.sql or down.sql was changed since. */
  | 'edited'
  /** Not applied. */
  | 'pending'
  /** Not applied although it sorts before an applied one. */
  | 'late'
  /** Applied, and its folder is gone. */
  | 'missing'

export interface MigrationStatus {
  readonly revision: string
  readonly state: MigrationState
  readonly appliedAt?: Date
  readonly durationMs?: number
  /** Files that were changed since they were applied: `up.sql`. */
  readonly edited: readonly string[]
}

/** Every migration of the folder and of the record, in the order they are applied; those without a folder come first. */
export function compare(migrations: readonly Migration[], applied: ReadonlyMap<string, AppliedMigration>): MigrationStatus[] {
  const known = new Set(migrations.map(({ revision }) => revision))
  const missing = [...applied.values()]
    .filter(({ revision }) => !known.has(revision))
    .toSorted((a, b) => (a.revision < b.revision ? -1 : 1))
  const newest = migrations.findLastIndex(({ revision }) => applied.has(revision))
  return [
    ...missing.map(({ revision, appliedAt, durationMs }) => ({ revision, state: 'missing' as const, appliedAt, durationMs, edited: [] })),
    ...migrations.map((migration, index) => statusOf(migration, applied.get(migration.revision), index < newest)),
  ]
}

function statusOf(migration: Migration, row: AppliedMigration | undefined, isLate: boolean): MigrationStatus {
  const { revision } = migration
  if (row === undefined) return { revision, state: isLate ? 'late' : 'pending', edited: [] }
  const edited = [...(row.upHash === migration.upHash ? [] : ['up.sql']), ...(row.downHash === migration.downHash ? [] : ['down.sql'])]
  return { revision, state: edited.length > 0 ? 'edited' : 'applied', appliedAt: row.appliedAt, durationMs: row.durationMs, edited }
}

/** What an upgrade or downgrade may overlook. */
export interface Tolerance {
  /** Apply late migrations. */
  readonly late: boolean
  /** File whose change since it was applied matters. */
  readonly file: 'up.sql' | 'down.sql'
}

/**
 * Refuses to go on from a record that does not fit the folder.
 *
 * @throws  MIGRATE_FILE_MISSING, MIGRATE_EDITED, MIGRATE_LATE
 */
export function refuseMismatch(statuses: readonly MigrationStatus[], { late, file }: Tolerance): void {
  const missing = statuses.filter(({ state }) => state === 'missing').map(({ revision }) => revision)
  if (missing.length > 0) throw migrateErrors.FILE_MISSING(missing)
  const edited = statuses.filter((status) => status.edited.includes(file)).map(({ revision }) => `${revision}/${file}`)
  if (edited.length > 0) throw migrateErrors.EDITED(edited)
  const overtaken = statuses.filter(({ state }) => state === 'late').map(({ revision }) => revision)
  const newest = statuses.findLast(({ appliedAt }) => appliedAt !== undefined)?.revision ?? ''
  if (!late && overtaken.length > 0) throw migrateErrors.LATE(overtaken, newest)
}

/** Number of statements of a file, for progress. */
export function countStatements(source: string): number {
  return splitStatements(source).length
}

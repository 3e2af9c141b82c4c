// Where a database stands, and what the folder holds. Reads only.

import { pendingSteps } from '../system/install.ts'
import type { Connection } from './connection.ts'
import { headsOf, readMigrations } from './folder.ts'
import { compare, countStatements, readLedger, type MigrationStatus } from './ledger.ts'
import { losesData, runsOutsideTransaction } from './render.ts'

export interface DatabaseStatus {
  /** Newest applied migration of the folder. */
  readonly current: string | undefined
  readonly migrations: readonly MigrationStatus[]
  /** Migrations that an upgrade would apply. */
  readonly pending: number
  /** Steps of the schema `plinth` that an upgrade would apply. */
  readonly systemSteps: readonly number[]
  /** True when an upgrade would refuse to run: edited, missing or late migrations. */
  readonly blocked: boolean
}

/** Compares the record of a database with the folder; needs no lock and makes no table. */
export async function status(connection: Connection, directory: string): Promise<DatabaseStatus> {
  const migrations = compare(await readMigrations(directory), await readLedger(connection))
  const count = (...states: MigrationStatus['state'][]): number => migrations.filter(({ state }) => states.includes(state)).length
  return {
    current: migrations.findLast(({ appliedAt, state }) => appliedAt !== undefined && state !== 'missing')?.revision,
    migrations,
    pending: count('pending', 'late'),
    systemSteps: await pendingSteps(connection),
    blocked: count('missing', 'late') > 0 || migrations.some(({ edited }) => edited.includes('up.sql')),
  }
}

export interface HistoryEntry {
  readonly revision: string
  /** The folder's name without the number, in words: `add heading`. */
  readonly message: string
  readonly statements: number
  readonly transaction: boolean
  /** The way up has steps marked as losing data. */
  readonly losesData: boolean
  /** Revisions it was made from. */
  readonly parents: readonly string[]
  /** No other migration was made from it. Several heads: two branches were merged. */
  readonly isHead: boolean
}

/** What the folder holds, oldest first; needs no database. */
export async function history(directory: string): Promise<HistoryEntry[]> {
  const migrations = await readMigrations(directory)
  const heads = new Set(headsOf(migrations))
  return migrations.map((migration) => ({
    revision: migration.revision,
    message: migration.revision.replace(/^\d+_/, '').replaceAll('_', ' '),
    statements: countStatements(migration.up),
    transaction: !runsOutsideTransaction(migration.up),
    losesData: losesData(migration.up),
    parents: migrations.filter(({ snapshot }) => migration.snapshot.prevIds.includes(snapshot.id)).map(({ revision }) => revision),
    isHead: heads.has(migration),
  }))
}

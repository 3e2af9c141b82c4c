// The trial run before a migration is written: on a shadow, up → down → up, compared with schemas made afresh from the snapshots.

import { clearDatabase } from './clear.ts'
import { compareCatalogs, describeDifference, readCatalog, type Catalog } from './catalog.ts'
import { inTransaction, type Connection } from './connection.ts'
import type { AppError } from '../../core/errors.ts'
import { migrateErrors } from './errors.ts'
import { renderFile, runsOutsideTransaction } from './render.ts'
import { runOutsideTransaction, runStatements, type SqlFile } from './run-file.ts'
import { emptySnapshot, type Snapshot } from './snapshot.ts'
import { statementsBetween } from './steps.ts'

/** What is tried: files in the order they are applied, and the states before the first and after the last. */
export interface Trial {
  readonly before: Snapshot
  readonly after: Snapshot
  readonly files: readonly { readonly up: string; readonly down: string }[]
}

/**
 * Runs the trial and leaves the shadow empty or broken; nobody else may use it.
 *
 * @throws  MIGRATE_NOT_REVERSIBLE, with the differences of the catalogs or the statement that failed
 */
export async function tryMigration(connection: Connection, trial: Trial): Promise<void> {
  const target = await afresh(connection, trial.after, (problem) => migrateErrors.INVALID_MODELS(problem))
  const start = await afresh(connection, trial.before, (problem) => migrateErrors.NOT_REVERSIBLE('creating the old schema', problem))
  const step = async (stage: string, files: readonly string[], expected: Catalog): Promise<void> => {
    const found = await after(connection, files, (problem) => migrateErrors.NOT_REVERSIBLE(stage, problem))
    expectSame(stage, expected, found)
  }
  const ups = trial.files.map(({ up }) => up)
  const downs = trial.files.map(({ down }) => down).toReversed()
  await step('up', ups, target)
  await step('down', downs, start)
  await step('up again', ups, target)
}

/** Makes a schema from nothing and reads it. */
async function afresh(connection: Connection, snapshot: Snapshot, failure: Failure): Promise<Catalog> {
  await clearDatabase(connection)
  return after(connection, [await creationOf(snapshot)], failure)
}

/** The file that makes a schema from nothing. */
export async function creationOf(snapshot: Snapshot): Promise<string> {
  const statements = (await statementsBetween(emptySnapshot, snapshot)).map(withoutConcurrency)
  return renderFile({ title: 'creation', transaction: true, statements, losses: [], notes: [] })
}

/** `CREATE INDEX CONCURRENTLY` → `CREATE INDEX`, for inside a transaction. */
export function withoutConcurrency(statement: string): string {
  return statement.replace(/^(CREATE (?:UNIQUE )?INDEX) CONCURRENTLY/, '$1')
}

type Failure = (problem: string) => AppError

async function after(connection: Connection, sources: readonly string[], failure: Failure): Promise<Catalog> {
  try {
    for (const source of sources) await runTrialFile(connection, { name: 'trial', source: shared(source) })
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error)).with({ cause: error })
  }
  return readCatalog(connection)
}

async function runTrialFile(connection: Connection, file: SqlFile): Promise<void> {
  if (runsOutsideTransaction(file.source)) await runOutsideTransaction(connection, file)
  else await inTransaction(connection, () => runStatements(connection, file))
}

/** Roles belong to the whole server, so a shadow there may find them made, and leaves them. */
function shared(source: string): string {
  return source
    .replaceAll(/^CREATE ROLE .*;$/gm, (statement) => `DO $role$ BEGIN ${statement} EXCEPTION WHEN duplicate_object THEN NULL; END $role$;`)
    .replaceAll(/^(?:ALTER|DROP) ROLE .*;$/gm, '')
}

function expectSame(stage: string, expected: Catalog, found: Catalog): void {
  const differences = compareCatalogs(expected, found)
  if (differences.length === 0) return
  const list = differences.slice(0, 20).map((difference) => `\n  - ${describeDifference(difference)}`)
  throw migrateErrors.NOT_REVERSIBLE(stage, `the schema is not the expected one:${list.join('')}`)
}

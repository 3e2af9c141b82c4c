// The trial run before a migration is written: on a shadow, up → down → up, compared with schemas made afresh from the snapshots.

import { installSystem } from '../system/install.ts'
import { clearDatabase } from './clear.ts'
import { compareCatalogs, describeDifference, readCatalog, type Catalog } from './catalog.ts'
import { inTransaction, type Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'
import type { Migration } from './folder.ts'
import { renderFile, runsOutsideTransaction } from './render.ts'
import { replay } from './replay.ts'
import { runOutsideTransaction, runStatements } from './run-file.ts'
import { emptySnapshot, type Snapshot } from './snapshot.ts'
import { statementsBetween } from './steps.ts'

/** What is tried: files in the order they are applied, and the states before the first and after the last. */
export interface Trial {
  readonly before: Snapshot
  readonly after: Snapshot
  readonly files: readonly { readonly up: string; readonly down: string }[]
  /** Migrations that lead to `before`. */
  readonly history: readonly Migration[]
}

/**
 * Runs the trial and leaves the shadow as it comes; nobody else may use it.
 *
 * When a schema cannot be made from its snapshot alone, because SQL written by hand has made a domain or function that it uses, the
 * migrations are replayed instead: then up and down are compared with each other, and not with a fresh schema.
 *
 * @returns  true when it was compared with a fresh schema
 * @throws   MIGRATE_NOT_REVERSIBLE, with the differences of the catalogs or the statement that failed; MIGRATE_INVALID_MODELS
 */
export async function tryMigration(connection: Connection, trial: Trial): Promise<boolean> {
  await installSystem(connection)
  const target = await afresh(connection, trial.after)
  const start = await afresh(connection, trial.before)
  if (target instanceof Error && trial.history.length === 0) throw migrateErrors.INVALID_MODELS(target.message).with({ cause: target })
  const isComparable = !(target instanceof Error) && !(start instanceof Error)
  const upAndDown = { ups: trial.files.map(({ up }) => up), downs: trial.files.map(({ down }) => down).toReversed() }
  if (isComparable) await runTrial(connection, upAndDown, start, target)
  else await runTrial(connection, upAndDown, await replayed(connection, trial.history))
  return isComparable
}

interface UpAndDown {
  readonly ups: readonly string[]
  readonly downs: readonly string[]
}

/** Without a target, what the first way up gives is what the second has to give. */
async function runTrial(connection: Connection, { ups, downs }: UpAndDown, start: Catalog, target?: Catalog): Promise<void> {
  const first = await catalogAfter(connection, ups, 'up')
  expectSame('up', target ?? first, first)
  expectSame('down', start, await catalogAfter(connection, downs, 'down'))
  expectSame('up again', first, await catalogAfter(connection, ups, 'up again'))
}

/** Makes a schema from nothing and reads it; PostgreSQL's refusal when that cannot be. */
async function afresh(connection: Connection, snapshot: Snapshot): Promise<Catalog | Error> {
  await clearDatabase(connection)
  try {
    await runTrialFile(connection, await creationOf(snapshot))
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
  return readCatalog(connection)
}

async function replayed(connection: Connection, history: readonly Migration[]): Promise<Catalog> {
  await clearDatabase(connection)
  await failingAs('replaying the migrations before it', () => replay(connection, history))
  return readCatalog(connection)
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

async function catalogAfter(connection: Connection, sources: readonly string[], stage: string): Promise<Catalog> {
  await failingAs(stage, async () => {
    for (const source of sources) await runTrialFile(connection, source)
  })
  return readCatalog(connection)
}

async function failingAs(stage: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw migrateErrors.NOT_REVERSIBLE(stage, error instanceof Error ? error.message : String(error)).with({ cause: error })
  }
}

async function runTrialFile(connection: Connection, source: string): Promise<void> {
  const file = { name: 'trial', source: withoutRoles(source) }
  if (runsOutsideTransaction(source)) await runOutsideTransaction(connection, file)
  else await inTransaction(connection, () => runStatements(connection, file))
}

/** Roles belong to the whole server, so a shadow there may find them made, and leaves them. */
function withoutRoles(source: string): string {
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

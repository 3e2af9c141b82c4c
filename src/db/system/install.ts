// Brings the schema `plinth` of a database up to date. Where it is already, this reads one table and needs no privilege.

import type { Connection } from '../migrate/connection.ts'
import { migrateErrors } from '../migrate/errors.ts'
import type { SystemStep } from './step.ts'
import { systemSteps } from './steps.ts'

const prepare = `DO $step$ BEGIN
CREATE SCHEMA IF NOT EXISTS plinth;
CREATE TABLE IF NOT EXISTS plinth.system (step integer PRIMARY KEY, title text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
GRANT USAGE ON SCHEMA plinth TO PUBLIC;
GRANT SELECT ON plinth.system TO PUBLIC;
END $step$`

/**
 * Applies the steps that are missing, each in a transaction of its own. Call it under the migration lock, or on a database of your own.
 *
 * @param connection  not inside a transaction
 * @returns           numbers of the steps applied, in order
 * @throws            MIGRATE_SYSTEM_REFUSED when the role may not create the schema
 */
export async function installSystem(connection: Connection): Promise<number[]> {
  const applied = await appliedSteps(connection)
  const missing = missingSteps(applied)
  if (applied === undefined) await run(connection, prepare)
  for (const step of missing) await run(connection, asStatement(step))
  return missing.map(({ step }) => step)
}

/** Numbers of the steps that `installSystem` would apply; reads only. */
export async function pendingSteps(connection: Connection): Promise<number[]> {
  return missingSteps(await appliedSteps(connection)).map(({ step }) => step)
}

async function appliedSteps(connection: Connection): Promise<ReadonlySet<number> | undefined> {
  const { rows: found } = await connection.query<{ there: boolean }>(`SELECT to_regclass('plinth.system') IS NOT NULL AS there`)
  if (found[0]?.there !== true) return undefined
  const { rows } = await connection.query<{ step: number }>('SELECT step FROM plinth.system')
  return new Set(rows.map(({ step }) => step))
}

function missingSteps(applied: ReadonlySet<number> | undefined): SystemStep[] {
  return systemSteps.filter(({ step }) => applied?.has(step) !== true)
}

/** One statement, so that it is one round trip and all or nothing, also on PGlite, which takes one statement at a time. */
function asStatement({ step, title, sql }: SystemStep): string {
  return `DO $step$ BEGIN\n${sql}\nINSERT INTO plinth.system (step, title) VALUES (${step}, '${title.replaceAll("'", "''")}');\nEND $step$`
}

async function run(connection: Connection, statement: string): Promise<void> {
  try {
    await connection.query(statement)
  } catch (error) {
    if ((error as { code?: string }).code === '42501') throw migrateErrors.SYSTEM_REFUSED(messageOf(error)).with({ cause: error })
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

// The first migration of a database that was there before: its SQL as it is, and the snapshot of the models made from it.

import type { Connection } from '../migrate/connection.ts'
import { snapshotOf, type Models } from '../migrate/differ.ts'
import { readMigrations, writeFolder } from '../migrate/folder.ts'
import { renderFile } from '../migrate/render.ts'
import { pullErrors } from './errors.ts'
import type { ReadSchemaOptions } from './read-schema.ts'
import { dumpQueries, type DumpRow } from './sql/dump.ts'

/** Statements that make the schema of a database on an empty one, and those that take it away again. */
export interface SchemaDump {
  readonly up: readonly string[]
  readonly down: readonly string[]
}

/**
 * Writes a database's schema as SQL: schemas, extensions, types, sequences, functions, tables with partitions, constraints, indexes,
 * views, triggers, policies, comments. Left out: data, grants, owners, foreign tables, aggregates, operators, event triggers.
 *
 * @param connection  not inside a transaction
 */
export async function dumpSchema(connection: Connection, options: ReadSchemaOptions = {}): Promise<SchemaDump> {
  const rows: DumpRow[] = []
  await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  try {
    await connection.query(`SET LOCAL search_path = ''`)
    for (const query of dumpQueries) {
      const values = query.includes('$1') ? [options.schemas ?? null] : []
      rows.push(...(await connection.query<DumpRow>(query, values)).rows)
    }
  } finally {
    await connection.query('ROLLBACK') // nothing was written
  }
  return { up: rows.map(({ statement }) => statement), down: rows.flatMap(({ undo }) => (undo === null ? [] : [undo])).toReversed() }
}

const revision = '0001_pulled'

/**
 * Writes `0001_pulled`. Its up.sql makes the database anew elsewhere; here it is to be stamped as applied (`stamp(…, 'head')`).
 *
 * @param models  exports of the generated `api/models/index.ts`: with their snapshot `check` has nothing to say
 * @returns       name of the folder
 * @throws        PULL_MIGRATIONS_EXIST when there are migrations already
 */
export async function writePulled(
  directory: string,
  connection: Connection,
  models: Models,
  options: ReadSchemaOptions = {},
): Promise<string> {
  const present = await readMigrations(directory)
  if (present.length > 0) throw pullErrors.MIGRATIONS_EXIST(present.length)
  const [{ up, down }, snapshot] = [await dumpSchema(connection, options), await snapshotOf(models)]
  await writeFolder(directory, revision, {
    up: text('Up: the database as "plinth db pull" found it. It is recorded as applied there.', [
      'SET LOCAL check_function_bodies = off;',
      ...up,
    ]),
    down: text('Down: takes up.sql back.', down),
    snapshot,
  })
  return revision
}

function text(title: string, statements: readonly string[]): string {
  const losses = statements.flatMap((statement) =>
    statement.startsWith('DROP TABLE ') ? [{ statement, what: `${statement.slice(0, -1)} drops its rows` }] : [],
  )
  return renderFile({ title, transaction: true, statements, losses, notes: [] })
}

// Runs the statements of one file and says which one failed. Files that run outside a transaction are made restartable here.

import type { Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'
import { splitStatements, type SqlStatement } from './split.ts'

/** A file as messages name it, with its text. */
export interface SqlFile {
  /** `0002_add_heading/up.sql` */
  readonly name: string
  readonly source: string
}

const transactionWords = /^(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|PREPARE TRANSACTION)\b/

/**
 * Refuses statements that begin or end a transaction: half of the file would be committed on its own.
 *
 * @throws  MIGRATE_TRANSACTION_CONTROL
 */
export function statementsOf(file: SqlFile): SqlStatement[] {
  const statements = splitStatements(file.source)
  const control = statements.find(({ keywords }) => transactionWords.test(keywords) && !keywords.startsWith('ROLLBACK TO'))
  if (control !== undefined) throw migrateErrors.TRANSACTION_CONTROL(file.name, control.number, control.firstLine)
  return statements
}

/**
 * Runs one statement.
 *
 * @throws  MIGRATE_STATEMENT_FAILED; `cause` is PostgreSQL's error with its `code`
 */
export async function runStatement(connection: Connection, file: SqlFile, statement: SqlStatement): Promise<void> {
  try {
    await connection.query(statement.sql)
  } catch (error) {
    const { message, hint } = describe(error)
    throw migrateErrors.STATEMENT_FAILED(file.name, statement.number, statement.firstLine, message, hint).with({ cause: error })
  }
}

/** Runs all statements of a file on a connection that is inside a transaction, or needs none. */
export async function runStatements(connection: Connection, file: SqlFile): Promise<void> {
  for (const statement of statementsOf(file)) await runStatement(connection, file, statement)
}

const hints: Readonly<Record<string, string>> = {
  '25001': 'A statement that cannot run in a transaction belongs into a file that starts with "-- plinth: no-transaction".',
  '55P03': 'Somebody else holds a lock on the table. Try again when there is less traffic, or find the session in pg_stat_activity.',
  '55P04': 'A new enum value can be used only after it is committed: add the value in a migration of its own.',
  '23502': 'Fill the rows that are NULL first, in the same file.',
  '23505': 'Remove the duplicates first, in the same file.',
}

function describe(error: unknown): { message: string; hint: string | undefined } {
  const { message, detail, hint, code } = error as { message: string; detail?: string; hint?: string; code?: string } // DatabaseError, or what the socket threw
  return { message: detail === undefined ? message : `${message} (${detail})`, hint: hints[code ?? ''] ?? hint }
}

const concurrentIndex = /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY\b/
const indexName =
  /\bCONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?("(?:[^"]|"")+"|[\w$]+)\s+ON\s+(?:ONLY\s+)?((?:(?:"(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?(?:"(?:[^"]|"")+"|[\w$]+))/i

/**
 * Runs a file outside a transaction. A concurrent index that an earlier run left INVALID is dropped before it is built, and one that
 * fails now is dropped at once, so that the file can be run again and no broken index slows writes down.
 *
 * @param lockTimeoutMs  `lock_timeout` of statements that are not CONCURRENTLY; 0 for none. It stays set for the session.
 */
export async function runOutsideTransaction(connection: Connection, file: SqlFile, lockTimeoutMs = 0): Promise<void> {
  for (const statement of splitStatements(file.source)) {
    // CONCURRENTLY waits for old transactions without making anybody wait for itself.
    await connection.query(`SET lock_timeout = ${/\bCONCURRENTLY\b/i.test(statement.sql) ? 0 : Math.round(lockTimeoutMs)}`)
    const index = concurrentIndex.test(statement.keywords) ? indexName.exec(statement.sql) : null
    if (index) await dropInvalid(connection, index)
    try {
      await runStatement(connection, file, statement)
    } catch (error) {
      if (index) await dropInvalid(connection, index)
      throw error
    }
  }
}

/** An index lies in the schema of its table. */
async function dropInvalid(connection: Connection, [, name = '', table = '']: RegExpExecArray): Promise<void> {
  const { rows } = await connection.query<{ path: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS path FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT i.indisvalid AND i.indrelid = to_regclass($1) AND c.relname = $2`,
    [table, name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()],
  )
  for (const { path } of rows) await connection.query(`DROP INDEX CONCURRENTLY IF EXISTS ${path}`)
}

// Applies one file: all of it or nothing, with a bound on how long it may make others wait for a table.

import { setTimeout as sleep } from 'node:timers/promises'
import { inTransaction, type Connection } from './connection.ts'
import type { Migration } from './folder.ts'
import { forget, record } from './ledger.ts'
import { openToApp } from './open-to-app.ts'
import { runsOutsideTransaction } from './render.ts'
import { runOutsideTransaction, runStatement, statementsOf, type SqlFile } from './run-file.ts'
import { admitUnfenced, openUnfenced } from './unfenced.ts'

export interface LockPatience {
  /**
   * `lock_timeout`: a statement that waits for a table blocks everybody who comes after it, so it gives up after this time.
   * All locks are then let go before the next try.
   */
  readonly lockTimeoutMs: number
  readonly tries: number
}

export type Direction = 'up' | 'down'

/**
 * Runs up.sql or down.sql and writes it into the record, in one transaction unless the file asks for none.
 *
 * @returns  milliseconds of the try that succeeded
 * @throws   MIGRATE_STATEMENT_FAILED, MIGRATE_TRANSACTION_CONTROL, MIGRATE_APP_ROLE_REFUSED; the schema is then as it was
 */
export async function applyFile(
  connection: Connection,
  migration: Migration,
  direction: Direction,
  patience: LockPatience,
): Promise<number> {
  const file = { name: `${migration.revision}/${direction}.sql`, source: migration[direction] }
  const start = performance.now()
  await connection.query(`SET plinth.tenant = '*'`) // else row-level security would show an owner who is no superuser no row
  try {
    if (runsOutsideTransaction(file.source)) await applyOutside(connection, file, migration, direction, patience.lockTimeoutMs)
    else await applyInside(connection, file, migration, direction, patience)
  } finally {
    await connection.query('RESET ALL').catch(() => undefined) // what the file set for the session; a lost connection has nothing to reset
  }
  return performance.now() - start
}

async function applyOutside(
  connection: Connection,
  file: SqlFile,
  migration: Migration,
  direction: Direction,
  lockTimeoutMs: number,
): Promise<void> {
  const start = performance.now()
  await connection.query('SET statement_timeout = 0')
  await openUnfenced(connection)
  try {
    await runOutsideTransaction(connection, file, lockTimeoutMs)
  } catch (error) {
    await touchAll(connection).catch(() => undefined) // the statements before it are committed; a lost connection cannot say so
    await openToApp(connection, migration.snapshot.ddl).catch(() => undefined)
    throw error
  }
  await inTransaction(connection, () => write(connection, migration, direction, performance.now() - start))
}

async function applyInside(
  connection: Connection,
  file: SqlFile,
  migration: Migration,
  direction: Direction,
  patience: LockPatience,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await openUnfenced(connection)
      await inTransaction(connection, () => runInside(connection, file, migration, direction, patience.lockTimeoutMs))
      return
    } catch (error) {
      if (!isWorthRetrying(error) || attempt >= patience.tries) throw error
      await sleep(pauseMs(attempt, patience.lockTimeoutMs))
    }
  }
}

/** Twice to four times the time we made others wait, so that they can catch up; random, so that two migrators do not meet. */
function pauseMs(attempt: number, lockTimeoutMs: number): number {
  return lockTimeoutMs * (1 + Math.min(attempt, 3)) * (0.75 + Math.random() / 2)
}

async function runInside(
  connection: Connection,
  file: SqlFile,
  migration: Migration,
  direction: Direction,
  lockTimeoutMs: number,
): Promise<void> {
  const start = performance.now()
  const statements = statementsOf(file)
  await connection.query('SET LOCAL statement_timeout = 0')
  await connection.query(`SET LOCAL lock_timeout = ${Math.max(1, Math.round(lockTimeoutMs))}`)
  await connection.query('SET LOCAL idle_in_transaction_session_timeout = 0')
  await admitUnfenced(connection)
  for (const statement of statements) await runStatement(connection, file, statement)
  await write(connection, migration, direction, performance.now() - start)
}

/**
 * The last thing a file does. Changes of the schema fire no trigger, so every cached table gets another version here. A view that the file has made
 * would read past the walls of tenants with the rights of its owner, also one that it has replaced: the application never sees it so.
 */
async function write(connection: Connection, migration: Migration, direction: Direction, durationMs: number): Promise<void> {
  await touchAll(connection)
  await openToApp(connection, migration.snapshot.ddl)
  if (direction === 'up') await record(connection, migration, durationMs)
  else await forget(connection, migration.revision)
}

async function touchAll(connection: Connection): Promise<void> {
  await connection.query('SELECT plinth.touch_all()')
}

/** 55P03 lock_not_available; 40P01 deadlock_detected, which the other side may have won; 55000 the fenced cache was switched on again. */
const worthRetrying = new Set(['55P03', '40P01', '55000'])

function isWorthRetrying(error: unknown): boolean {
  const codes = error instanceof Error ? [error, error.cause as object | undefined] : []
  return codes.some((it) => it !== undefined && 'code' in it && worthRetrying.has(String(it.code)))
}

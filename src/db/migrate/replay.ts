// Runs migration files from the first to the last on an empty database, without bookkeeping.

import { installSystem } from '../system/install.ts'
import { inTransaction, type Connection } from './connection.ts'
import type { Migration } from './folder.ts'
import { runsOutsideTransaction } from './render.ts'
import { runOutsideTransaction, runStatements } from './run-file.ts'

/** @throws MIGRATE_STATEMENT_FAILED, MIGRATE_TRANSACTION_CONTROL */
export async function replay(connection: Connection, migrations: readonly Migration[]): Promise<void> {
  await installSystem(connection)
  for (const { revision, up } of migrations) {
    const file = { name: `${revision}/up.sql`, source: up }
    if (runsOutsideTransaction(up)) await runOutsideTransaction(connection, file)
    else await inTransaction(connection, () => runStatements(connection, file))
    await connection.query('RESET ALL') // a file may have changed settings for the session
  }
}

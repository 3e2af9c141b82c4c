// Back to nothing, and up again: for development and tests.

import { clearSchemas } from './clear.ts'
import { inTransaction, type Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'
import { readMigrations } from './folder.ts'
import { entitiesOf } from './snapshot.ts'
import { openUnfenced } from './unfenced.ts'
import { locked, upgrade, type RunOptions } from './upgrade.ts'

export interface ResetOptions extends RunOptions {
  readonly isProduction: boolean
  readonly force?: boolean
}

/**
 * Drops everything in `public`, in `plinth` and in the schemas of the migrations (not what extensions own), and applies all migrations.
 *
 * @returns  revisions applied
 * @throws   MIGRATE_RESET_REFUSED in production without `force`
 */
export async function reset(connection: Connection, directory: string, options: ResetOptions): Promise<string[]> {
  if (options.isProduction && options.force !== true) throw migrateErrors.RESET_REFUSED()
  return locked(connection, options, async () => {
    const migrations = await readMigrations(directory)
    const schemas = migrations.flatMap(({ snapshot }) => entitiesOf(snapshot.ddl, 'schemas').map(({ name }) => name))
    await openUnfenced(connection)
    await inTransaction(connection, () => clearSchemas(connection, ['public', 'plinth', ...new Set(schemas)]))
    return upgrade(connection, directory, options) // the lock is the session's: it is taken a second time and given back
  })
}

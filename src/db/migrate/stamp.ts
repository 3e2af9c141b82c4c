// Changes the record without running anything: for a database that already has what the files would make.

import { inTransaction, type Connection } from './connection.ts'
import { readMigrations } from './folder.ts'
import { forget, readLedger, record } from './ledger.ts'
import { findMigration, locked, type RunOptions } from './upgrade.ts'

/**
 * Records every migration up to `target` as applied with the files as they are, and nothing else.
 *
 * @param target  a migration, `head` or `base`
 * @returns       revisions the record has now
 * @throws        MIGRATE_UNKNOWN_REVISION, MIGRATE_LOCKED
 */
export function stamp(connection: Connection, directory: string, target: string, options: RunOptions = {}): Promise<string[]> {
  return locked(connection, options, async () => {
    const migrations = await readMigrations(directory)
    const end = target === 'base' ? 0 : target === 'head' ? migrations.length : migrations.indexOf(findMigration(migrations, target)) + 1
    const wanted = migrations.slice(0, end)
    const before = await readLedger(connection)
    await inTransaction(connection, async () => {
      for (const [revision, row] of before) {
        const same = wanted.some(
          (migration) => migration.revision === revision && migration.upHash === row.upHash && migration.downHash === row.downHash,
        )
        if (!same) await forget(connection, revision)
      }
      const kept = await readLedger(connection)
      for (const migration of wanted) if (!kept.has(migration.revision)) await record(connection, migration, 0)
    })
    return wanted.map(({ revision }) => revision)
  })
}

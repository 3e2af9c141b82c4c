// Joins two branches of migrations by an empty one, after a replay has shown that both together give what the models say.

import { compareCatalogs, describeDifference, readCatalog } from './catalog.ts'
import { clearDatabase } from './clear.ts'
import { inTransaction } from './connection.ts'
import { migrateErrors } from './errors.ts'
import { extensionsNeeded } from './extensions.ts'
import type { Migration } from './folder.ts'
import type { PlannedPart } from './parts.ts'
import { renderFile } from './render.ts'
import { replay } from './replay.ts'
import { runStatements } from './run-file.ts'
import type { OpenShadow } from './shadow.ts'
import type { Snapshot } from './snapshot.ts'
import { creationOf } from './trial.ts'

/**
 * The empty migration that joins all ends.
 *
 * @throws  MIGRATE_MERGE_DIFFERS
 */
export async function mergePart(migrations: readonly Migration[], after: Snapshot, open: OpenShadow): Promise<PlannedPart> {
  const differences = await differencesFromReplay(migrations, after, open)
  if (differences.length > 0) throw migrateErrors.MERGE_DIFFERS(differences)
  const file = renderFile({
    title: 'Joins two branches of migrations; both together give the schema in snapshot.json.',
    transaction: true,
    statements: [],
    losses: [],
    notes: [],
  })
  return { suffix: '', transaction: true, up: [], down: [], upSql: file, downSql: file, snapshot: after }
}

/** How a replay of the files differs from the schema of a snapshot; empty also when no shadow can tell. */
export async function differencesFromReplay(migrations: readonly Migration[], after: Snapshot, open: OpenShadow): Promise<string[]> {
  const shadow = await open(
    extensionsNeeded(
      migrations,
      migrations.flatMap(({ snapshot }) => snapshot.ddl),
    ),
  )
  if (shadow === undefined) return []
  const { connection } = shadow
  try {
    await replay(connection, migrations)
    const replayed = await readCatalog(connection)
    await clearDatabase(connection)
    const source = await creationOf(after)
    await inTransaction(connection, () => runStatements(connection, { name: 'models', source }))
    return compareCatalogs(await readCatalog(connection), replayed).map(describeDifference)
  } finally {
    await shadow.close()
  }
}

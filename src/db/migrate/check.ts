// Do the three agree: models, migrations, database? `check` compares the first two, `drift` the last two.

import { compareCatalogs, describeDifference, readCatalog, type Catalog } from './catalog.ts'
import type { Connection } from './connection.ts'
import { describeChanges } from './describe.ts'
import { snapshotOf, type Models } from './differ.ts'
import { extensionsNeeded } from './extensions.ts'
import { lastSnapshot, readMigrations } from './folder.ts'
import { readLedger } from './ledger.ts'
import { replay } from './replay.ts'
import { majorOf, pgliteShadow, type OpenShadow } from './shadow.ts'
import { entitiesOf } from './snapshot.ts'
import { statementsBetween } from './steps.ts'
import { describeTracking, noTracking, trackingChange, type Tracking } from './tracking.ts'

/**
 * What the models say and the migrations do not; empty when a new migration would be empty.
 *
 * @param tracking  what the cache needs of the tables
 * @returns         a sentence each, without a full stop: `table "tags" is new`
 * @throws          MIGRATE_BRANCHED, MIGRATE_INVALID_MODELS, MIGRATE_TOOL_MISSING
 */
export async function check(models: Models, directory: string, tracking: Tracking = noTracking): Promise<string[]> {
  const before = lastSnapshot(await readMigrations(directory))
  const after = await snapshotOf(models, [], tracking)
  const statements = await statementsBetween(before, after)
  if (statements.length === 0) return []
  const changes = [...describeChanges(before.ddl, after.ddl), ...describeTracking(trackingChange(before, after))]
  return changes.length > 0 ? changes : statements
}

export type Drift =
  /** No shadow database has the extensions that the migrations use. */
  | { readonly kind: 'unknown'; readonly extensions: readonly string[] }
  | { readonly kind: 'compared'; readonly differences: readonly string[] }

/**
 * How a database differs from what its applied migrations make, by a replay on a shadow. Only `public` and the schemas of the
 * migrations are compared.
 *
 * @throws  MIGRATE_STATEMENT_FAILED when a migration cannot be replayed from nothing
 */
export async function drift(connection: Connection, directory: string, open: OpenShadow = pgliteShadow): Promise<Drift> {
  const applied = await readLedger(connection)
  const migrations = (await readMigrations(directory)).filter(({ revision }) => applied.has(revision))
  const entities = migrations.flatMap(({ snapshot }) => snapshot.ddl)
  const schemas = ['public', ...new Set(entitiesOf(entities, 'schemas').map(({ name }) => name))]
  const extensions = extensionsNeeded(migrations, entities)
  const shadow = await open(extensions)
  if (shadow === undefined) return { kind: 'unknown', extensions }
  try {
    await replay(shadow.connection, migrations)
    const sameVersion = shadow.major === (await majorOf(connection))
    const [expected, found] = [await readCatalog(shadow.connection, { schemas }), await readCatalog(connection, { schemas })]
    const differences = compareCatalogs(comparable(expected, sameVersion), comparable(found, sameVersion))
    return { kind: 'compared', differences: differences.map(describeDifference) }
  } finally {
    await shadow.close()
  }
}

/** PostgreSQL 16 stopped to qualify the columns of a view over one table, so across versions only a view's columns are compared. */
function comparable(catalog: Catalog, sameVersion: boolean): Catalog {
  if (sameVersion) return catalog
  return new Map([...catalog].map(([object, definition]) => [object, /^(materialized )?view /.test(object) ? '' : definition]))
}

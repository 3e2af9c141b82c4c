// What a reviewer should know about a migration although it loses nothing: steps that fail or take long on a table with rows.

import { changedEnums, needsNewType } from './enum-change.ts'
import { relocate, type Renaming } from './relocate.ts'
import { trackingChange, type TrackingStep } from './tracking.ts'
import { typeChanged } from './type-change.ts'
import { dotted, entitiesOf, identityOf, nameOf, type ColumnEntity, type Entity, type Snapshot } from './snapshot.ts'

/** A version without tenants tells PostgreSQL none, and runs as the owner of the tables. */
const firstWall =
  'the first wall between tenants: unless its user is a superuser, a version without tenants that is still running reads and writes no row behind it. ' +
  'Restart it with options=-c%20plinth.tenant%3D* in DATABASE_URL before, and start the new version without that'

/** Sentences without a full stop. */
export function notesFor(before: Snapshot, after: Snapshot, renamings: readonly Renaming[]): string[] {
  const renamed = relocate(before.ddl, after.ddl, renamings).ddl
  const tables = new Set(entitiesOf(renamed, 'tables').map(nameOf))
  const old = new Map(renamed.map((entity) => [identityOf(entity), entity]))
  const { gained } = trackingChange(before, after, renamings)
  const inKnownTable = (entity: Entity): boolean => 'table' in entity && tables.has(dotted(entity.schema, entity.table))
  const isWallInUse = ({ kind, schema, name }: TrackingStep): boolean => kind === 'walled' && tables.has(dotted(schema, name))
  return [
    ...after.ddl.filter(inKnownTable).flatMap((entity) => noteOf(entity, old.get(identityOf(entity)))),
    ...(before.plinth?.walled === undefined && gained.some(isWallInUse) ? [firstWall] : []),
    ...gained
      .filter(({ kind }) => kind === 'tracked')
      .map(
        ({ schema, name }) =>
          `the cache follows "${dotted(schema, name)}": every transaction that writes to it adds a row to plinth.versions`,
      ),
    ...changedEnums(renamed, after.ddl).flatMap(([from, to]) =>
      needsNewType(from.values, to.values) ? [`replacing the enum "${nameOf(to)}" rewrites every table that uses it`] : [],
    ),
  ]
}

function noteOf(entity: Entity, old: Entity | undefined): string[] {
  if (entity.entityType === 'columns') return columnNotes(entity, old?.entityType === 'columns' ? old : undefined)
  if (old !== undefined) return []
  const isUnique = entity.entityType === 'uniques' || (entity.entityType === 'indexes' && entity.isUnique)
  return isUnique ? [`"${nameOf(entity)}" fails when rows have the same values already`] : []
}

function columnNotes(column: ColumnEntity, old: ColumnEntity | undefined): string[] {
  const name = nameOf(column)
  const isFilled = column.default !== null || column.identity !== null || column.generated !== null || column.type.endsWith('serial')
  if (old === undefined)
    return column.notNull && !isFilled ? [`adding "${name}" NOT NULL without a default fails when the table has rows`] : []
  const notes =
    column.notNull && !old.notNull && column.default !== null && column.generated === null
      ? [`rows where "${name}" is NULL get its default`]
      : []
  return typeChanged(old, column) && rewrites(old, column)
    ? [...notes, `changing the type of "${name}" rewrites the table while it is locked`]
    : notes
}

/** Longer varchars and varchar → text change the catalog alone. */
function rewrites(from: ColumnEntity, to: ColumnEntity): boolean {
  const isText = (column: ColumnEntity): boolean => column.dimensions === 0 && /^(varchar|text)\b/.test(column.type)
  return !(isText(from) && isText(to))
}

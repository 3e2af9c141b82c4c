// The difference of two states in words, for people who have to decide whether it is theirs.

import { dotted, identityOf, nameOf, type ColumnEntity, type Entity } from './snapshot.ts'

const nouns: Readonly<Record<Entity['entityType'], string>> = {
  schemas: 'schema',
  tables: 'table',
  enums: 'enum',
  columns: 'column',
  indexes: 'index',
  fks: 'foreign key',
  pks: 'primary key',
  uniques: 'unique constraint',
  checks: 'check',
  policies: 'policy',
  sequences: 'sequence',
  views: 'view',
  roles: 'role',
}

/** A sentence per changed thing, without a full stop; what belongs to a new or dropped table is not listed. */
export function describeChanges(before: readonly Entity[], after: readonly Entity[]): string[] {
  const old = new Map(before.map((entity) => [identityOf(entity), entity]))
  const now = new Map(after.map((entity) => [identityOf(entity), entity]))
  const added = after.filter((entity) => !old.has(identityOf(entity)) && !isPartOf(entity, old))
  const removed = before.filter((entity) => !now.has(identityOf(entity)) && !isPartOf(entity, now))
  return [
    ...added.map((entity) => `${title(entity)} is new`),
    ...removed.map((entity) => `${title(entity)} is gone`),
    ...after.flatMap((entity) => changesOf(old.get(identityOf(entity)), entity)),
  ]
}

/** True when its table is not in the other state at all. */
function isPartOf(entity: Entity, others: ReadonlyMap<string, Entity>): boolean {
  return 'table' in entity && !others.has(`tables ${dotted(entity.schema, entity.table)}`)
}

function title(entity: Entity): string {
  return `${nouns[entity.entityType]} "${nameOf(entity)}"`
}

function changesOf(old: Entity | undefined, entity: Entity): string[] {
  if (old === undefined) return []
  if (old.entityType === 'columns' && entity.entityType === 'columns') return columnChanges(old, entity)
  return comparable(old) === comparable(entity) ? [] : [`${title(entity)} is different`]
}

/** Whether a name was given or made, and whether an index is to be built concurrently, changes nothing in the database. */
function comparable(entity: Entity): string {
  return JSON.stringify({ ...entity, nameExplicit: undefined, concurrently: undefined })
}

function columnChanges(old: ColumnEntity, column: ColumnEntity): string[] {
  const facets: readonly (readonly [string, (it: ColumnEntity) => string])[] = [
    [
      'type',
      (it) => `${it.typeSchema === null || it.typeSchema === 'public' ? '' : `${it.typeSchema}.`}${it.type}${'[]'.repeat(it.dimensions)}`,
    ],
    ['nullability', (it) => (it.notNull ? 'NOT NULL' : 'nullable')],
    ['default', (it) => it.default ?? 'none'],
    ['generation', (it) => it.generated?.as ?? 'none'],
    ['identity', (it) => (it.identity === null ? 'none' : JSON.stringify({ ...it.identity, name: undefined }))],
  ]
  return facets.flatMap(([name, of]) => (of(old) === of(column) ? [] : [`${title(column)}: ${name} ${of(old)} → ${of(column)}`]))
}

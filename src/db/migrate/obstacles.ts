// What stands in the way of a change and can be taken down and put up again without loss: views, generated columns, defaults,
// checks, keys. drizzle-kit 1.0.0-rc.5 leaves them in place and PostgreSQL then refuses the change (found by fuzzing).

import { isDeepStrictEqual } from 'node:util'
import { needsNewType } from './enum-change.ts'
import { integerOf, sameFamily, typeChanged } from './type-change.ts'
import {
  dotted,
  entitiesOf,
  identityOf,
  mentions,
  nameOf,
  type ColumnEntity,
  type Entity,
  type ForeignKeyEntity,
  type KeyEntity,
  type TablePart,
} from './snapshot.ts'

export interface Obstacles {
  /** Identities to take out of both states. */
  readonly entities: ReadonlySet<string>
  /** Identities of columns whose default is taken off in both states. */
  readonly defaults: ReadonlySet<string>
  /** Identities of columns that lose their numbering in both states: serial ↔ identity (their sequences have one name), uuid → serial. */
  readonly numbers: ReadonlySet<string>
}

interface Change {
  readonly column: ColumnEntity
  /** Dropped, or of another family of types: what is built on the column does not survive. */
  readonly deep: boolean
  readonly dropped: boolean
}

/** Entities of both states that the change from one to the other has to take down first. */
export function findObstacles(before: readonly Entity[], after: readonly Entity[]): Obstacles {
  const changes = columnChanges(before, after)
  const both = [...before, ...after]
  const generated = both.filter((entity) => entity.entityType === 'columns').filter((entity) => standsOn(entity, changes))
  const all = [...changes, ...generated.map((column) => ({ column, deep: true, dropped: true }))]
  const parts = both.filter((entity) => 'table' in entity && blocks(entity, all))
  const keys = entitiesOf(both, 'fks').filter((fk) => !sameTarget(fk, before, after))
  const views = [...blockedViews(both, all), ...changedViews(before, after)]
  const defaults = changes.filter(({ deep, dropped }) => deep && !dropped)
  return {
    entities: new Set([...generated, ...parts, ...keys, ...views].map(identityOf)),
    defaults: new Set(defaults.map(({ column }) => identityOf(column))),
    numbers: new Set(renumbered(before, after).map(identityOf)),
  }
}

/** A state without the obstacles. */
export function without(ddl: readonly Entity[], obstacles: Obstacles): Entity[] {
  const rest = ddl.filter((entity) => !obstacles.entities.has(identityOf(entity)))
  return rest.map((entity) => (entity.entityType === 'columns' ? bare(entity, obstacles) : entity))
}

function bare(column: ColumnEntity, { defaults, numbers }: Obstacles): ColumnEntity {
  const plain = numbers.has(identityOf(column)) ? { ...column, identity: null, type: integerOf[column.type] ?? column.type } : column
  return defaults.has(identityOf(column)) ? { ...plain, default: null } : plain
}

function renumbered(before: readonly Entity[], after: readonly Entity[]): ColumnEntity[] {
  const targets = new Map(entitiesOf(after, 'columns').map((column) => [identityOf(column), column]))
  return entitiesOf(before, 'columns').filter((column) => {
    const target = targets.get(identityOf(column))
    return target !== undefined && numbering(column) !== numbering(target)
  })
}

function numbering(column: ColumnEntity): 'identity' | 'serial' | 'none' {
  return column.identity !== null ? 'identity' : column.type in integerOf ? 'serial' : 'none'
}

function columnChanges(before: readonly Entity[], after: readonly Entity[]): Change[] {
  const targets = new Map(entitiesOf(after, 'columns').map((column) => [identityOf(column), column]))
  const tables = new Set(entitiesOf(after, 'tables').map(nameOf))
  const remade = remadeEnums(before, after)
  return entitiesOf(before, 'columns').flatMap((column): Change[] => {
    const target = targets.get(identityOf(column))
    if (target === undefined) return tables.has(dotted(column.schema, column.table)) ? [{ column, deep: true, dropped: true }] : []
    if (remade.has(typeName(column))) return [{ column, deep: true, dropped: false }]
    return typeChanged(column, target) ? [{ column, deep: !sameFamily(column, target), dropped: false }] : []
  })
}

function remadeEnums(before: readonly Entity[], after: readonly Entity[]): Set<string> {
  const targets = new Map(entitiesOf(after, 'enums').map((type) => [nameOf(type), type]))
  const remade = entitiesOf(before, 'enums').filter((type) => {
    const target = targets.get(nameOf(type))
    return target !== undefined && needsNewType(type.values, target.values)
  })
  return new Set(remade.map(nameOf))
}

function typeName(column: ColumnEntity): string {
  return column.typeSchema === null ? '' : dotted(column.typeSchema, column.type)
}

/** A generated column cannot be there while the type of one it reads changes, or when that one goes. */
function standsOn(column: ColumnEntity, changes: readonly Change[]): boolean {
  const { generated } = column
  return generated !== null && changes.some((change) => inSameTable(column, change.column) && mentions(generated.as, change.column.name))
}

function inSameTable(a: TablePart, b: TablePart): boolean {
  return a.schema === b.schema && a.table === b.table
}

/** Checks, indexes, policies and keys over a changed column. A dropped column takes its own indexes along, the kit knows that. */
function blocks(entity: TablePart, changes: readonly Change[]): boolean {
  return changes.some(({ column, deep }) => deep && (inSameTable(entity, column) ? reads(entity, column.name) : refersTo(entity, column)))
}

function reads(entity: TablePart, column: string): boolean {
  switch (entity.entityType) {
    case 'checks':
      return mentions(entity.value, column)
    case 'policies':
      return mentions(entity.using, column) || mentions(entity.withCheck, column)
    case 'indexes':
      return (
        mentions(entity.where, column) || entity.columns.some((it) => (it.isExpression ? mentions(it.value, column) : it.value === column))
      )
    case 'fks':
    case 'uniques':
      return entity.columns.includes(column)
    default:
      return false
  }
}

function refersTo(entity: TablePart, column: ColumnEntity): boolean {
  return (
    entity.entityType === 'fks' &&
    dotted(entity.schemaTo, entity.tableTo) === dotted(column.schema, column.table) &&
    entity.columnsTo.includes(column.name)
  )
}

/** A foreign key holds on to the primary key or unique constraint it points to; when that one is replaced, the key has to let go. */
function sameTarget(fk: ForeignKeyEntity, before: readonly Entity[], after: readonly Entity[]): boolean {
  const keysOf = (ddl: readonly Entity[]): unknown[] =>
    ddl
      .filter((entity): entity is KeyEntity => entity.entityType === 'pks' || entity.entityType === 'uniques')
      .filter(
        (entity) =>
          entity.schema === fk.schemaTo && entity.table === fk.tableTo && entity.columns.every((name) => fk.columnsTo.includes(name)),
      )
      .map(({ name, columns }) => ({ name, columns }))
  const [old, now] = [keysOf(before), keysOf(after)]
  return old.length === 0 || now.length === 0 || isDeepStrictEqual(old, now)
}

/** Views that go or change, go first: they may read what goes as well. */
function changedViews(before: readonly Entity[], after: readonly Entity[]): Entity[] {
  const targets = new Map(entitiesOf(after, 'views').map((view) => [identityOf(view), view]))
  return entitiesOf(before, 'views').filter((view) => !isDeepStrictEqual(view, targets.get(identityOf(view))))
}

/** Views that read a table with a changed column, and views that read those views. */
function blockedViews(both: readonly Entity[], changes: readonly Change[]): Entity[] {
  const views = entitiesOf(both, 'views')
  const blocked = new Set(changes.map(({ column }) => column.table))
  const found = new Set<Entity>()
  for (let size = -1; size !== blocked.size;) {
    size = blocked.size
    for (const view of views) {
      if (![...blocked].some((name) => mentions(view.definition, name))) continue
      found.add(view)
      blocked.add(view.name)
    }
  }
  return [...found]
}

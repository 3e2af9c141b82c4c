// Which steps of a migration can lose data or fail on rows that are there. Compares two states; knows no SQL.

import { keepsEveryValue, typeChanged } from './type-change.ts'
import { quoteName, quotePath } from './quote.ts'
import { dotted, identityOf, nameOf, type ColumnEntity, type Entity, type EnumEntity } from './snapshot.ts'

/** A step that is refused until it is accepted by name. */
export interface Loss {
  readonly kind: 'table' | 'column' | 'type' | 'not null' | 'enum value' | 'sequence' | 'schema'
  /** Dotted name that accepts it: `posts.title`, `mood.sad`. */
  readonly name: string
  readonly table?: string
  readonly column?: string
  /** What happens, as a sentence without a full stop: `drops "posts.title" and what is in it`. */
  readonly what: string
  /** `--allow-loss posts.title` */
  readonly flag: string
  /** How the statement that does it begins. */
  readonly statement: string
}

function loss(kind: Loss['kind'], name: string, what: string, statement: string, place: { table?: string; column?: string } = {}): Loss {
  return { kind, name, what, flag: `--allow-loss ${name}`, statement, ...place }
}

/**
 * Every step from one state to another that loses data, or cannot be done on rows that are there.
 *
 * @param before  in the new names, so that a rename is no loss
 */
export function findLosses(before: readonly Entity[], after: readonly Entity[]): Loss[] {
  const kept = new Map(after.map((entity) => [identityOf(entity), entity]))
  return before.flatMap((entity) => lossOf(entity, kept.get(identityOf(entity)), kept))
}

function lossOf(entity: Entity, target: Entity | undefined, kept: ReadonlyMap<string, Entity>): Loss[] {
  const name = nameOf(entity)
  switch (entity.entityType) {
    case 'schemas':
      return target ? [] : [loss('schema', name, `drops the schema "${name}"`, `DROP SCHEMA ${quoteName(name)}`)]
    case 'tables':
      return target
        ? []
        : [
            loss('table', name, `drops the table "${name}" with its rows`, `DROP TABLE ${quotePath(entity.schema, entity.name)};`, {
              table: name,
            }),
          ]
    case 'sequences':
      return target
        ? []
        : [
            loss(
              'sequence',
              name,
              `drops the sequence "${name}" and the number it has reached`,
              `DROP SEQUENCE "${entity.schema}"."${entity.name}"`,
            ),
          ]
    case 'enums':
      return target?.entityType === 'enums' ? enumLosses(entity, target) : []
    case 'columns':
      if (!kept.has(`tables ${dotted(entity.schema, entity.table)}`)) return [] // the table's loss says it
      return target?.entityType === 'columns' ? alteredLosses(entity, target) : droppedLosses(entity)
    default:
      return []
  }
}

function alterTable({ schema, table }: ColumnEntity): string {
  return `ALTER TABLE ${quotePath(schema, table)}`
}

function placeOf(column: ColumnEntity): { table: string; column: string } {
  return { table: dotted(column.schema, column.table), column: column.name }
}

/** A generated column is made again from the others. */
function droppedLosses(column: ColumnEntity): Loss[] {
  if (column.generated !== null) return []
  return [
    loss(
      'column',
      nameOf(column),
      `drops the column "${nameOf(column)}" and what is in it`,
      `${alterTable(column)} DROP COLUMN ${quoteName(column.name)};`,
      placeOf(column),
    ),
  ]
}

function alteredLosses(from: ColumnEntity, to: ColumnEntity): Loss[] {
  const name = nameOf(to)
  if (from.generated !== null && to.generated !== null) return []
  if (from.generated === null && to.generated !== null) {
    return [
      loss(
        'column',
        name,
        `replaces what is in the column "${name}" by generated values`,
        `${alterTable(to)} DROP COLUMN ${quoteName(to.name)};`,
        placeOf(to),
      ),
    ]
  }
  const alter = `${alterTable(to)} ALTER COLUMN ${quoteName(to.name)}`
  const losses: Loss[] = []
  if (typeChanged(from, to) && !keepsEveryValue(from, to)) {
    losses.push(
      loss(
        'type',
        name,
        `changes the type of "${name}" from ${typeText(from)} to ${typeText(to)}, which not every value fits`,
        `${alter} SET DATA TYPE`,
        placeOf(to),
      ),
    )
  }
  if (to.notNull && !from.notNull && to.default === null && to.identity === null) {
    losses.push(
      loss(
        'not null',
        name,
        `makes "${name}" NOT NULL without a default, which fails on rows where it is NULL`,
        `${alter} SET NOT NULL`,
        placeOf(to),
      ),
    )
  }
  return losses
}

function typeText(column: ColumnEntity): string {
  return `${column.type}${'[]'.repeat(column.dimensions)}`
}

function enumLosses(from: EnumEntity, to: EnumEntity): Loss[] {
  const name = nameOf(to)
  const removed = from.values.filter((value) => !to.values.includes(value))
  const statement = `CREATE TYPE ${quotePath(to.schema, to.name)} AS ENUM`
  return removed.map((value) =>
    loss(
      'enum value',
      `${name}.${value}`,
      `removes the value "${value}" from the enum "${name}", which fails on rows that have it`,
      statement,
    ),
  )
}

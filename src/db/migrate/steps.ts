// The statements from one state to another, as a walk over states in between: renames first, then what stands in the way is taken
// down, enums change, everything else changes, and what was taken down is put up again. What the cache has on the tables goes before
// all that and comes after it.

import { difference, type Answer } from './differ.ts'
import { addValues, changedEnums, needsNewType, replaceType } from './enum-change.ts'
import { extensionsOf } from './extensions.ts'
import { findObstacles, without } from './obstacles.ts'
import { quoteName, quotePath } from './quote.ts'
import { relocate, sequenceRenamings, type Renaming } from './relocate.ts'
import { repairStatements } from './repair.ts'
import { entitiesOf, nameOf, withEntities, type ColumnEntity, type Entity, type EnumEntity, type Snapshot } from './snapshot.ts'
import { gainedStatements, lostStatements, trackingChange } from './tracking.ts'
import { orderViews } from './views.ts'

/**
 * Statements that change a database from one state to another.
 *
 * @param renamings  what was renamed; every other new thing is new
 */
export async function statementsBetween(from: Snapshot, to: Snapshot, renamings: readonly Renaming[] = []): Promise<string[]> {
  const tracking = trackingChange(from, to, renamings)
  const { renamed, statements } = await rename(from, to, renamings)
  const obstacles = findObstacles(renamed, to.ddl)
  const cleared = without(renamed, obstacles)
  const goal = without(to.ddl, obstacles)
  const enums = changedEnums(cleared, goal)
  const lean =
    enums.length === 0
      ? cleared
      : withoutLeaving(
          withoutVanishing(cleared, goal),
          goal,
          enums.map(([old]) => old),
        )
  const changed = lean.map((entity) => (entity.entityType === 'enums' ? (enums.find(([old]) => old === entity)?.[1] ?? entity) : entity))
  const all = [
    ...newExtensions(renamed, to.ddl),
    ...statements,
    ...(await walk(from, [renamed, cleared, lean])),
    ...enums.flatMap(([old, now]) => (needsNewType(old.values, now.values) ? replaceType(old, now, lean) : addValues(old, now))),
    ...(await walk(from, [changed, goal, to.ddl])),
  ]
  const ordered = orderViews(repairStatements(all, renamed, to.ddl), [...renamed, ...to.ddl]).map((statement) => statement.trim())
  return [...lostStatements(tracking), ...ordered, ...gainedStatements(tracking)]
}

async function rename(
  from: Snapshot,
  to: Snapshot,
  renamings: readonly Renaming[],
): Promise<{ renamed: readonly Entity[]; statements: string[] }> {
  const relocated = relocate(from.ddl, to.ddl, renamings)
  if (renamings.length === 0) return { renamed: relocated.ddl, statements: [] }
  const statements = await changes(from, from.ddl, relocated.plain, relocated.renamings)
  const sequences = sequenceRenamings(from.ddl, to.ddl, renamings).map(
    (it) => `ALTER SEQUENCE ${quotePath(it.schema, it.from)} RENAME TO ${quoteName(it.to)};`,
  )
  return { renamed: relocated.ddl, statements: [...statements, ...sequences] }
}

async function walk(base: Snapshot, states: readonly (readonly Entity[])[]): Promise<string[]> {
  const statements: string[] = []
  for (const [index, state] of states.entries()) {
    const previous = states[index - 1]
    if (previous !== undefined) statements.push(...(await changes(base, previous, state, [])))
  }
  return statements
}

/** Here all questions are answered: what is not in `renamings` is new. */
async function changes(
  base: Snapshot,
  before: readonly Entity[],
  after: readonly Entity[],
  renamings: readonly Renaming[],
): Promise<string[]> {
  const answers: Answer[] = [...renamings]
  for (;;) {
    const result = await difference(withEntities(base, before), withEntities(base, after), answers)
    if ('statements' in result) return [...result.statements]
    answers.push(...result.ambiguities.map(({ kind, entity }) => ({ type: 'create' as const, kind, entity })))
  }
}

/** Columns that get another type get it before their enum changes, for the same reason. */
function withoutLeaving(before: readonly Entity[], after: readonly Entity[], enums: readonly EnumEntity[]): Entity[] {
  const targets = new Map(entitiesOf(after, 'columns').map((column) => [nameOf(column), column]))
  const isOf = (column: ColumnEntity): boolean => enums.some(({ schema, name }) => column.typeSchema === schema && column.type === name)
  return before.map((entity) => {
    if (entity.entityType !== 'columns' || !isOf(entity)) return entity
    const { type, typeSchema, dimensions } = targets.get(nameOf(entity)) ?? entity
    const moved = { ...entity, type, typeSchema, dimensions }
    return isOf(moved) ? entity : moved
  })
}

/** Columns, tables and views that go, go before an enum changes: their values need not fit the new type. */
function withoutVanishing(before: readonly Entity[], after: readonly Entity[]): Entity[] {
  const names = (ddl: readonly Entity[], type: 'tables' | 'columns' | 'views'): Set<string> => new Set(entitiesOf(ddl, type).map(nameOf))
  const tables = names(after, 'tables')
  const columns = names(after, 'columns')
  const views = names(after, 'views')
  const stays = (schema: string, table: string): boolean => tables.has(nameOf({ entityType: 'tables', schema, name: table }))
  const keeps = (schema: string, table: string, list: readonly string[]): boolean =>
    list.every((name) => columns.has(nameOf({ entityType: 'tables', schema, name: `${table}.${name}` })))
  return before.filter((entity) => {
    if (entity.entityType === 'tables') return stays(entity.schema, entity.name)
    if (entity.entityType === 'views') return views.has(nameOf(entity))
    if (!('table' in entity)) return true
    if (!stays(entity.schema, entity.table)) return false
    if (entity.entityType === 'columns') return columns.has(nameOf(entity))
    if (
      entity.entityType === 'fks' &&
      !(stays(entity.schemaTo, entity.tableTo) && keeps(entity.schemaTo, entity.tableTo, entity.columnsTo))
    )
      return false
    if (entity.entityType === 'indexes')
      return keeps(
        entity.schema,
        entity.table,
        entity.columns.filter((it) => !it.isExpression).map((it) => it.value),
      )
    return !('columns' in entity) || keeps(entity.schema, entity.table, entity.columns)
  })
}

function newExtensions(before: readonly Entity[], after: readonly Entity[]): string[] {
  const present = extensionsOf(before)
  return extensionsOf(after).flatMap((name) => (present.includes(name) ? [] : [`CREATE EXTENSION IF NOT EXISTS ${quoteName(name)};`]))
}

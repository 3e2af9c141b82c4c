// One change of the models can need several migrations: a new enum value can be used only after it is committed, and an index that
// is built while the table is in use (`.concurrently()`) cannot be built in a transaction.

import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { changedEnums, needsNewType } from './enum-change.ts'
import { quoteLiteral } from './quote.ts'
import { relocate, type Renaming } from './relocate.ts'
import { entitiesOf, identityOf, type Entity, type EnumEntity, type Snapshot } from './snapshot.ts'

export interface Part {
  /** Told apart in the folder's name: `0007_add_mood_values`, `0008_add_mood`, `0009_add_mood_indexes`. */
  readonly suffix: '' | 'values' | 'indexes'
  readonly transaction: boolean
  readonly from: Snapshot
  readonly to: Snapshot
  readonly renamings: readonly Renaming[]
}

/** One folder to be written. */
export interface PlannedPart {
  readonly suffix: Part['suffix']
  readonly transaction: boolean
  readonly up: readonly string[]
  readonly down: readonly string[]
  /** Text of the files. */
  readonly upSql: string
  readonly downSql: string
  readonly snapshot: Snapshot
}

/** The change as parts to be applied one after the other; usually one. Each starts from the state the one before it leaves. */
export function partsOf(before: Snapshot, after: Snapshot, renamings: readonly Renaming[]): Part[] {
  const renamed = relocate(before.ddl, after.ddl, renamings).ddl
  const start = withUsedValues(before, renamed, after)
  const late = concurrentIndexes(renamed, after)
  const main = late.size === 0 ? after : { ...after, id: randomUUID(), ddl: after.ddl.filter((entity) => !late.has(entity)) }
  const parts: Part[] = []
  if (start !== before) parts.push({ suffix: 'values', transaction: true, from: before, to: start, renamings: [] })
  const [from, to] = [start, start === before ? main : { ...main, prevIds: [start.id] }]
  if (late.size === 0) return [...parts, { suffix: '', transaction: true, from, to, renamings }]
  const changes = !isDeepStrictEqual(main.ddl, renamed) || renamings.length > 0 || !isDeepStrictEqual(main.plinth, before.plinth)
  if (changes) parts.push({ suffix: '', transaction: true, from, to, renamings })
  const last = parts.at(-1)?.to ?? before
  return [...parts, { suffix: 'indexes', transaction: false, from: last, to: { ...after, prevIds: [last.id] }, renamings: [] }]
}

/** The old state with the added enum values that the new state uses at once; the same object when there are none. */
function withUsedValues(before: Snapshot, renamed: readonly Entity[], after: Snapshot): Snapshot {
  const wanted = changedEnums(renamed, after.ddl).filter(
    ([from, to]) => !needsNewType(from.values, to.values) && usesAdded(from, to, renamed, after.ddl),
  )
  if (wanted.length === 0) return before
  const ddl = before.ddl.map((entity, index) => {
    const target = wanted.find(([from]) => from === renamed[index])?.[1]
    return entity.entityType === 'enums' && target !== undefined ? { ...entity, values: target.values } : entity
  })
  return { ...before, id: randomUUID(), prevIds: [before.id], ddl }
}

function usesAdded(from: EnumEntity, to: EnumEntity, renamed: readonly Entity[], after: readonly Entity[]): boolean {
  const literals = to.values.filter((value) => !from.values.includes(value)).map(quoteLiteral)
  const old = new Map(renamed.map((entity) => [identityOf(entity), entity]))
  const fresh = after.filter((entity) => entity.entityType !== 'enums' && !isDeepStrictEqual(entity, old.get(identityOf(entity))))
  return fresh.some((entity) => literals.some((literal) => JSON.stringify(entity).includes(literal)))
}

/** New or changed indexes on tables that are there already. On a new table nobody waits, so there the index is made at once. */
function concurrentIndexes(renamed: readonly Entity[], after: Snapshot): Set<Entity> {
  const tables = new Set(entitiesOf(renamed, 'tables').map(identityOf))
  const old = new Map(renamed.map((entity) => [identityOf(entity), entity]))
  const wanted = entitiesOf(after.ddl, 'indexes').filter(
    (index) =>
      index.concurrently &&
      tables.has(identityOf({ entityType: 'tables', schema: index.schema, name: index.table })) &&
      !sameIndex(index, old.get(identityOf(index))),
  )
  return new Set(wanted)
}

function sameIndex(index: Entity, old: Entity | undefined): boolean {
  return isDeepStrictEqual({ ...index, concurrently: false, nameExplicit: true }, { ...old, concurrently: false, nameExplicit: true })
}

// What Drizzle's `defineRelations` returned → `Relation`s. Relations with a `where`, and one-to-one through a third table,
// say more than a `Relation` can: they are left to Drizzle's own queries.

import { is, Many, One } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import type { Relation } from './model.ts'
import { tableNameOf } from './read-constraints.ts'
import type { ModelLookup } from './relation-candidates.ts'

type DrizzleRelation = One<string> | Many<string>
/** A column as relations hold it; `key` is its name in the table object. */
type RelationColumns = DrizzleRelation['sourceColumns']

/** @param declared  `undefined`, or tables by name, each with its relations */
export function readRelations(declared: unknown, lookup: ModelLookup): Relation[] {
  if (typeof declared !== 'object' || declared === null) return []
  return Object.values(declared).flatMap((entry: { readonly relations?: object }) =>
    Object.values(entry.relations ?? {}).flatMap((relation) =>
      is(relation, One) || is(relation, Many) ? readRelation(relation, lookup) : [],
    ),
  )
}

function readRelation(relation: DrizzleRelation, lookup: ModelLookup): Relation[] {
  const source = modelNameOf(relation.sourceTable, lookup)
  const target = modelNameOf(relation.targetTable, lookup)
  if (source === undefined || target === undefined || hasWhere(relation)) return []
  const ends = { name: relation.fieldName, source, target, from: keysOf(relation.sourceColumns), to: keysOf(relation.targetColumns) }
  if (relation.throughTable === undefined)
    return [{ ...ends, kind: relation.relationType, nullable: is(relation, One) && relation.optional }]
  const through = modelNameOf(relation.throughTable, lookup)
  if (through === undefined || relation.through === undefined || is(relation, One)) return []
  const way = { model: through, from: keysOf(relation.through.source), to: keysOf(relation.through.target) }
  return [{ ...ends, kind: 'through', through: way, nullable: false }]
}

function modelNameOf(table: unknown, lookup: ModelLookup): string | undefined {
  return is(table, PgTable) ? lookup(tableNameOf(table))?.name : undefined
}

/** Without one, Drizzle puts an empty object there. */
function hasWhere({ where }: DrizzleRelation): boolean {
  return Object.keys(where).length > 0
}

function keysOf(columns: RelationColumns): string[] {
  return columns.map((column) => column._.key)
}

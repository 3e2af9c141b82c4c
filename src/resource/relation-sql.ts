// How two tables are joined along a relation. `inner` is the alias of the target; the association table of a
// many-to-many relation, when there is one, is called `<inner>j`.

import { fieldNamed } from './field-named.ts'
import type { CompiledRelation } from './registry.ts'
import { columnOf } from './sql-builder.ts'

export function relationFrom(relation: CompiledRelation, inner: string): string {
  const target = `${relation.target.model.sqlName} ${inner}`
  if (relation.through === undefined) return target
  return `${relation.through.sqlName} ${inner}j join ${target} on ${throughConditions(relation, inner).join(' and ')}`
}

function throughConditions(relation: CompiledRelation, inner: string): string[] {
  const { through, target } = relation
  if (through === undefined) return []
  const names = relation.relation.through?.to ?? []
  return names.map((name, i) => {
    const own = columnOf(`${inner}j`, fieldNamed(through, name))
    return `${own} = ${columnOf(inner, fieldNamed(target.model, relation.relation.to[i]))}`
  })
}

/** Conditions that tie the target to the row of the source called `alias`. */
export function linkConditions(alias: string, relation: CompiledRelation, inner: string): string[] {
  const links = linkColumns(relation, inner)
  return relation.relation.from.map((name, i) => `${links[i]} = ${columnOf(alias, fieldNamed(relation.source, name))}`)
}

/** The columns on the target's side (or the association table's) that equal `relation.from`, in step with it. */
export function linkColumns(relation: CompiledRelation, inner: string): string[] {
  return linkFields(relation).map((field) => columnOf(relation.through === undefined ? inner : `${inner}j`, field))
}

export function linkFields(relation: CompiledRelation) {
  const { through, target, relation: link } = relation
  if (through === undefined) return link.to.map((name) => fieldNamed(target.model, name))
  return (link.through?.from ?? []).map((name) => fieldNamed(through, name))
}

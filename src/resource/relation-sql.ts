// How two tables are joined along a relation. `inner` is the alias of the target; the association table of a
// many-to-many relation, when there is one, is called `<inner>j`.

import type { Field, Model } from '../model/model.ts'
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
  const links = names.map((name, i) => {
    const own = columnOf(`${inner}j`, fieldNamed(through, name))
    return `${own} = ${columnOf(inner, fieldNamed(target.model, relation.relation.to[i]))}`
  })
  return [...links, ...notDeleted(through, `${inner}j`)]
}

/** Soft-deleted rows are hidden wherever a relation leads to them or over them. */
export function notDeleted(model: Model, alias: string): string[] {
  return model.softDelete === undefined ? [] : [`${columnOf(alias, fieldNamed(model, model.softDelete))} is null`]
}

/** Conditions that tie the target to the row of the source called `alias`. */
export function linkConditions(alias: string, relation: CompiledRelation, inner: string): string[] {
  const links = linkColumns(relation, inner)
  return sourceFields(relation).map((field, i) => `${links[i]} = ${columnOf(alias, field)}`)
}

export function linkColumns(relation: CompiledRelation, inner: string): string[] {
  return linkFields(relation).map((field) => columnOf(relation.through === undefined ? inner : `${inner}j`, field))
}

/** The fields of the source that lead to the target. */
export function sourceFields({ source, relation }: CompiledRelation): Field[] {
  return relation.from.map((name) => fieldNamed(source, name))
}

/** The fields on the target's side (or the association table's) that equal those of the source, in step with them. */
export function linkFields(relation: CompiledRelation): Field[] {
  const { through, target, relation: link } = relation
  if (through === undefined) return link.to.map((name) => fieldNamed(target.model, name))
  return (link.through?.from ?? []).map((name) => fieldNamed(through, name))
}

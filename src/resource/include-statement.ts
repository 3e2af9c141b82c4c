// One set-based statement per included relation: the records behind all parents at once, found by their keys.

import type { Field } from '../model/model.ts'
import { reachedConditions } from './condition-sql.ts'
import type { IncludePlan } from './plan.ts'
import type { CompiledRelation } from './registry.ts'
import { linkColumns, linkFields, relationFrom, sourceFields } from './relation-sql.ts'
import { columnOf, comparisonType, SqlBuilder, type Template } from './sql-builder.ts'

const target = 't'

/** Records of one included relation in one reply; more would be a download, not a page. */
export const mostIncluded = 10_000

export interface IncludeStatement {
  /** Its own parameters; those for the parents' keys come before them. */
  readonly template: Template
  /** Columns of the select list that hold the parents' key, in step with the relation's `from`. */
  readonly linkColumns: readonly number[]
}

export function includeStatement(plan: IncludePlan): IncludeStatement {
  const { relation, shape } = plan
  const columns = [...shape.fields, ...shape.keys].map((field) => columnOf(target, field))
  const { from, condition, links } = linkSql(relation)
  const positions = links.map((column) => (columns.includes(column) ? columns.indexOf(column) : columns.push(column) - 1))
  const sql = new SqlBuilder(sourceFields(relation).length)
  const conditions = [condition, ...reachedConditions(sql, relation, target)]
  const many = relation.relation.kind === 'one' ? '' : `${orderText(plan)} limit ${mostIncluded + 1}`
  const text = `select ${columns.join(', ')} from ${from} where ${conditions.join(' and ')}${many}`
  return { template: sql.template(text), linkColumns: positions }
}

interface LinkSql {
  readonly from: string
  readonly condition: string
  /** Columns whose texts are those of the parents' keys. */
  readonly links: readonly string[]
}

/**
 * How the parents' keys find the records. Keys are of the parents' types: a bigint that no int4 column holds finds nothing,
 * where a cast would fail. One column compares directly with an array, which plans better than a join.
 */
function linkSql(relation: CompiledRelation): LinkSql {
  const from = relationFrom(relation, target)
  const links = linkColumns(relation, target)
  const types = sourceFields(relation).map(comparisonType)
  if (!hasExactTexts(relation)) return textLinkSql(from, links, types)
  const arrays = types.map((type, i) => `$${i + 1}::${type}[]`)
  const condition =
    links.length === 1 ? `${links[0]} = any(${arrays[0]})` : `(${links.join(', ')}) in (select * from unnest(${arrays.join(', ')}))`
  return { from, condition, links }
}

/** Where equal values may have different texts (1.5 and 1.50), records carry the text of the key that found them. */
function textLinkSql(from: string, links: readonly string[], types: readonly string[]): LinkSql {
  const names = links.map((_, i) => `k${i + 1}`)
  const keys = `unnest(${names.map((_, i) => `$${i + 1}::text[]`).join(', ')}) plinth_k(${names.join(', ')})`
  const condition = links.map((link, i) => `${link} = plinth_k.${names[i]}::${types[i]}`).join(' and ')
  return { from: `${keys}, ${from}`, condition, links: names.map((name) => `plinth_k.${name}`) }
}

/** True when records and parents write equal keys as equal texts. */
function hasExactTexts(relation: CompiledRelation): boolean {
  const links = linkFields(relation)
  return sourceFields(relation).every((field, i) => textFamily(field) !== undefined && textFamily(field) === textFamily(links[i]))
}

/** Types within which values are equal when their texts are; undefined for those, like numeric and char(n), where 1.5 is 1.50. */
function textFamily(field: Field | undefined): string | undefined {
  switch (field?.castType) {
    case 'int2':
    case 'int4':
    case 'int8':
      return 'integer'
    case 'text':
    case 'varchar':
      return 'text'
    case 'uuid':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return field.castType
    default:
      return field?.kind.name === 'enum' ? field.castType : undefined
  }
}

function orderText(plan: IncludePlan): string {
  const own = plan.relation.target.defaultOrder.flatMap((key) => (key.by === 'field' && key.path.length === 0 ? [key] : []))
  if (own.length === 0) return ''
  return ` order by ${own.map((key) => columnOf(target, key.field) + (key.descending ? ' desc' : '')).join(', ')}`
}

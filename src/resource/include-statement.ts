// One set-based statement per included relation: the records behind all parents at once, found by their keys.

import type { Statement } from '../db/rows.ts'
import { formatArray } from '../model/array.ts'
import { notDeleted } from './condition-sql.ts'
import type { IncludePlan } from './plan.ts'
import { linkColumns, linkFields, relationFrom } from './relation-sql.ts'
import { columnOf, comparisonType } from './sql-builder.ts'
import { nameStatement } from './statement-name.ts'

const target = 't'

/** Records of one included relation in one reply; more would be a download, not a page. */
export const mostIncluded = 10_000

export interface IncludeStatement {
  readonly text: string
  readonly name: string
  /** Columns of the select list that hold the parents' key, in step with the relation's `from`. */
  readonly linkColumns: readonly number[]
}

export function includeStatement(plan: IncludePlan): IncludeStatement {
  const { relation, shape } = plan
  const columns = [...shape.fields, ...shape.keys].map((field) => columnOf(target, field))
  const links = linkColumns(relation, target)
  const positions = links.map((column) => (columns.includes(column) ? columns.indexOf(column) : columns.push(column) - 1))
  const conditions = [keyCondition(plan, links), ...notDeleted(relation.target, target)]
  const many = relation.relation.kind === 'one' ? '' : `${orderText(plan)} limit ${mostIncluded + 1}`
  const text = `select ${columns.join(', ')} from ${relationFrom(relation, target)} where ${conditions.join(' and ')}${many}`
  return { text, name: nameStatement(text), linkColumns: positions }
}

/** Composite keys arrive as one array per column and are zipped; a single one compares directly, which plans better. */
function keyCondition(plan: IncludePlan, links: readonly string[]): string {
  const types = linkFields(plan.relation).map(comparisonType)
  if (links.length === 1) return `${links[0]} = any($1::${types[0]}[])`
  const arrays = types.map((type, i) => `$${i + 1}::${type}[]`).join(', ')
  return `(${links.join(', ')}) in (select * from unnest(${arrays}))`
}

function orderText(plan: IncludePlan): string {
  const own = plan.relation.target.defaultOrder.flatMap((key) => (key.by === 'field' && key.path.length === 0 ? [key] : []))
  if (own.length === 0) return ''
  return ` order by ${own.map((key) => columnOf(target, key.field) + (key.descending ? ' desc' : '')).join(', ')}`
}

/** @param keys  one list of texts per key column, in step */
export function bindKeys(statement: IncludeStatement, keys: readonly (readonly string[])[]): Statement {
  return { text: statement.text, name: statement.name, values: keys.map(formatArray) }
}

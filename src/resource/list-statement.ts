// A list plan → one SQL statement. Pure: the same plan gives the same text and values.

import { conditionSql, reachedConditions } from './condition-sql.ts'
import { fieldNamed } from './field-named.ts'
import { keysetCondition, type OrderColumn } from './keyset-sql.ts'
import type { ListPlan, OrderKey } from './plan.ts'
import type { CompiledRelation, CompiledResource } from './registry.ts'
import { linkConditions, notDeleted, relationFrom } from './relation-sql.ts'
import { columnOf, comparisonType, SqlBuilder, type Template } from './sql-builder.ts'

export interface ListStatement {
  readonly statement: Template
  /** Columns of the select list with the order values; empty unless the list pages by cursor. */
  readonly orderColumns: readonly number[]
  /** Column with the number of all matching records. */
  readonly totalColumn: number | undefined
}

/** Alias of the resource's own table. */
const root = 't'

export function listStatement(plan: ListPlan): ListStatement {
  const sql = new SqlBuilder()
  const { resource } = plan.shape
  const conditions = listConditions(sql, plan)
  const joins = new OrderJoins(sql)
  const vector = plan.search === undefined ? undefined : searchSql(sql, resource, plan.search)
  if (vector !== undefined) conditions.push(vector.matches)
  const order = plan.order.map((key) => orderColumn(key, joins, vector?.rank))
  const columns = [...plan.shape.fields, ...plan.shape.keys].map((field) => columnOf(root, field))
  const orderColumns = plan.keyset ? selectOrder(columns, order) : []
  const totalColumn = plan.countTotal ? columns.push(totalSql(resource, conditions)) - 1 : undefined
  if (plan.after !== undefined) conditions.push(keysetCondition(sql, order, plan.after))
  return { statement: sql.template(selectText(plan, sql, columns, joins, conditions, order)), orderColumns, totalColumn }
}

function selectText(
  plan: ListPlan,
  sql: SqlBuilder,
  columns: readonly string[],
  joins: OrderJoins,
  conditions: readonly string[],
  order: readonly OrderColumn[],
): string {
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
  const by =
    order.length === 0 ? '' : ` order by ${order.map(({ column, descending }) => (descending ? `${column} desc` : column)).join(', ')}`
  // The size is text, not a parameter: with a parameter PostgreSQL would plan for a tenth of the table. One more row tells whether there is a next page.
  const offset = plan.offset === 0 ? '' : ` offset ${sql.param(String(plan.offset), 'int8')}`
  return `select ${columns.join(', ')} from ${plan.shape.resource.model.sqlName} ${root}${joins.text}${where}${by} limit ${plan.size + 1}${offset}`
}

function listConditions(sql: SqlBuilder, plan: ListPlan): string[] {
  return [...deletedConditions(plan), ...plan.where.map((condition) => conditionSql(sql, root, condition))]
}

function deletedConditions(plan: ListPlan): string[] {
  const { resource } = plan.shape
  if (plan.deleted === 'without') return notDeleted(resource.model, root)
  return plan.deleted === 'with' ? [] : [`${columnOf(root, fieldNamed(resource.model, resource.model.softDelete))} is not null`]
}

/** Counted as a scalar subselect of the same statement, so that rows and total are of one snapshot and the page keeps its top-N sort. */
function totalSql(resource: CompiledResource, conditions: readonly string[]): string {
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
  return `(select count(*) from ${resource.model.sqlName} ${root}${where})`
}

/** A statement that only counts: for a page past the end, where no row can carry the total. */
export function countStatement(plan: ListPlan): Template {
  const sql = new SqlBuilder()
  const { resource } = plan.shape
  const conditions = listConditions(sql, plan)
  if (plan.search !== undefined) conditions.push(searchSql(sql, resource, plan.search).matches)
  return sql.template(`select ${totalSql(resource, conditions)}`)
}

/** The text search vector of a resource: the same text as `searchVector` in an index makes PostgreSQL use the index. */
function searchSql(sql: SqlBuilder, resource: CompiledResource, words: string): { matches: string; rank: string } {
  const search = resource.search
  if (search === undefined) throw new Error(`"${resource.name}" has no search; the plan should have refused it.`)
  const language = `'${search.language}'::regconfig`
  const text = search.fields.map((field) => textOrNone(columnOf(root, field))).join(` || ' ' || `)
  const vector = `to_tsvector(${language}, ${text})`
  const query = `websearch_to_tsquery(${language}, ${sql.param(words, 'text')})`
  return { matches: `${vector} @@ ${query}`, rank: `ts_rank(${vector}, ${query})` }
}

/** Not `coalesce`, of which PostgreSQL does not know that it tells nothing of a row: behind a wall between tenants it would use no index. */
function textOrNone(column: string): string {
  return `CASE WHEN ${column} IS NULL THEN '' ELSE ${column} END`
}

function orderColumn(key: OrderKey, joins: OrderJoins, rank: string | undefined): OrderColumn {
  if (key.by === 'rank') return { column: rank ?? '0', type: 'float4', nullable: false, descending: true }
  const nullable = key.field.nullable || key.path.length > 0
  return { column: columnOf(joins.aliasOf(key.path), key.field), type: comparisonType(key.field), nullable, descending: key.descending }
}

/** Adds the order values to the select list where they are not in it already. */
function selectOrder(columns: string[], order: readonly OrderColumn[]): number[] {
  return order.map(({ column }) => {
    const present = columns.indexOf(column)
    return present === -1 ? columns.push(column) - 1 : present
  })
}

/** The left joins that a sort through relations needs; each relation path is joined once. */
class OrderJoins {
  text = ''
  readonly #aliases = new Map<string, string>()
  readonly #sql: SqlBuilder

  constructor(sql: SqlBuilder) {
    this.#sql = sql
  }

  aliasOf(path: readonly CompiledRelation[]): string {
    let alias = root
    let name = ''
    for (const relation of path) {
      name += `.${relation.relation.name}`
      alias = this.#aliases.get(name) ?? this.#join(name, alias, relation)
    }
    return alias
  }

  #join(name: string, outer: string, relation: CompiledRelation): string {
    const inner = this.#sql.alias()
    this.#aliases.set(name, inner)
    const on = [...linkConditions(outer, relation, inner), ...reachedConditions(this.#sql, relation, inner)]
    this.text += ` left join ${relationFrom(relation, inner)} on ${on.join(' and ')}`
    return inner
  }
}

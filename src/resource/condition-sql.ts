// Conditions of a plan → SQL text. Pure.

import type { Field } from '../model/model.ts'
import { formatArray } from '../model/array.ts'
import type { Condition } from './plan.ts'
import type { CompiledRelation, CompiledResource } from './registry.ts'
import { linkConditions, notDeleted, relationFrom } from './relation-sql.ts'
import { columnOf, comparisonType, type SqlBuilder } from './sql-builder.ts'

export function conditionSql(sql: SqlBuilder, resource: CompiledResource, alias: string, condition: Condition): string {
  switch (condition.type) {
    case 'all':
      return joined(sql, resource, alias, condition.conditions, ' and ', 'true')
    case 'any':
      return joined(sql, resource, alias, condition.conditions, ' or ', 'false')
    case 'compare':
      return comparisonSql(sql, columnOf(alias, condition.field), condition)
    case 'related':
      return relatedSql(sql, alias, condition.relation, condition.condition, condition.negated)
  }
}

function joined(
  sql: SqlBuilder,
  resource: CompiledResource,
  alias: string,
  conditions: readonly Condition[],
  word: string,
  none: string,
): string {
  if (conditions.length === 0) return none
  const parts = conditions.map((condition) => conditionSql(sql, resource, alias, condition))
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(word)})`
}

type Comparison = Extract<Condition, { type: 'compare' }>

const symbols = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

function comparisonSql(sql: SqlBuilder, column: string, { field, operator, values }: Comparison): string {
  const type = comparisonType(field)
  const [first = ''] = values
  switch (operator) {
    case 'ne':
      // The complement of "eq": a record without a value is not equal to it.
      return `${column} is distinct from ${sql.param(first, type)}`
    case 'in':
      return `${column} = any(${sql.param(formatArray(values), `${type}[]`)})`
    case 'nin':
      return `(${column} <> all(${sql.param(formatArray(values), `${type}[]`)})${field.nullable ? ` or ${column} is null` : ''})`
    case 'contains':
      return `${column}::text ilike ${sql.param(`%${likeText(first)}%`, 'text')}`
    case 'starts':
      return `${column}::text ilike ${sql.param(`${likeText(first)}%`, 'text')}`
    case 'ends':
      return `${column}::text ilike ${sql.param(`%${likeText(first)}`, 'text')}`
    case 'null':
      return `${column} is ${first === 'true' ? '' : 'not '}null`
    case 'between':
      return `${column} between ${sql.param(first, type)} and ${sql.param(values[1] ?? '', type)}`
    case 'has':
      return hasSql(sql, column, field, first)
    default:
      return `${column} ${symbols[operator]} ${sql.param(first, type)}`
  }
}

/** Arrays: has this element. jsonb: contains this value. Both can use a GIN index. */
function hasSql(sql: SqlBuilder, column: string, field: Field, value: string): string {
  if (field.dimensions > 0) return `${column} @> array[${sql.param(value, comparisonType(field))}]`
  return `${column}::jsonb @> ${sql.param(value, 'jsonb')}`
}

function likeText(value: string): string {
  return value.replace(/[\\%_]/g, (character) => `\\${character}`)
}

function relatedSql(
  sql: SqlBuilder,
  alias: string,
  relation: CompiledRelation,
  condition: Condition | undefined,
  negated: boolean,
): string {
  const inner = sql.alias()
  const conditions = [
    ...linkConditions(alias, relation, inner),
    ...notDeleted(relation.target.model, inner),
    ...(condition === undefined ? [] : [conditionSql(sql, relation.target, inner, condition)]),
  ]
  return `${negated ? 'not ' : ''}exists (select 1 from ${relationFrom(relation, inner)} where ${conditions.join(' and ')})`
}

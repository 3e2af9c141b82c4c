// Conditions of a plan → SQL text. Pure.

import type { FilterOperator } from '../model/kinds/kind.ts'
import type { Field } from '../model/model.ts'
import { formatArray } from '../model/array.ts'
import type { Condition, Verdict } from './plan.ts'
import type { CompiledRelation } from './registry.ts'
import { linkConditions, notDeleted, relationFrom } from './relation-sql.ts'
import { columnOf, comparisonType, type Parameter, type SqlBuilder } from './sql-builder.ts'

export function conditionSql(sql: SqlBuilder, alias: string, condition: Condition): string {
  switch (condition.type) {
    case 'all':
      return joined(sql, alias, condition.conditions, ' and ', 'true')
    case 'any':
      return joined(sql, alias, condition.conditions, ' or ', 'false')
    case 'compare':
      return comparisonSql(sql, alias, condition, parametersOf(condition.operator, condition.values))
    case 'held':
      return comparisonSql(sql, alias, condition, condition.slots)
    case 'not':
      return `(${conditionSql(sql, alias, condition.condition)}) is not true`
    case 'linked':
      return linkedSql(sql, alias, condition)
    case 'related':
      return relatedSql(sql, alias, condition.relation, condition.condition, condition.negated)
  }
}

/** The rows that a caller may see: nothing where that is every row. */
export function verdictSql(sql: SqlBuilder, alias: string, verdict: Verdict): string[] {
  if (verdict === true) return []
  return [verdict === false ? 'false' : conditionSql(sql, alias, verdict)]
}

/** What the records behind a relation have to be: not deleted, and, with the rows of the association table, of those that the caller may see. */
export function reachedConditions(sql: SqlBuilder, relation: CompiledRelation, inner: string): string[] {
  return [
    ...notDeleted(relation.target.model, inner),
    ...verdictSql(sql, inner, relation.target.rows.list),
    ...verdictSql(sql, `${inner}j`, relation.throughRows),
  ]
}

function joined(sql: SqlBuilder, alias: string, conditions: readonly Condition[], word: string, none: string): string {
  if (conditions.length === 0) return none
  const parts = conditions.map((condition) => conditionSql(sql, alias, condition))
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(word)})`
}

interface Comparison {
  readonly field: Field
  readonly operator: FilterOperator
}

const symbols = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

/** The parameters that a comparison with these values has. */
export function parametersOf(operator: FilterOperator, values: readonly string[]): readonly string[] {
  const [first = ''] = values
  switch (operator) {
    case 'in':
    case 'nin':
      return [formatArray(values)]
    case 'contains':
      return [`%${likeText(first)}%`]
    case 'starts':
      return [`${likeText(first)}%`]
    case 'ends':
      return [`%${likeText(first)}`]
    default:
      return values
  }
}

function comparisonSql(sql: SqlBuilder, alias: string, { field, operator }: Comparison, parameters: readonly Parameter[]): string {
  const column = columnOf(alias, field)
  const type = comparisonType(field)
  const [first = '', second = ''] = parameters
  switch (operator) {
    case 'ne':
      // The complement of "eq": a record without a value is not equal to it.
      return `${column} is distinct from ${sql.param(first, type)}`
    case 'in':
      return `${column} = any(${sql.param(first, `${type}[]`)})`
    case 'nin':
      return `(${column} <> all(${sql.param(first, `${type}[]`)})${field.nullable ? ` or ${column} is null` : ''})`
    case 'contains':
    case 'starts':
    case 'ends':
      return `${column}::text ilike ${sql.param(first, 'text')}`
    case 'null':
      return `${column} is ${first === 'true' ? '' : 'not '}null`
    case 'between':
      return `${column} between ${sql.param(first, type)} and ${sql.param(second, type)}`
    case 'has':
      return hasSql(sql, column, field, first)
    default:
      return `${column} ${symbols[operator]} ${sql.param(first, type)}`
  }
}

/** Arrays: has this element. jsonb: contains this value. Both can use a GIN index. */
function hasSql(sql: SqlBuilder, column: string, field: Field, value: Parameter): string {
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
    ...reachedConditions(sql, relation, inner),
    ...(condition === undefined ? [] : [conditionSql(sql, inner, condition)]),
  ]
  return `${negated ? 'not ' : ''}exists (select 1 from ${relationFrom(relation, inner)} where ${conditions.join(' and ')})`
}

function linkedSql(sql: SqlBuilder, alias: string, linked: Extract<Condition, { type: 'linked' }>): string {
  const { from, model, to, more = [], conditions, withDeleted } = linked
  const inner = sql.alias()
  const all = [
    ...[{ from, to }, ...more].map((pair) => `${columnOf(inner, pair.to)} = ${columnOf(alias, pair.from)}`),
    ...(withDeleted === true ? [] : notDeleted(model, inner)),
    ...conditions.map((condition) => conditionSql(sql, inner, condition)),
  ]
  return `exists (select 1 from ${model.sqlName} ${inner} where ${all.join(' and ')})`
}

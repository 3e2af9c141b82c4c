// "Behind this record" in SQL, for any mix of directions and nullable columns.

import type { SqlBuilder } from './sql-builder.ts'

export interface OrderColumn {
  readonly column: string
  readonly type: string
  readonly nullable: boolean
  readonly descending: boolean
}

/**
 * PostgreSQL sorts NULL behind everything when ascending and before everything when descending, which is what an index
 * on the column gives. The condition follows that order exactly, or pages would skip or repeat records.
 */
export function keysetCondition(sql: SqlBuilder, order: readonly OrderColumn[], values: readonly (string | null)[]): string {
  const plain = order.every((key) => !key.nullable && key.descending === order[0]?.descending)
  return plain ? rowComparison(sql, order, values) : steps(sql, order, values)
}

/** One comparison of rows, which a multi-column index answers directly. */
function rowComparison(sql: SqlBuilder, order: readonly OrderColumn[], values: readonly (string | null)[]): string {
  const columns = order.map((key) => key.column).join(', ')
  const parameters = order.map((key, i) => sql.param(values[i] ?? null, key.type)).join(', ')
  return `(${columns}) ${order[0]?.descending === true ? '<' : '>'} (${parameters})`
}

/** behind(1) or (same(1) and (behind(2) or (same(2) and …))) */
function steps(sql: SqlBuilder, order: readonly OrderColumn[], values: readonly (string | null)[]): string {
  const [key, ...rest] = order
  if (key === undefined) return 'false'
  const [value = null, ...others] = values
  const behind = behindValue(sql, key, value)
  if (rest.length === 0) return behind
  return `(${behind} or (${sameValue(sql, key, value)} and ${steps(sql, rest, others)}))`
}

function behindValue(sql: SqlBuilder, key: OrderColumn, value: string | null): string {
  if (value === null) return key.descending ? `${key.column} is not null` : 'false'
  const compared = `${key.column} ${key.descending ? '<' : '>'} ${sql.param(value, key.type)}`
  return key.nullable && !key.descending ? `(${compared} or ${key.column} is null)` : compared
}

function sameValue(sql: SqlBuilder, key: OrderColumn, value: string | null): string {
  return value === null ? `${key.column} is null` : `${key.column} = ${sql.param(value, key.type)}`
}

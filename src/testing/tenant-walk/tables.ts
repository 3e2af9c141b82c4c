// What the rows of a tenant are, to be compared with what they are afterwards.

import type { Model } from '../../model/model.ts'
import { tenantKey } from './actors.ts'
import { type Ground, targetOf } from './ground.ts'
import type { Rows, Side } from './rows.ts'

/** A hash of the rows of each table, by its name. */
export async function tablesOf(ground: Ground, rows: Rows, side: Side): Promise<ReadonlyMap<string, string>> {
  const entries: [string, string][] = []
  for (const model of ground.secret) {
    const { text, values } = condition(ground, rows, side, model)
    const hash = `SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS hash FROM ${model.sqlName} t WHERE ${text}`
    const [row] = await ground.app.db.query<{ hash: string }>(hash, values)
    entries.push([model.name, row?.hash ?? ''])
  }
  return new Map(entries)
}

interface SqlCondition {
  readonly text: string
  readonly values: readonly unknown[]
}

/** By the column of the tenant, so that rows which were added are seen; where there is none, by the keys of the rows that were made. */
function condition(ground: Ground, rows: Rows, side: Side, model: Model): SqlCondition {
  const key = model.foreignKeys.find((one) => one.fields.length === 1 && targetOf(one, ground.models) === ground.tenancy.tenants)
  const column = model.fieldByName.get(key?.fields[0] ?? '')?.column
  if (column !== undefined) return { text: `t."${column}"::text = $1`, values: [tenantKey(ground, rows, side)] }
  const columns = model.primaryKey.map((name) => `t."${model.fieldByName.get(name)?.column ?? name}"::text`)
  const keys = rows.of(model, side).map(({ values }) => JSON.stringify(model.primaryKey.map((name) => values.get(name))))
  if (columns.length === 0) return { text: 'false', values: [] }
  return { text: `jsonb_build_array(${columns.join(', ')}) = ANY ($1::jsonb[])`, values: [keys] }
}

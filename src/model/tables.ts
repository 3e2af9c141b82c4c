// Telling tables and views from everything else a models file exports.

import { is } from 'drizzle-orm'
import { getTableConfig, PgMaterializedView, PgTable, PgView } from 'drizzle-orm/pg-core'

export type TableOrView = PgTable | PgView | PgMaterializedView

export function isTableOrView(value: unknown): value is TableOrView {
  return is(value, PgTable) || is(value, PgView) || is(value, PgMaterializedView)
}

/** The tables that foreign keys of `table` lead to. */
export function foreignTables(table: TableOrView): PgTable[] {
  return is(table, PgTable) ? getTableConfig(table).foreignKeys.map((key) => key.reference().foreignTable) : []
}

// Drizzle's SQL fragments as the text that its migrations contain.

import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'

const dialect = new PgDialect()

/** Values inline and columns without their table, as in a CHECK constraint or an index. */
export function renderSql(fragment: SQL): string {
  return dialect.sqlToQuery(fragment.inlineParams(), 'indexes').sql
}

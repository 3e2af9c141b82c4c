// The text search vector of a resource as an index expression. PostgreSQL uses an index only where the query has the same
// expression, so this is written once for both sides.

import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'

/**
 * @param language  text search configuration; the same as in the resource's `search`
 * @example index('posts_search').using('gin', searchVector('english', table.name, table.description))
 */
export function searchVector(language: string, ...columns: readonly PgColumn[]): SQL {
  const texts = columns.map((column) => sql`CASE WHEN ${column} IS NULL THEN '' ELSE ${column} END`)
  return sql`to_tsvector(${sql.raw(`'${language.replaceAll("'", "''")}'::regconfig`)}, ${sql.join(texts, sql.raw(` || ' ' || `))})`
}

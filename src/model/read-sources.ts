// Which tables a view reads, as far as its query is made with Drizzle: of SQL text nothing is known.

import { Column, getColumnTable, is, isSQLWrapper, SQL, Subquery } from 'drizzle-orm'
import { getMaterializedViewConfig, getViewConfig, PgMaterializedView, PgTable, PgView } from 'drizzle-orm/pg-core'
import type { TableName } from './model.ts'
import { tableNameOf } from './read-constraints.ts'

export function readSources(query: SQL | undefined): readonly TableName[] {
  const found = new Map<string, TableName>()
  const waiting: unknown[] = [query]
  while (waiting.length > 0) {
    const chunk = waiting.pop()
    const table = is(chunk, Column) ? getColumnTable(chunk) : chunk
    if (is(table, PgTable)) {
      const name = tableNameOf(table)
      found.set(JSON.stringify(name), name)
    } else waiting.push(...partsOf(chunk))
  }
  return [...found.values()]
}

function partsOf(chunk: unknown): readonly unknown[] {
  if (Array.isArray(chunk)) return chunk
  if (is(chunk, SQL)) return chunk.queryChunks
  if (is(chunk, SQL.Aliased)) return [chunk.sql]
  if (is(chunk, Subquery)) return [chunk._.sql]
  if (is(chunk, PgView)) return [getViewConfig(chunk).query]
  if (is(chunk, PgMaterializedView)) return [getMaterializedViewConfig(chunk).query]
  return isSQLWrapper(chunk) ? chunk.getSQL().queryChunks.filter((part) => part !== chunk) : []
}

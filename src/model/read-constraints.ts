// Keys, uniques, checks and foreign keys of a Drizzle table, with the names that PostgreSQL knows them by.

import { type Column, getColumns, getTableName, is } from 'drizzle-orm'
import { type ForeignKey as DrizzleForeignKey, getTableConfig, IndexedColumn, type PgTable } from 'drizzle-orm/pg-core'
import { cut, foreignKeyName, indexName, primaryKeyName, uniqueColumnName } from './constraint-names.ts'
import type { Check, Field, ForeignKey, LooseUniqueness, TableName, Uniqueness } from './model.ts'
import { mentionedColumns } from './mentioned-columns.ts'
import { renderSql } from './render-sql.ts'

type TableConfig = ReturnType<typeof getTableConfig>

export function readPrimaryKey(table: PgTable): Uniqueness | undefined {
  const { columns, primaryKeys, name } = getTableConfig(table)
  const [declared] = primaryKeys
  const keyColumns = declared?.columns ?? columns.filter((column) => column.primary)
  if (keyColumns.length === 0) return undefined
  return { name: cut(declared?.name ?? primaryKeyName(name)), fields: fieldNames(table, keyColumns) }
}

/** Partial indexes and those on expressions promise nothing about whole columns, so they are left out. */
export function readUniques(table: PgTable): Uniqueness[] {
  const config = getTableConfig(table)
  return [
    ...config.columns.filter((column) => column.isUnique).map((column) => uniqueOfColumn(table, column)),
    ...config.uniqueConstraints.map(({ name, columns }) => ({ name: cut(name ?? ''), fields: fieldNames(table, columns) })),
    ...config.indexes.flatMap((index) => uniqueOfIndex(table, index)),
  ]
}

function uniqueOfColumn(table: PgTable, column: Column): Uniqueness {
  return { name: cut(column.uniqueName ?? uniqueColumnName(getTableName(table), column.name)), fields: fieldNames(table, [column]) }
}

type Index = TableConfig['indexes'][number]

function uniqueOfIndex(table: PgTable, index: Index): Uniqueness[] {
  const columns = indexedColumns(index)
  return index.config.unique && !isLoose(index) ? [{ name: nameOfIndex(table, index), fields: fieldsOf(table, columns) }] : []
}

/** The unique indexes that `readUniques` leaves out. */
export function readLooseUniques(table: PgTable): LooseUniqueness[] {
  const loose = getTableConfig(table).indexes.filter((index) => index.config.unique && isLoose(index))
  return loose.map((index) => {
    const columns = indexedColumns(index)
    const { where } = index.config
    return {
      name: nameOfIndex(table, index),
      fields: fieldsOf(table, columns),
      hasExpressions: columns.length < index.config.columns.length,
      ...(where === undefined ? {} : { where: renderSql(where) }),
    }
  })
}

function isLoose(index: Index): boolean {
  return index.config.where !== undefined || indexedColumns(index).length < index.config.columns.length
}

function indexedColumns({ config }: Index): string[] {
  return config.columns.flatMap((column) => (is(column, IndexedColumn) && column.name !== undefined ? [column.name] : []))
}

function nameOfIndex(table: PgTable, index: Index): string {
  return cut(index.config.name ?? indexName(getTableName(table), indexedColumns(index)))
}

function fieldsOf(table: PgTable, columns: readonly string[]): string[] {
  return columns.flatMap((column) => fieldNameOf(table, column) ?? [])
}

export function readChecks(table: PgTable, fields: readonly Field[]): Check[] {
  return getTableConfig(table).checks.map(({ name, value }) => {
    const expression = renderSql(value)
    const mentioned = mentionedColumns(expression)
    return { name: cut(name), expression, fields: fields.filter(({ column }) => mentioned.has(column)).map((field) => field.name) }
  })
}

export function readForeignKeys(table: PgTable): ForeignKey[] {
  return getTableConfig(table).foreignKeys.map((key) => readForeignKey(table, key))
}

function readForeignKey(table: PgTable, key: DrizzleForeignKey): ForeignKey {
  const { columns, foreignTable, foreignColumns } = key.reference()
  const names = columns.map((column) => column.name)
  const foreignNames = foreignColumns.map((column) => column.name)
  return {
    name: key.isNameExplicit() ? cut(key.getName()) : foreignKeyName(getTableName(table), names, getTableName(foreignTable), foreignNames),
    fields: fieldNames(table, columns),
    foreignTable: tableNameOf(foreignTable),
    foreignFields: fieldNames(foreignTable, foreignColumns),
    onDelete: key.onDelete ?? 'no action',
  }
}

export function tableNameOf(table: PgTable): TableName {
  const { name, schema } = getTableConfig(table)
  return schema === undefined ? { name } : { schema, name }
}

function fieldNames(table: PgTable, columns: readonly Column[]): string[] {
  return columns.flatMap((column) => fieldNameOf(table, column.name) ?? [])
}

/** The key of a column in the table object. */
export function fieldNameOf(table: PgTable, columnName: string): string | undefined {
  return Object.entries(getColumns(table)).find(([, column]) => column.name === columnName)?.[0]
}

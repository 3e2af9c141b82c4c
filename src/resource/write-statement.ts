// SQL of the writes of one record. Pure: columns and keys in, statement out.

import type { Statement } from '../db/rows.ts'
import type { Field } from '../model/model.ts'
import type { RecordKey } from './request.ts'
import { quoteName, SqlBuilder } from './sql-builder.ts'
import { byDefault, type ColumnValue, type ColumnValues } from './write-columns.ts'

/** The table of a writer as its statements need it. */
export interface WriteTable {
  /** Quoted and schema-qualified. */
  readonly sqlName: string
  /** Quoted, without schema: what `FOR UPDATE OF` takes. */
  readonly bareName: string
  readonly fields: readonly Field[]
  readonly key: readonly Field[]
  readonly softDelete: Field | undefined
  /** Select list of every row that a write returns. */
  readonly returning: string
}

/** `share` lets other records refer to the locked one meanwhile; `whole` is for one that will be deleted. */
export type LockStrength = 'share' | 'whole'

export function insertStatement(table: WriteTable, columns: ColumnValues): Statement {
  const sql = new SqlBuilder()
  const names = [...columns.keys()].map((field) => quoteName(field.column))
  const row = [...columns].map(([field, value]) => valueSql(field, value, sql))
  const source = names.length === 0 ? 'default values' : `(${names.join(', ')}) values (${row.join(', ')})`
  return statement(sql, `insert into ${table.sqlName} ${source} returning ${table.returning}`)
}

/** Changes a record that is not soft-deleted. */
export function updateStatement(table: WriteTable, columns: ColumnValues, key: RecordKey): Statement {
  return update(table, columns, key, alive(table))
}

/** Deletes a record; where the table has `deleted_at`, marks it. `touched` are the columns that every change sets. */
export function deleteStatement(table: WriteTable, key: RecordKey, touched: ColumnValues): Statement {
  if (table.softDelete !== undefined) return update(table, new Map([...touched, [table.softDelete, 'now']]), key, alive(table))
  const sql = new SqlBuilder()
  return statement(sql, `delete from ${table.sqlName} where ${keySql(table, key, sql)} returning ${table.returning}`)
}

/** Brings a soft-deleted record back; of a table without `deleted_at` there is none. */
export function restoreStatement(table: WriteTable, key: RecordKey, touched: ColumnValues): Statement {
  if (table.softDelete === undefined) throw new Error(`${table.sqlName} has no soft delete.`)
  return update(table, new Map([...touched, [table.softDelete, null]]), key, deleted(table))
}

/** Reads the record that a change is about: alive, or deleted for a restore. */
export function currentStatement(table: WriteTable, key: RecordKey, state: 'alive' | 'deleted', lock?: LockStrength): Statement {
  const sql = new SqlBuilder()
  const where = keySql(table, key, sql) + (state === 'alive' ? alive(table) : deleted(table))
  return statement(sql, `select ${table.returning} from ${table.sqlName} where ${where}${lock === undefined ? '' : lockSql(lock)}`)
}

export function lockSql(lock: LockStrength): string {
  return lock === 'whole' ? ' for update' : ' for no key update'
}

function update(table: WriteTable, columns: ColumnValues, key: RecordKey, condition: string): Statement {
  const sql = new SqlBuilder()
  const set = [...columns].map(([field, value]) => `${quoteName(field.column)} = ${valueSql(field, value, sql)}`).join(', ')
  const where = keySql(table, key, sql) + condition
  return statement(sql, `update ${table.sqlName} set ${set} where ${where} returning ${table.returning}`)
}

function keySql(table: WriteTable, key: RecordKey, sql: SqlBuilder): string {
  return table.key.map((field, i) => `${columnSql(table, field)} = ${sql.param(key[i] ?? null, field.castType)}`).join(' and ')
}

export function valueSql(field: Field, value: ColumnValue, sql: SqlBuilder): string {
  return value === byDefault ? 'default' : sql.param(value, field.castType)
}

export function columnSql(table: WriteTable, field: Field): string {
  return `${table.sqlName}.${quoteName(field.column)}`
}

/** ` and …` for the records that exist as callers see it. */
export function alive(table: WriteTable): string {
  return table.softDelete === undefined ? '' : ` and ${columnSql(table, table.softDelete)} is null`
}

function deleted(table: WriteTable): string {
  return table.softDelete === undefined ? ' and false' : ` and ${columnSql(table, table.softDelete)} is not null`
}

/** Writes vary more than reads, so the text has no name yet: `StatementNames` decides. */
export function statement(sql: SqlBuilder, text: string): Statement {
  return { text, values: sql.values }
}

// SQL of the writes of one record. Pure: columns and keys in, statement out.

import type { Statement } from '../db/rows.ts'
import type { Field } from '../model/model.ts'
import { conditionSql, verdictSql } from './condition-sql.ts'
import type { GuardedReference } from './access/guard.ts'
import type { Verdict } from './plan.ts'
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

/** What a caller's policies ask of the record; nothing is asked of it where a verdict is left out. */
export interface Limits {
  /** Records that are not so are not found. */
  readonly only?: Verdict
  /** Whether the record is so, as the statement leaves it, is said by a column behind those of `returning`: see `checkSql`. */
  readonly check?: Verdict
  /** The same column says which of its foreign keys leads to no record that it may lead to. */
  readonly references?: readonly GuardedReference[]
}

export function insertStatement(table: WriteTable, columns: ColumnValues, limits: Limits = {}): Statement {
  const sql = new SqlBuilder()
  const names = [...columns.keys()].map((field) => quoteName(field.column))
  const row = [...columns].map(([field, value]) => valueSql(field, value, sql))
  const source = names.length === 0 ? 'default values' : `(${names.join(', ')}) values (${row.join(', ')})`
  return statement(sql, `insert into ${table.sqlName} ${source} returning ${table.returning}${checkSql(table, sql, limits)}`)
}

/** Changes a record that is not soft-deleted. */
export function updateStatement(table: WriteTable, columns: ColumnValues, key: RecordKey, limits?: Limits): Statement {
  return update(table, columns, key, alive(table), limits)
}

/** Deletes a record; where the table has `deleted_at`, marks it. `touched` are the columns that every change sets. */
export function deleteStatement(table: WriteTable, key: RecordKey, touched: ColumnValues, limits: Limits = {}): Statement {
  if (table.softDelete !== undefined) return update(table, new Map([...touched, [table.softDelete, 'now']]), key, alive(table), limits)
  const sql = new SqlBuilder()
  const where = keySql(table, key, sql) + onlySql(table, sql, limits.only)
  return statement(sql, `delete from ${table.sqlName} where ${where} returning ${table.returning}`)
}

/** Brings a soft-deleted record back; of a table without `deleted_at` there is none. */
export function restoreStatement(table: WriteTable, key: RecordKey, touched: ColumnValues, limits?: Limits): Statement {
  if (table.softDelete === undefined) throw new Error(`${table.sqlName} has no soft delete.`)
  return update(table, new Map([...touched, [table.softDelete, null]]), key, deleted(table), limits)
}

/** Reads the record that a change is about: alive, or deleted for a restore. */
export function currentStatement(
  table: WriteTable,
  key: RecordKey,
  state: 'alive' | 'deleted',
  lock?: LockStrength,
  limits: Limits = {},
): Statement {
  const sql = new SqlBuilder()
  const columns = table.returning + checkSql(table, sql, limits)
  const where = keySql(table, key, sql) + (state === 'alive' ? alive(table) : deleted(table)) + onlySql(table, sql, limits.only)
  return statement(sql, `select ${columns} from ${table.sqlName} where ${where}${lock === undefined ? '' : lockSql(lock)}`)
}

export function lockSql(lock: LockStrength): string {
  return lock === 'whole' ? ' for update' : ' for no key update'
}

/** ` and …` for the records that a caller may have to do with. */
export function onlySql(table: WriteTable, sql: SqlBuilder, only: Verdict = true): string {
  return verdictSql(sql, table.sqlName, only)
    .map((condition) => ` and ${condition}`)
    .join('')
}

/** `, …`: `t` for a record that is as it has to be, `f` for one that is not, unknown being false; `r0` for one whose first reference is not. */
export function checkSql(table: WriteTable, sql: SqlBuilder, { check = true, references = [] }: Limits): string {
  if (references.length > 0) return `, ${checkedCases(table, sql, check, references)}`
  if (typeof check === 'boolean') return check ? '' : ', false'
  return `, (${conditionSql(sql, table.sqlName, check)}) is true`
}

function checkedCases(table: WriteTable, sql: SqlBuilder, check: Verdict, references: readonly GuardedReference[]): string {
  const asked = [{ verdict: check, name: 'f' }, ...references.map(({ rows }, i) => ({ verdict: rows, name: `r${i}` }))]
  const cases = asked.flatMap(({ verdict, name }) =>
    verdictSql(sql, table.sqlName, verdict).map((condition) => `when (${condition}) is not true then '${name}'`),
  )
  return cases.length === 0 ? `'t'` : `case ${cases.join(' ')} else 't' end`
}

function update(table: WriteTable, columns: ColumnValues, key: RecordKey, condition: string, limits: Limits = {}): Statement {
  const sql = new SqlBuilder()
  const set = [...columns].map(([field, value]) => `${quoteName(field.column)} = ${valueSql(field, value, sql)}`).join(', ')
  const where = keySql(table, key, sql) + condition + onlySql(table, sql, limits.only)
  return statement(sql, `update ${table.sqlName} set ${set} where ${where} returning ${table.returning}${checkSql(table, sql, limits)}`)
}

export function keySql(table: WriteTable, key: RecordKey, sql: SqlBuilder): string {
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

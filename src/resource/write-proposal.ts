// A constraint refused a write before the record that it makes could be looked at. Whoever may not have that record is told so, and not
// what the constraint says of rows that are not theirs: whether a value is taken, whether a record is there.

import { textColumns, type TextRows } from '../db/rows.ts'
import { pgProblemOf } from '../db/pg-errors.ts'
import type { Field } from '../model/model.ts'
import { type GuardedReference, looseReferences, needsCheck } from './access/guard.ts'
import { checkSql, columnSql, keySql, statement, valueSql, type WriteTable } from './write-statement.ts'
import type { RecordKey } from './request.ts'
import { quoteName, SqlBuilder } from './sql-builder.ts'
import { byDefault, type ColumnValues } from './write-columns.ts'
import { bulkFailure, type Failure, type Indexed } from './write-failures.ts'
import { refuseUnfit, saysFit, unfitError } from './write-guard.ts'
import { missingReference, strayIn } from './write-strays.ts'
import type { Writer } from './writer.ts'

/** A record as a write would leave it. */
export interface Proposal {
  /** Undefined for a new record. */
  readonly key: RecordKey | undefined
  readonly columns: ColumnValues
}

const waiting = new WeakMap<object, () => Promise<void>>()

/** Has the proposal looked at when the transaction that has failed is rolled back: it takes no statements before. */
export function lookLater(error: unknown, writer: Writer, proposal: Proposal): void {
  if (!isConstraintError(error)) return
  waiting.set(error, async () => {
    if (writer.guard === undefined) return
    const { rows, references } = await look(writer, proposal)
    refuseUnfit(writer.guard, rows, proposal.columns)
    const stray = strayOf(rows, references)
    if (stray !== undefined) throw missingReference(writer, stray)
  })
}

/** @throws AppError `AUTH_FORBIDDEN` (403), `AUTH_REQUIRED` (401) instead of `error` */
export async function lookNow(error: unknown): Promise<void> {
  if (isObject(error)) await waiting.get(error)?.()
}

/** The same for the items of a bulk request, whose savepoint is rolled back. @throws AppError `WRITE_BULK_FORBIDDEN` */
export async function refuseProposals(writer: Writer, error: unknown, items: readonly Indexed<Proposal>[]): Promise<void> {
  const { guard } = writer
  if (guard === undefined || !isConstraintError(error)) return
  const failures: Failure[] = []
  for (const { index, item } of items) {
    if (!needsCheck(guard, item.columns)) continue
    const { rows, references } = await look(writer, item)
    const stray = strayOf(rows, references)
    if (!isFit(rows)) failures.push({ index, error: unfitError(guard, item.columns) })
    else if (stray !== undefined) failures.push({ index, error: missingReference(writer, stray) })
  }
  if (failures.length > 0) throw bulkFailure(failures)
}

function isConstraintError(error: unknown): error is object {
  return isObject(error) && pgProblemOf(error)?.sqlstate.startsWith('23') === true
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isFit(rows: TextRows): boolean {
  return rows.count === 0 || saysFit(textColumns(rows, 0).at(-1))
}

function strayOf(rows: TextRows, references: readonly GuardedReference[]): GuardedReference | undefined {
  return rows.count === 0 ? undefined : strayIn(rows, 0, -1, references)
}

/** What the database fills in: by column, what it says when the column is left out. */
interface Filled {
  readonly column: string
  readonly expression: string
  readonly isGenerated: boolean
}

interface Look {
  readonly rows: TextRows
  readonly references: readonly GuardedReference[]
}

/** References within the table are left out: they may lead to records that the same request makes. */
async function look(writer: Writer, proposal: Proposal): Promise<Look> {
  const { db, table, guard, resource } = writer
  const loose = guard === undefined ? [] : looseReferences(guard, proposal.columns)
  const references = loose.filter(({ reference }) => reference.model !== resource.model)
  const filled = await db.query<Filled>(filledSql, [table.sqlName])
  return { rows: await db.read(proposalStatement(writer, proposal, filled, references)), references }
}

/** Numbers are not drawn from sequences: the record is never made. */
const filledSql = `select a.attname as "column", a.attgenerated <> '' as "isGenerated",
  case when pg_get_expr(d.adbin, d.adrelid) ~* 'nextval' then 'null' else pg_get_expr(d.adbin, d.adrelid) end as expression
  from pg_catalog.pg_attrdef d join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
  where d.adrelid = to_regclass($1::text)`

function proposalStatement(
  { table, guard }: Writer,
  { key, columns }: Proposal,
  filled: readonly Filled[],
  references: readonly GuardedReference[],
) {
  const sql = new SqlBuilder()
  const generated = filled.filter(({ isGenerated }) => isGenerated)
  const given = table.fields.filter(({ column }) => !generated.some((one) => one.column === column))
  const cells = given.map((field) => `${cellSql(table, sql, field, { key, columns }, filled)} as ${quoteName(field.column)}`)
  const from = key === undefined ? '' : ` from ${table.sqlName} where ${keySql(table, key, sql)}`
  const made = generated.map(({ column, expression }) => `, (${expression}) as ${quoteName(column)}`).join('')
  const check = checkSql({ ...table, sqlName: 'plinth_p' }, sql, { check: guard?.after, references })
  return statement(sql, `select 1${check} from (select plinth_g.*${made} from (select ${cells.join(', ')}${from}) plinth_g) plinth_p`)
}

function cellSql(table: WriteTable, sql: SqlBuilder, field: Field, { key, columns }: Proposal, filled: readonly Filled[]): string {
  const value = columns.get(field)
  if (value === undefined && key !== undefined) return columnSql(table, field)
  if (value !== undefined && value !== byDefault) return valueSql(field, value, sql)
  const { expression = 'null' } = filled.find(({ column }) => column === field.column) ?? {}
  return `(${expression})::${field.castType}`
}

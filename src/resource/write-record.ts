// Changes one record. Without hooks and If-Match that is a single statement of its own; otherwise a transaction:
// lock → compare → beforeWrite → statement → afterWrite → commit → afterCommit.

import type { Statement, TextRows } from '../db/rows.ts'
import { looseReferences, needsCheck } from './access/guard.ts'
import type { HookContext } from './define.ts'
import { runAfterWrite, runBeforeWrite, runsInTransaction } from './hooks.ts'
import type { Preconditions, RecordKey, RecordValues, WriteRequest } from './request.ts'
import { addressKey } from './write-key.ts'
import { checkPreconditions, explainTaken, hasPreconditions } from './write-match.ts'
import { hookRow, type WrittenRecord, writtenRecord } from './write-row.ts'
import { lookLater } from './write-proposal.ts'
import { refuseStrays } from './write-references.ts'
import { refuseRow, refuseUnfit } from './write-guard.ts'
import { announce, hookContext, inTransaction, onItsOwn, refuseLostRows, runStatement, type WriteContext } from './write-run.ts'
import {
  currentStatement,
  deleteStatement,
  insertStatement,
  type Limits,
  restoreStatement,
  updateStatement,
  type WriteTable,
} from './write-statement.ts'
import { checkGiven, createColumns, type Giver, patchColumns, replaceColumns, touchedColumns } from './write-values.ts'
import type { ColumnValues } from './write-columns.ts'
import type { Writer } from './writer.ts'

type Change = Exclude<WriteRequest, { operation: 'create' }>

/** The row of a write; `changed` is false when there was nothing to set and it is the record as it was. */
interface Outcome {
  readonly rows: TextRows
  readonly changed: boolean
}

/**
 * Creates, replaces, patches, deletes or restores one record.
 *
 * @returns the record after the write (for a delete: the last of it); undefined when there is none with this key.
 *          Soft-deleted records exist for `restore` alone.
 * @throws  AppError `WRITE_INVALID` (400, one detail per field), `WRITE_INVALID_KEY`, `WRITE_PRECONDITION_FAILED` (412),
 *          the errors of `constraint.ts` (400, 409), `AUTH_FORBIDDEN` (403) for a record that the caller sees and may not change so,
 *          what hooks throw, and those of the db room. Nothing has changed then.
 */
export async function writeRecord(writer: Writer, request: WriteRequest, about: WriteContext): Promise<WrittenRecord | undefined> {
  const { joins } = about
  const checked = checkRequest(writer, request)
  const context = hookContext(writer, request.operation, about)
  const hooked = runsInTransaction(writer.resource.options.hooks)
  if (hooked || (checked.operation !== 'create' && hasPreconditions(checked)))
    return inTransaction(writer, () => writeWatched(writer, checked, context), { retry: !hooked, joins })
  const work = workOf(writer, checked, valuesOf(checked), 'caller')
  const change = async (): Promise<WrittenRecord | undefined> => conclude(writer, await perform(writer, checked, work), context)
  if (joins === true) return change()
  // A record that turns out to be none that the caller may have is taken back.
  return work.isChecked ? inTransaction(writer, change, { retry: true }) : onItsOwn(writer, change)
}

/** Refuses what can be refused without a connection. Values are checked here when hooks see them, else with the statement. */
function checkRequest(writer: Writer, request: WriteRequest): WriteRequest {
  const checked = request.operation === 'create' ? request : { ...request, key: addressKey(writer, request.key) }
  if (writer.resource.options.hooks?.beforeWrite !== undefined && 'values' in checked) {
    checkGiven(writer, checked.operation === 'create' ? undefined : checked.key, checked.values)
  }
  return checked
}

function valuesOf(request: WriteRequest): RecordValues {
  return 'values' in request ? request.values : {}
}

async function writeWatched(writer: Writer, request: WriteRequest, context: HookContext): Promise<WrittenRecord | undefined> {
  const { hooks } = writer.resource.options
  const current = request.operation === 'create' ? undefined : await lockCurrent(writer, request)
  if (request.operation !== 'create' && current === undefined) return undefined
  compare(writer, current, request)
  const before = hooks?.beforeWrite === undefined || current === undefined ? undefined : hookRow(writer, current, 0)
  const values = await runBeforeWrite(hooks, valuesOf(request), before, context)
  const work = workOf(writer, request, values, hooks?.beforeWrite === undefined ? 'caller' : 'hook')
  const outcome = await perform(writer, request, work)
  if (outcome?.changed === true) await runAfterWrite(hooks, () => hookRow(writer, outcome.rows, 0), context)
  return conclude(writer, outcome, context)
}

async function lockCurrent(writer: Writer, { operation, key }: Change): Promise<TextRows | undefined> {
  const vanishes = operation === 'delete' && writer.table.softDelete === undefined
  const { guard, table } = writer
  const limits = guard && { only: guard.seen, check: guard.before }
  const state = operation === 'restore' ? 'deleted' : 'alive'
  const rows = await runStatement(writer, currentStatement(table, key, state, vanishes ? 'whole' : 'share', limits))
  if (guard !== undefined && guard.before !== true) refuseUnfit(guard, rows)
  return rows.count === 0 ? undefined : rows
}

function compare(writer: Writer, current: TextRows | undefined, conditions: Preconditions): void {
  if (current !== undefined && hasPreconditions(conditions)) checkPreconditions(conditions, writtenRecord(writer, current, 0, false).etag)
}

/** Runs the statement of a request; undefined when no record that the caller sees has the key. */
async function perform(writer: Writer, request: WriteRequest, work: Work): Promise<Outcome | undefined> {
  const { statement, isChecked, columns } = work
  const rows = statement === undefined ? await readUnchanged(writer, request) : await change(writer, request, statement, work)
  if (request.operation === 'create') refuseLostRows(writer, 1, rows.count)
  else if (rows.count === 0) await refuseRow(writer, request)
  if (isChecked && writer.guard !== undefined) refuseUnfit(writer.guard, rows, columns)
  return rows.count === 0 ? undefined : { rows, changed: statement !== undefined }
}

async function change(
  writer: Writer,
  request: WriteRequest,
  statement: Statement,
  { isChecked, columns, limits }: Work,
): Promise<TextRows> {
  try {
    const rows = await runStatement(writer, statement)
    await refuseStrays(writer, rows, limits)
    return rows
  } catch (error) {
    const told = request.operation === 'create' ? explainTaken(error, request, writer.resource) : error
    if (isChecked) lookLater(told, writer, { key: request.operation === 'create' ? undefined : request.key, columns })
    throw told
  }
}

interface Work {
  /** Undefined when the request sets nothing. */
  readonly statement: Statement | undefined
  readonly columns: ColumnValues
  readonly limits: Limits
  /** The record that the statement makes has to be looked at. */
  readonly isChecked: boolean
}

function workOf(writer: Writer, request: WriteRequest, values: RecordValues, giver: Giver): Work {
  const { table, guard } = writer
  const columns = columnsOf(writer, request, values, giver)
  const isChecked = guard !== undefined && needsCheck(guard, columns)
  const checks = isChecked ? { check: guard.after, references: looseReferences(guard, columns) } : {}
  const limits: Limits = { only: guard?.before, ...checks }
  return { statement: statementOf(table, request, columns, limits), columns, limits, isChecked }
}

function columnsOf(writer: Writer, request: WriteRequest, values: RecordValues, giver: Giver): ColumnValues {
  switch (request.operation) {
    case 'create':
      return createColumns(writer, values, giver)
    case 'replace':
      return replaceColumns(writer, request.key, values, giver)
    case 'patch':
      return patchColumns(writer, request.key, values, giver)
    default:
      return touchedColumns(writer)
  }
}

function statementOf(table: WriteTable, request: WriteRequest, columns: ColumnValues, limits: Limits): Statement | undefined {
  switch (request.operation) {
    case 'create':
      return insertStatement(table, columns, limits)
    case 'delete':
      return deleteStatement(table, request.key, columns, limits)
    case 'restore':
      return restoreStatement(table, request.key, columns, limits)
    default:
      return columns.size === 0 ? undefined : updateStatement(table, columns, request.key, limits)
  }
}

function readUnchanged(writer: Writer, request: WriteRequest): Promise<TextRows> {
  const key: RecordKey = 'key' in request ? request.key : []
  return writer.db.read(writer.names.named(currentStatement(writer.table, key, 'alive', undefined, { only: writer.guard?.before })))
}

function conclude(writer: Writer, outcome: Outcome | undefined, context: HookContext): WrittenRecord | undefined {
  if (outcome === undefined) return undefined
  if (outcome.changed) announce(writer, outcome.rows, 0, context)
  return writtenRecord(writer, outcome.rows, 0, context.operation === 'create')
}

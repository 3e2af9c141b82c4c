// Changes one record. Without hooks and If-Match that is a single statement of its own; otherwise a transaction:
// lock → compare → beforeWrite → statement → afterWrite → commit → afterCommit.

import type { Statement, TextRows } from '../db/rows.ts'
import type { HookContext } from './define.ts'
import { runAfterWrite, runBeforeWrite, runsInTransaction } from './hooks.ts'
import type { Preconditions, RecordKey, RecordValues, WriteRequest } from './request.ts'
import { addressKey } from './write-key.ts'
import { checkPreconditions, explainTaken, hasPreconditions } from './write-match.ts'
import { hookRow, type WrittenRecord, writtenRecord } from './write-row.ts'
import { announce, inTransaction, onItsOwn, refuseLostRows, runStatement, type WriteContext } from './write-run.ts'
import { currentStatement, deleteStatement, insertStatement, restoreStatement, updateStatement } from './write-statement.ts'
import { checkGiven, createColumns, type Giver, patchColumns, replaceColumns, touchedColumns } from './write-values.ts'
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
 *          the errors of `constraint.ts` (400, 409), what hooks throw, and those of the db room. Nothing has changed then.
 */
export async function writeRecord(
  writer: Writer,
  request: WriteRequest,
  { requestId, joins }: WriteContext,
): Promise<WrittenRecord | undefined> {
  const { name, options } = writer.resource
  const checked = checkRequest(writer, request)
  const context: HookContext = { operation: request.operation, resource: name, requestId, db: writer.db }
  const hooked = runsInTransaction(options.hooks)
  if (hooked || (checked.operation !== 'create' && hasPreconditions(checked)))
    return inTransaction(writer, () => writeWatched(writer, checked, context), { retry: !hooked, joins })
  const change = async (): Promise<WrittenRecord | undefined> =>
    conclude(writer, await perform(writer, checked, valuesOf(checked), 'caller'), context)
  return joins === true ? change() : onItsOwn(writer, change)
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
  const outcome = await perform(writer, request, values, hooks?.beforeWrite === undefined ? 'caller' : 'hook')
  if (outcome?.changed === true) await runAfterWrite(hooks, () => hookRow(writer, outcome.rows, 0), context)
  return conclude(writer, outcome, context)
}

async function lockCurrent(writer: Writer, { operation, key }: Change): Promise<TextRows | undefined> {
  const vanishes = operation === 'delete' && writer.table.softDelete === undefined
  const statement = currentStatement(writer.table, key, operation === 'restore' ? 'deleted' : 'alive', vanishes ? 'whole' : 'share')
  const rows = await runStatement(writer, statement)
  return rows.count === 0 ? undefined : rows
}

function compare(writer: Writer, current: TextRows | undefined, conditions: Preconditions): void {
  if (current !== undefined && hasPreconditions(conditions)) checkPreconditions(conditions, writtenRecord(writer, current, 0, false).etag)
}

/** Runs the statement of a request; undefined when no record has the key. */
async function perform(writer: Writer, request: WriteRequest, values: RecordValues, giver: Giver): Promise<Outcome | undefined> {
  const statement = statementOf(writer, request, values, giver)
  const rows = statement === undefined ? await readUnchanged(writer, request) : await change(writer, request, statement)
  if (request.operation === 'create') refuseLostRows(writer, 1, rows.count)
  return rows.count === 0 ? undefined : { rows, changed: statement !== undefined }
}

async function change(writer: Writer, request: WriteRequest, statement: Statement): Promise<TextRows> {
  try {
    return await runStatement(writer, statement)
  } catch (error) {
    throw request.operation === 'create' ? explainTaken(error, request, writer.resource) : error
  }
}

/** Undefined when the request sets nothing. */
function statementOf(writer: Writer, request: WriteRequest, values: RecordValues, giver: Giver): Statement | undefined {
  const { table } = writer
  switch (request.operation) {
    case 'create':
      return insertStatement(table, createColumns(writer, values, giver))
    case 'delete':
      return deleteStatement(table, request.key, touchedColumns(writer))
    case 'restore':
      return restoreStatement(table, request.key, touchedColumns(writer))
    default: {
      const columns = (request.operation === 'replace' ? replaceColumns : patchColumns)(writer, request.key, values, giver)
      return columns.size === 0 ? undefined : updateStatement(table, columns, request.key)
    }
  }
}

function readUnchanged(writer: Writer, request: WriteRequest): Promise<TextRows> {
  const key: RecordKey = 'key' in request ? request.key : []
  return writer.db.read(writer.names.named(currentStatement(writer.table, key, 'alive')))
}

function conclude(writer: Writer, outcome: Outcome | undefined, context: HookContext): WrittenRecord | undefined {
  if (outcome === undefined) return undefined
  if (outcome.changed) announce(writer, outcome.rows, 0, context)
  return writtenRecord(writer, outcome.rows, 0, context.operation === 'create')
}

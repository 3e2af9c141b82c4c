// Writes many records, all or none, in one transaction and with one statement for all of them:
// check → lock → beforeWrite → statement → afterWrite → commit → afterCommit.

import { noRows, type TextRows } from '../db/rows.ts'
import { looseReferences, needsCheck } from './access/guard.ts'
import type { HookContext } from './define.ts'
import { runsInTransaction } from './hooks.ts'
import type { BulkRequest, RecordKey, RecordValues } from './request.ts'
import { afterEach, beforeEach } from './write-bulk-hooks.ts'
import { joinRows, lockAll, rowsInOrder } from './write-bulk-rows.ts'
import { deleteManyStatement, insertManyStatements, type RecordChange, updateManyStatement } from './write-bulk-statement.ts'
import type { ColumnValues } from './write-columns.ts'
import { writeErrors } from './write-errors.ts'
import { applyAll, eachItem, type Indexed } from './write-failures.ts'
import { addressKey, ownKey } from './write-key.ts'
import { recordsJson, rowKey } from './write-row.ts'
import { refuseProposals } from './write-proposal.ts'
import { refuseUnfitItems } from './write-guard.ts'
import { refuseStrays } from './write-references.ts'
import { hookContext, inTransaction, refuseLostRows, runStatement, type WriteContext } from './write-run.ts'
import { checkGiven, createColumns, type Giver, patchColumns, touchedColumns } from './write-values.ts'
import type { Limits } from './write-statement.ts'
import type { Writer } from './writer.ts'

/** Records after a bulk write, in the order of its items. */
export interface WrittenRecords {
  /** A JSON array. */
  readonly json: Buffer
  readonly keys: readonly RecordKey[]
}

/** Work that is checked and waits for its transaction. Returns one row per item, in their order. */
type Prepared = () => Promise<TextRows>

/**
 * Creates, patches or deletes records. Items of a patch carry their key among their values.
 *
 * @returns the records after the write (for a delete: the last of them)
 * @throws  AppError `WRITE_BULK_INVALID` (400), `WRITE_BULK_CONFLICT` (409), `WRITE_BULK_NOT_FOUND` (404) with every
 *          failing item's `index` in `details`; `WRITE_BULK_FORBIDDEN` (403) likewise; `WRITE_TOO_MANY_ITEMS`; what hooks throw. Nothing has changed then.
 */
export async function writeBulk(writer: Writer, request: BulkRequest, about: WriteContext): Promise<WrittenRecords> {
  const { options, bulkMax } = writer.resource
  const count = 'items' in request ? request.items.length : request.keys.length
  if (count > bulkMax) throw writeErrors.TOO_MANY_ITEMS(count, bulkMax)
  if (count === 0) return written(writer, noRows)
  const work = prepare(writer, request, hookContext(writer, request.operation, about))
  return written(writer, await inTransaction(writer, work, { retry: !runsInTransaction(options.hooks), joins: about.joins }))
}

function written(writer: Writer, rows: TextRows): WrittenRecords {
  return { json: recordsJson(writer, rows), keys: Array.from({ length: rows.count }, (_, index) => rowKey(writer, rows, index)) }
}

function prepare(writer: Writer, request: BulkRequest, context: HookContext): Prepared {
  if (request.operation === 'create') return prepareCreates(writer, request.items, context)
  return request.operation === 'patch' ? preparePatches(writer, request.items, context) : prepareDeletes(writer, request.keys, context)
}

function prepareCreates(writer: Writer, items: readonly RecordValues[], context: HookContext): Prepared {
  const columnsOf = prepareColumns(writer, items, [], (values, _index, giver) => createColumns(writer, values, giver))
  return async () => {
    const records = indexed(await columnsOf(undefined, context))
    const rows = await applyAll(
      writer,
      records,
      (some) => insertAll(writer, some),
      (error) =>
        refuseProposals(
          writer,
          error,
          records.map(({ index, item }) => ({ index, item: { key: undefined, columns: item } })),
        ),
    )
    await afterEach(writer, rows, records, context)
    return rows
  }
}

async function insertAll(writer: Writer, records: readonly Indexed<ColumnValues>[]): Promise<TextRows> {
  const parts: TextRows[] = []
  const columns = records.map(({ item }) => item)
  const limits = limitsOf(writer, columns)
  for (const statement of insertManyStatements(writer.table, columns, limits)) parts.push(await runStatement(writer, statement))
  const rows = joinRows(parts)
  await refuseStrays(writer, rows, limits)
  refuseLostRows(writer, records.length, rows.count)
  if (writer.guard !== undefined && limits.check !== undefined) refuseUnfitItems(writer.guard, rows, records, -1, (at) => columns[at])
  return rows
}

/** All are looked at, when one has to be. */
function limitsOf({ guard }: Writer, records: readonly ColumnValues[]): Limits {
  if (guard === undefined || !records.some((columns) => needsCheck(guard, columns))) return {}
  return { check: guard.after, references: [...new Set(records.flatMap((columns) => looseReferences(guard, columns)))] }
}

function preparePatches(writer: Writer, items: readonly RecordValues[], context: HookContext): Prepared {
  const keys = eachItem(items, (values) => ownKey(writer, values))
  const columnsOf = prepareColumns(writer, items, keys, (values, index, giver) => patchColumns(writer, keys[index] ?? [], values, giver))
  return async () => {
    const current = await lockAll(writer, keys, 'share')
    const columns = await columnsOf(current, context)
    const changes = indexed(columns.map((set, i): RecordChange => ({ key: keys[i] ?? [], columns: set }))).filter(
      ({ item }) => item.columns.size > 0,
    )
    if (changes.length === 0) return current
    const changed = await applyAll(
      writer,
      changes,
      (some) => updateAll(writer, some),
      (error) => refuseProposals(writer, error, changes),
    )
    await afterEach(writer, changed, changes, context)
    return replaceRows(current, changed, changes)
  }
}

async function updateAll(writer: Writer, changes: readonly Indexed<RecordChange>[]): Promise<TextRows> {
  const { guard, table } = writer
  const all = changes.map(({ item }) => item)
  const limits = limitsOf(
    writer,
    all.map(({ columns }) => columns),
  )
  const rows = rowsInOrder(writer, changes, await runStatement(writer, updateManyStatement(table, all, limits)))
  await refuseStrays(writer, rows, limits, -2)
  if (guard !== undefined && limits.check !== undefined) refuseUnfitItems(guard, rows, changes, -2, (at) => all[at]?.columns)
  return rows
}

function prepareDeletes(writer: Writer, given: readonly RecordKey[], context: HookContext): Prepared {
  const keys = eachItem(given, (key) => addressKey(writer, key))
  return async () => {
    const current = await lockAll(writer, keys, writer.table.softDelete === undefined ? 'whole' : 'share')
    await beforeEach(
      writer,
      keys.map(() => ({})),
      current,
      context,
    )
    const rows = await applyAll(writer, indexed(keys), (some) => deleteAll(writer, some))
    await afterEach(writer, rows, indexed(keys), context)
    return rows
  }
}

async function deleteAll(writer: Writer, keys: readonly Indexed<RecordKey>[]): Promise<TextRows> {
  const { softDelete } = writer.table
  if (softDelete === undefined)
    return rowsInOrder(
      writer,
      keys,
      await runStatement(
        writer,
        deleteManyStatement(
          writer.table,
          keys.map(({ item }) => item),
        ),
      ),
    )
  const marks = keys.map(({ item, index }) => ({ index, item: { key: item, columns: touchedColumns(writer).set(softDelete, 'now') } }))
  return updateAll(writer, marks)
}

/** Checks the values at once. What it returns gives the columns: after the hooks, where there are any. */
function prepareColumns(
  writer: Writer,
  items: readonly RecordValues[],
  keys: readonly RecordKey[],
  toColumns: (values: RecordValues, index: number, giver: Giver) => ColumnValues,
): (current: TextRows | undefined, context: HookContext) => Promise<ColumnValues[]> {
  if (writer.resource.options.hooks?.beforeWrite === undefined) {
    const columns = eachItem(items, (values, index) => toColumns(values, index, 'caller'))
    return async () => columns
  }
  eachItem(items, (values, index) => checkGiven(writer, keys[index], values))
  return async (current, context) =>
    eachItem(await beforeEach(writer, items, current, context), (values, index) => toColumns(values, index, 'hook'))
}

/** `current` with the rows of the items that changed in their places. */
function replaceRows(current: TextRows, changed: TextRows, changes: readonly Indexed<unknown>[]): TextRows {
  const buffers = [...current.buffers]
  const starts = [...current.starts]
  for (const [i, { index }] of changes.entries()) {
    buffers[index] = changed.buffers[i] as Buffer
    starts[index] = changed.starts[i] as number
  }
  return { ...current, buffers, starts }
}

function indexed<item>(items: readonly item[]): Indexed<item>[] {
  return items.map((item, index) => ({ item, index }))
}

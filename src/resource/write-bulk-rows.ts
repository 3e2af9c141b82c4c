// The rows of a bulk request: one per item, in the order of the items.

import type { TextRows } from '../db/rows.ts'
import { resourceErrors } from './errors.ts'
import type { RecordKey } from './request.ts'
import { lockManyStatement } from './write-bulk-statement.ts'
import { writeErrors } from './write-errors.ts'
import { unfitItems } from './write-guard.ts'
import { bulkFailure, type Failure, type Indexed } from './write-failures.ts'
import { rowItem, rowKey } from './write-row.ts'
import { runStatement } from './write-run.ts'
import type { LockStrength } from './write-statement.ts'
import type { Writer } from './writer.ts'

/**
 * Locks and reads the records with these keys.
 *
 * @throws AppError of `bulkFailure` with every key that is missing, or named by an earlier item
 */
export async function lockAll(writer: Writer, keys: readonly RecordKey[], lock: LockStrength): Promise<TextRows> {
  const { guard } = writer
  const limits = guard && { only: guard.seen, check: guard.before }
  const rows = await runStatement(writer, lockManyStatement(writer.table, keys, lock, limits))
  const failures = repeatedItems(writer, rows)
  if (failures.length > 0) throw bulkFailure(failures)
  const items = keys.map((item, index) => ({ item, index }))
  const unfit = guard === undefined || guard.before === true ? [] : unfitItems(guard, rows)
  const refused = [...missingItems(writer, items, rows), ...unfit]
  if (refused.length > 0) throw bulkFailure(refused.toSorted((a, b) => a.index - b.index))
  return rowsInOrder(writer, items, rows)
}

/** Two items may spell the same key differently, so the rows decide. */
function repeatedItems(writer: Writer, rows: TextRows): Failure[] {
  const items = new Map<string, number[]>()
  for (let at = 0; at < rows.count; at++) {
    const key = JSON.stringify(rowKey(writer, rows, at))
    items.set(key, [...(items.get(key) ?? []), rowItem(rows, at)])
  }
  return [...items.values()].flatMap((same) => {
    const [first = 0, ...rest] = same.toSorted((a, b) => a - b)
    return rest.map((index) => ({ index, error: writeErrors.REPEATED(first) }))
  })
}

/** Rows that end with the position of their item (see `write-bulk-statement.ts`), in the order of `items`. */
export function rowsInOrder(writer: Writer, items: readonly Indexed<unknown>[], rows: TextRows): TextRows {
  const rowOf = rowsByItem(rows)
  const missing = missingItems(writer, items, rows)
  if (missing.length > 0) throw bulkFailure(missing)
  const order = items.map((_, position) => rowOf.get(position) as number)
  return { ...rows, buffers: order.map((at) => rows.buffers[at] as Buffer), starts: order.map((at) => rows.starts[at] as number) }
}

function rowsByItem(rows: TextRows): ReadonlyMap<number, number> {
  return new Map(Array.from({ length: rows.count }, (_, at) => [rowItem(rows, at), at]))
}

function missingItems({ resource }: Writer, items: readonly Indexed<unknown>[], rows: TextRows): Failure[] {
  const found = rowsByItem(rows)
  const missing = items.filter((_, position) => !found.has(position))
  return missing.map(({ index }) => ({ index, error: resourceErrors.NOT_FOUND(resource.name) }))
}

export function joinRows(parts: readonly TextRows[]): TextRows {
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    affected: parts.reduce((sum, { affected }) => sum + affected, 0),
    buffers: parts.flatMap(({ buffers }) => buffers),
    starts: parts.flatMap(({ starts }) => starts),
  }
}

// Records that a caller may not change, or not so: told apart from those that they do not see, and refused.

import type { AppError } from '../core/errors.ts'
import { textColumns, type TextRows } from '../db/rows.ts'
import { refusal } from './access/admit.ts'
import { conditionFields, type Guard } from './access/guard.ts'
import type { WriteRequest } from './request.ts'
import type { ColumnValues } from './write-columns.ts'
import { bulkFailure, type Failure, type Indexed } from './write-failures.ts'
import { rowItem } from './write-row.ts'
import { currentStatement } from './write-statement.ts'
import type { Writer } from './writer.ts'

/**
 * No record was changed. One that the caller sees is there, and is refused; one that they do not see and one that does not exist take the
 * same statements and get the same answer.
 *
 * @throws AppError `AUTH_FORBIDDEN` (403), `AUTH_REQUIRED` (401)
 */
export async function refuseRow(
  { guard, table, db, names }: Writer,
  request: Exclude<WriteRequest, { operation: 'create' }>,
): Promise<void> {
  if (guard === undefined || guard.before === true) return
  const state = request.operation === 'restore' ? 'deleted' : 'alive'
  const rows = await db.read(names.named(currentStatement(table, request.key, state, undefined, { only: guard.seen })))
  if (rows.count > 0) throw refusal(guard.sight, guard.operation)
}

/** What `checkSql` says of a record that is as it has to be. Where its references lead is looked at by `write-references.ts`. */
export function saysFit(said: string | null | undefined): boolean {
  return said === 't' || said?.startsWith('r') === true
}

/**
 * @param rows     one or none, with a check as the last column
 * @param columns  that were set: those that the policy looks at are named
 * @throws         AppError as `refuseRow`
 */
export function refuseUnfit(guard: Guard, rows: TextRows, columns?: ColumnValues): void {
  if (rows.count > 0 && !saysFit(textColumns(rows, 0).at(-1))) throw unfitError(guard, columns)
}

/** What is said of a record that would not be one that the caller may have. */
export function unfitError(guard: Guard, columns: ColumnValues | undefined): AppError {
  return refusal(guard.sight, guard.operation, namesIn(guard, columns))
}

/**
 * @param rows  locked, each with a check before the position of its item, from 1
 * @returns     the items of the records that the caller sees and may not change
 */
export function unfitItems(guard: Guard, rows: TextRows): Failure[] {
  const error = refusal(guard.sight, guard.operation)
  return Array.from({ length: rows.count }, (_, at) => at).flatMap((at) =>
    saysFit(textColumns(rows, at).at(-2)) ? [] : [{ index: rowItem(rows, at), error }],
  )
}

/**
 * @param rows    written, one for each item
 * @param column  where the check is, from the end of each row
 * @throws        AppError `WRITE_BULK_FORBIDDEN` with every item that is refused
 */
export function refuseUnfitItems(
  guard: Guard,
  rows: TextRows,
  items: readonly Indexed<unknown>[],
  column: number,
  columnsOf: (at: number) => ColumnValues | undefined,
): void {
  const unfit = items.flatMap(({ index }, at): Failure[] => {
    return saysFit(textColumns(rows, at).at(column)) ? [] : [{ index, error: unfitError(guard, columnsOf(at)) }]
  })
  if (unfit.length > 0) throw bulkFailure(unfit)
}

/** Fields that were set and that the policy looks at, as far as the caller knows of them. */
function namesIn({ after, owned, sight }: Guard, columns: ColumnValues | undefined): string[] {
  if (columns === undefined || typeof after === 'boolean') return []
  const named = [...new Set(conditionFields(after))].filter((field) => columns.has(field) && !owned.has(field))
  return named.filter(({ name }) => sight.resource.visibleByName.has(name)).map(({ name }) => name)
}

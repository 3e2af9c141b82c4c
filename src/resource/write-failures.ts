// Which items of a bulk request are wrong, and why: collected, found by trying, and put into one error.

import { AppError, type ErrorDetail, withoutStacks } from '../core/errors.ts'
import { isDataError, isReferenceError } from './constraint.ts'
import { writeErrors } from './write-errors.ts'
import type { Writer } from './writer.ts'

/** An item that cannot be written. */
export interface Failure {
  readonly index: number
  readonly error: AppError
}

/** Something about item `index` of a bulk request. */
export interface Indexed<item> {
  readonly index: number
  readonly item: item
}

/**
 * Calls `work` for every item, also behind one that fails.
 *
 * @throws AppError of `bulkFailure` with every failure
 */
export function eachItem<item, result>(items: readonly item[], work: (item: item, index: number) => result): result[] {
  const failures: Failure[] = []
  const attempt = (item: item, index: number): result | undefined => {
    try {
      return work(item, index)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      failures.push({ index, error })
      return undefined
    }
  }
  const results = withoutStacks(() => items.map(attempt))
  if (failures.length > 0) throw bulkFailure(failures)
  return results as result[]
}

/** One error for all failures: 400 when an item is wrong in itself, else 403 for what is not the caller's to do, 409 for conflicts, 404. */
export function bulkFailure(failures: readonly Failure[]): AppError {
  const count = new Set(failures.map(({ index }) => index)).size
  const statuses = failures.map(({ error }) => error.status)
  const details = failures.flatMap(({ index, error }) => itemDetails(error, index))
  return summary(statuses)(count).with({ details, cause: failures[0]?.error.cause })
}

const refused: readonly number[] = [401, 403, 404, 409]

function summary(statuses: readonly number[]): (count: number) => AppError {
  if (statuses.every((status) => status === 404)) return writeErrors.BULK_NOT_FOUND
  if (statuses.every((status) => status === 404 || status === 409)) return writeErrors.BULK_CONFLICT
  return statuses.every((status) => refused.includes(status)) ? writeErrors.BULK_FORBIDDEN : writeErrors.BULK_INVALID
}

/** The details of an item's error, or the error itself, with the item's position. */
export function itemDetails(error: AppError, index: number): ErrorDetail[] {
  return error.details.length === 0 ? [error.toDetail(index)] : error.details.map((detail) => ({ ...detail, index }))
}

/** One statement for all of `items`. */
type Apply<item, result = unknown> = (items: readonly Indexed<item>[]) => Promise<result>

/**
 * Applies one statement to all items, within a transaction. When PostgreSQL refuses their data, halves are tried in
 * savepoints until every failing item is found: about 2·log₂(n) statements for one of n.
 *
 * @param refuse  throws where more than the data is wrong, before it is told which of them are
 * @throws AppError of `bulkFailure` with every item that fails; any other error as it came. The caller rolls back.
 */
export async function applyAll<item, result>(
  writer: Writer,
  items: readonly Indexed<item>[],
  apply: Apply<item, result>,
  refuse?: (error: AppError) => Promise<void>,
): Promise<result> {
  try {
    return await writer.db.transaction(() => apply(items))
  } catch (error) {
    if (!(error instanceof AppError) || !isDataError(error)) throw error
    await refuse?.(error)
    const suspects = await findSuspects(writer, items, apply, error)
    const failures = await dropMisled(writer, suspects, apply)
    throw failures.length === 0 ? error : bulkFailure(failures)
  }
}

/** An item that failed by itself. */
interface Suspect<item> extends Indexed<item> {
  readonly error: AppError
}

/** `error` is what all `items` together met. A half that succeeds stays applied, so that repeated values inside one request are found. */
async function findSuspects<item>(
  writer: Writer,
  items: readonly Indexed<item>[],
  apply: Apply<item>,
  error: AppError,
): Promise<Suspect<item>[]> {
  const [only] = items
  if (items.length === 1 && only !== undefined) return [{ ...only, error }]
  const middle = Math.ceil(items.length / 2)
  const suspects: Suspect<item>[] = []
  for (const half of [items.slice(0, middle), items.slice(middle)]) {
    const failed = await tryApply(writer, half, apply)
    if (failed !== undefined) suspects.push(...(await findSuspects(writer, half, apply, failed)))
  }
  return suspects
}

/** References between items of one request fail in halves where they hold in the whole: with everything else applied they hold again. */
async function dropMisled<item>(writer: Writer, suspects: readonly Suspect<item>[], apply: Apply<item>): Promise<Failure[]> {
  const failures: Failure[] = []
  for (const suspect of suspects) {
    const still = isReferenceError(suspect.error) ? await tryApply(writer, [suspect], apply) : suspect.error
    if (still !== undefined) failures.push({ index: suspect.index, error: still })
  }
  return failures
}

async function tryApply<item>(writer: Writer, items: readonly Indexed<item>[], apply: Apply<item>): Promise<AppError | undefined> {
  try {
    await writer.db.transaction(() => apply(items))
    return undefined
  } catch (error) {
    if (error instanceof AppError && isDataError(error)) return error
    throw error
  }
}

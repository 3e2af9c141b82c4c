// Hooks around the items of a bulk request. They run one after the other, because they share the transaction's connection.

import { AppError } from '../core/errors.ts'
import type { TextRows } from '../db/rows.ts'
import type { HookContext } from './define.ts'
import { runAfterWrite, runBeforeWrite } from './hooks.ts'
import type { RecordValues } from './request.ts'
import { type Indexed, itemDetails } from './write-failures.ts'
import { hookRow } from './write-row.ts'
import { announce } from './write-run.ts'
import type { Writer } from './writer.ts'

/** Runs `beforeWrite` for every item; `current` has a row for each, where the records exist already. */
export async function beforeEach(
  writer: Writer,
  items: readonly RecordValues[],
  current: TextRows | undefined,
  context: HookContext,
): Promise<RecordValues[]> {
  const { hooks } = writer.resource.options
  if (hooks?.beforeWrite === undefined) return [...items]
  const changed: RecordValues[] = []
  for (const [index, values] of items.entries()) {
    const before = current === undefined ? undefined : hookRow(writer, current, index)
    changed.push(await atItem(index, () => runBeforeWrite(hooks, values, before, context)))
  }
  return changed
}

/** Runs `afterWrite`, and announces `afterCommit`, for the rows of the items. */
export async function afterEach(writer: Writer, rows: TextRows, items: readonly Indexed<unknown>[], context: HookContext): Promise<void> {
  const { hooks } = writer.resource.options
  for (const [at, { index }] of items.entries()) {
    await atItem(index, () => runAfterWrite(hooks, () => hookRow(writer, rows, at), context))
    announce(writer, rows, at, context)
  }
}

/** What a hook throws keeps its code and status, and learns the item's position. */
async function atItem<result>(index: number, work: () => Promise<result>): Promise<result> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof AppError ? error.with({ details: itemDetails(error, index) }) : error
  }
}

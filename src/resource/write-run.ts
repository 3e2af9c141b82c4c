// What every write does with the database: run a statement, hold a transaction, tell afterCommit.

import { AppError } from '../core/errors.ts'
import type { TransactionOptions } from '../db/database.ts'
import type { Statement, TextRows } from '../db/rows.ts'
import { explainConstraint } from './constraint.ts'
import { anonymousCaller, type Caller } from '../core/caller.ts'
import { currentContext } from '../core/context.ts'
import type { HookContext } from './define.ts'
import { lookNow } from './write-proposal.ts'
import { hookRow } from './write-row.ts'
import type { Writer } from './writer.ts'

/** What is known about the request that a write belongs to; hooks are told. */
export interface WriteContext {
  readonly requestId: string | undefined
  /** True when the caller has opened a transaction with `inTransaction`, which the write joins without a savepoint. */
  readonly joins?: boolean
}

/** What hooks are told. Code that asks in its own name does so for whoever is being served. */
export function hookContext(writer: Writer, operation: HookContext['operation'], { requestId }: WriteContext): HookContext {
  const who: Caller = writer.who ?? currentContext()?.caller ?? anonymousCaller
  return { operation, resource: writer.resource.name, requestId, who, db: writer.db }
}

/** @throws AppError of `constraint.ts` where a constraint of the resource's table is broken, else of the db room */
export async function runStatement(writer: Writer, statement: Statement): Promise<TextRows> {
  try {
    return await writer.db.write(writer.names.named(statement), { tables: writer.tables })
  } catch (error) {
    throw explainConstraint(error, writer.resource)
  }
}

export interface WriteTransaction extends TransactionOptions, Pick<WriteContext, 'joins'> {}

/** Runs `work` in a transaction. Deferred constraints speak at the commit, when `work` itself has ended well. */
export async function inTransaction<result>(
  writer: Writer,
  work: () => Promise<result>,
  { joins = false, ...options }: WriteTransaction = {},
): Promise<result> {
  if (joins) return work()
  let committing = false
  const watched = async (): Promise<result> => {
    committing = false
    const result = await work()
    committing = true
    return result
  }
  try {
    return await fencedIfNeeded(
      writer,
      () => writer.db.transaction(watched, options),
      () => fencedTransaction(writer, watched, options),
    )
  } catch (error) {
    await lookNow(error)
    throw committing ? explainConstraint(error, writer.resource) : error
  }
}

/** Runs one statement on its own; where it may change rows of a fenced cache, in a transaction. */
export function onItsOwn<result>(writer: Writer, statement: () => Promise<result>): Promise<result> {
  return fencedIfNeeded(writer, statement, () => fencedTransaction(writer, statement, { retry: true }))
}

/**
 * A trigger of the database may lead a write to a fenced table that the models know nothing of: the guard refuses it, nothing has
 * happened, and it is done again as it should have been. Not inside a transaction of somebody else, which has failed.
 */
async function fencedIfNeeded<result>(writer: Writer, plain: () => Promise<result>, fenced: () => Promise<result>): Promise<result> {
  const { fence, db } = writer
  if (fence?.isNeeded === true) return fenced()
  try {
    return await plain()
  } catch (error) {
    if (fence === undefined || !(error instanceof AppError) || error.code !== 'DB_UNFENCED') throw error
    fence.isNeeded = fence.writes.canLock
    if (db.isInTransaction()) throw error
    return fenced()
  }
}

function fencedTransaction<result>({ fence, db }: Writer, work: () => Promise<result>, options: TransactionOptions): Promise<result> {
  return fence === undefined ? db.transaction(work, options) : fence.writes.transaction(work, options)
}

/** Leaves `afterCommit` to the db room, which runs it when the write can no longer be undone, and logs its failures. */
export function announce(writer: Writer, rows: TextRows, index: number, context: HookContext): void {
  const { hooks } = writer.resource.options
  if (hooks?.afterCommit === undefined) return
  const row = hookRow(writer, rows, index)
  writer.db.afterCommit(() => hooks.afterCommit?.(row, context))
}

/** A trigger or rule that drops rows without an error is nothing a caller can mend. */
export function refuseLostRows({ resource }: Writer, expected: number, returned: number): void {
  if (returned !== expected)
    throw new Error(`"${resource.model.name}" kept ${returned} of ${expected} new records: a trigger or rule drops the others.`)
}

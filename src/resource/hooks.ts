// Runs the functions an application has put around its writes. What they throw as AppError is the answer; anything else is a failure of ours.

import type { AppError } from '../core/errors.ts'
import { refusalIn } from '../db/pg-errors.ts'
import type { HookContext, Hooks } from './define.ts'
import { isRecord } from './is-record.ts'
import type { RecordValues } from './request.ts'
import { writeErrors } from './write-errors.ts'

/** A record as hooks see it: every column, decoded. */
export type HookRow = Record<string, unknown>

type AnyHooks = Hooks<HookRow, Record<string, unknown>>

/** True when a write has to be a transaction because code runs in it. */
export function runsInTransaction(hooks: AnyHooks | undefined): boolean {
  return hooks?.beforeWrite !== undefined || hooks?.afterWrite !== undefined
}

/** True when a write has to read every column because code wants the record. */
export function seesRecords(hooks: AnyHooks | undefined): boolean {
  return runsInTransaction(hooks) || hooks?.afterCommit !== undefined
}

/**
 * Runs `beforeWrite` on a copy of the values.
 *
 * @returns what shall be written: the object the hook returned, else the copy, which the hook may have changed
 * @throws  AppError of the hook, or `WRITE_HOOK_FAILED` (500) with what it threw as the cause
 */
export async function runBeforeWrite(
  hooks: AnyHooks | undefined,
  values: RecordValues,
  current: HookRow | undefined,
  context: HookContext,
): Promise<RecordValues> {
  const copy = { ...values }
  if (hooks?.beforeWrite === undefined) return copy
  try {
    return valuesIn(await hooks.beforeWrite(copy, { ...context, current }), context.resource) ?? copy
  } catch (error) {
    throw hookError(error)
  }
}

function valuesIn(returned: unknown, resource: string): RecordValues | undefined {
  if (returned === undefined || returned === null) return undefined
  if (isRecord(returned)) return returned
  throw new TypeError(
    `beforeWrite of "${resource}" returned ${Array.isArray(returned) ? 'a list' : `a ${typeof returned}`}, and not an object of values.`,
  )
}

/** Runs `afterWrite`; errors as for `runBeforeWrite`. */
export async function runAfterWrite(hooks: AnyHooks | undefined, row: () => HookRow, context: HookContext): Promise<void> {
  if (hooks?.afterWrite === undefined) return
  try {
    await hooks.afterWrite(row(), context)
  } catch (error) {
    throw hookError(error)
  }
}

/** A refusal by the application or by PostgreSQL, also one that Drizzle has wrapped, keeps its meaning. */
function hookError(error: unknown): AppError {
  return refusalIn(error) ?? writeErrors.HOOK_FAILED().with({ cause: error })
}

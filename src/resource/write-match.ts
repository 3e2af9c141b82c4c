// If-Match and If-None-Match: a change is refused when the record is not, or already is, what the caller says.

import type { AppError } from '../core/errors.ts'
import { isAny, matchesStrongly, matchesWeakly } from '../support/entity-tags.ts'
import type { CompiledResource } from './registry.ts'
import type { Preconditions } from './request.ts'
import { writeErrors } from './write-errors.ts'

/** True when the record has to be locked and looked at first. */
export function hasPreconditions({ match, noneMatch }: Preconditions): boolean {
  return match !== undefined || noneMatch !== undefined
}

/**
 * Compares the entity tag of the locked record with the caller's.
 *
 * @throws AppError `WRITE_PRECONDITION_FAILED` (412)
 * @see    RFC 9110, 13.1.1 If-Match and 13.1.2 If-None-Match
 */
export function checkPreconditions({ match, noneMatch }: Preconditions, etag: string): void {
  if (match !== undefined && !matchesStrongly(match, etag)) throw writeErrors.PRECONDITION_FAILED('changed')
  if (noneMatch !== undefined && matchesWeakly(noneMatch, etag)) throw writeErrors.PRECONDITION_FAILED('exists')
}

/** With `If-None-Match: *` a key that is taken is not a conflict of values but what the caller wanted to know. */
export function explainTaken(error: unknown, { noneMatch }: Preconditions, { model }: CompiledResource): unknown {
  if (noneMatch === undefined || !isAny(noneMatch) || !isKeyConflict(error as AppError, model.primaryKey)) return error
  return writeErrors.PRECONDITION_FAILED('exists').with({ cause: error })
}

function isKeyConflict({ code, details }: AppError, key: readonly string[]): boolean {
  return code === 'WRITE_CONFLICT' && details.length === key.length && details.every(({ field = '' }) => key.includes(field))
}

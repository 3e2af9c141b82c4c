// If-Match: a change is refused when the record is no longer the one the caller has seen.

import { writeErrors } from './write-errors.ts'

/**
 * Compares the entity tag of the locked record with the caller's.
 *
 * @param match  as in the header: `*`, `"tag"`, or several tags; a weak tag never matches
 * @throws       AppError `WRITE_PRECONDITION_FAILED` (412)
 * @see          RFC 9110, 13.1.1 If-Match
 */
export function checkMatch(match: string, etag: string): void {
  if (match.trim() !== '*' && !tagsOf(match).includes(etag)) throw writeErrors.PRECONDITION_FAILED()
}

function tagsOf(match: string): string[] {
  return match.split(',').map((tag) => tag.trim())
}

// Scopes of keys and tokens, which narrow what a caller may do. Resources ask for theirs by themselves, routes of an application with `demandScope`.

import type { Caller } from '../core/caller.ts'
import { policyErrors } from './policy-errors.ts'

/** Whether a caller is held to no scopes, or has this one. */
export function hasScope({ scopes }: Pick<Caller, 'scopes'>, scope: string): boolean {
  return scopes === undefined || scopes.includes('*') || scopes.includes(scope)
}

/**
 * Demands that a caller who is held to scopes has this one. It says nothing of whether the caller may do it.
 *
 * @param scope  of a resource, `members:write`, or one of the application's own, `reports:print`
 * @throws       AppError AUTH_FORBIDDEN
 * @example      `demandScope(who, 'members:write')`
 */
export function demandScope(who: Pick<Caller, 'scopes'>, scope: string): void {
  if (!hasScope(who, scope)) throw policyErrors.FORBIDDEN()
}

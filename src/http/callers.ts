// Who sends a request. Answers that are kept (for an Idempotency-Key, by a cache) are kept for one caller and given to no other.

import type { HttpRequest } from './route.ts'

/** How callers are told apart. One object for the whole application. */
export interface Callers {
  /** A name that no other caller has. Not secret, at most a few hundred characters. */
  scopeOf(request: HttpRequest): string
  /** The request headers that say who the caller is: what `Vary` names where the answer depends on it. */
  readonly headers: readonly string[]
}

/** By whoever the request's context says that asks, with what their token or key may be used for, and in which tenant. */
export const callersFromContext: Callers = Object.freeze({
  scopeOf({ exchange }: Pick<HttpRequest, 'exchange'>) {
    const caller = exchange?.caller
    if (caller === undefined || caller.kind === 'anonymous') return 'anonymous'
    const parts = [caller.kind, caller.id, caller.tenant ?? '', caller.scopes?.join(' ') ?? '*']
    return parts.map((part) => encodeURIComponent(part ?? '')).join(':')
  },
  headers: ['Authorization', 'Cookie'],
})

/** The same, where a request may name the tenant that it acts in. */
export const callersInTenants: Callers = Object.freeze({ ...callersFromContext, headers: [...callersFromContext.headers, 'X-Tenant'] })

// Who sends a request. Answers that are kept (for an Idempotency-Key, by a cache) are kept for one caller and given to no other.

import type { HttpRequest } from './route.ts'

/** How callers are told apart. One object for the whole application, so that whoever knows identities has one thing to put in its place. */
export interface Callers {
  /** A name that no other caller has: later tenant and user. Not secret, at most a few hundred characters. */
  scopeOf(request: HttpRequest): string
  /** The request headers that say who the caller is: what `Vary` names where the answer depends on it. */
  readonly headers: readonly string[]
}

/** Nobody signs in: all callers are one. */
export const anonymousCallers: Callers = Object.freeze({ scopeOf: () => 'anonymous', headers: ['Authorization', 'Cookie'] })

// The tenant that a request names, and who names it where that is refused: for the log of denials. To the request itself they are nobody.

import type { Caller } from '../core/caller.ts'
import type { HttpRequest } from '../http/route.ts'

interface Named {
  readonly tenant: string
  readonly by: Caller | undefined
}

/** Keys are shorter, and whoever writes into the log may not write a book. */
const longest = 200
const known = new WeakMap<HttpRequest, Named>()

export function noteNamedTenant(request: HttpRequest, tenant: string, by?: Caller): void {
  known.set(request, { tenant: tenant.slice(0, longest), by })
}

export function namedTenant(request: HttpRequest): Named | undefined {
  return known.get(request)
}

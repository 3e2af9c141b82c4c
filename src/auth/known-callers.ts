// Callers that were made of a user: who asks again in the same way is the same object, so what was decided about him is found without a look
// at what he is. They go when the user is read anew.

import type { Caller } from '../core/caller.ts'
import type { Member } from './accounts/members.ts'

/** Of one user: sessions and keys, each in its tenants. */
const mostKept = 16

export class KnownCallers {
  readonly #kept = new WeakMap<Member, Caller[]>()

  of(member: Member, credential: string | undefined, scopes: readonly string[] | undefined, tenant: string | undefined): Caller {
    const kept = this.#kept.get(member)
    const known = kept?.find((one) => one.credential === credential && one.tenant === tenant && one.scopes === scopes)
    if (known !== undefined) return known
    const { id, roles, permissions } = member
    const caller: Caller = Object.freeze({ kind: 'user', id, roles, permissions, scopes, tenant, credential })
    this.#kept.set(member, [caller, ...(kept ?? []).slice(0, mostKept - 1)])
    return caller
  }
}

// Tells callers apart, for answers that are kept: each signed-in user has his own.

import type { Callers } from '../http/callers.ts'

export const knownCallers: Callers = Object.freeze({
  scopeOf: ({ exchange }: Parameters<Callers['scopeOf']>[0]) => {
    const caller = exchange?.caller
    if (caller === undefined || caller.kind === 'anonymous') return 'anonymous'
    const parts = [caller.kind, caller.id, caller.tenant ?? '', caller.scopes?.join(' ') ?? '*']
    return parts.map((part) => encodeURIComponent(part ?? '')).join(':')
  },
  headers: ['Authorization', 'Cookie'],
})

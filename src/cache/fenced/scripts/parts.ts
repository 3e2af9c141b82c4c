// Pieces of Lua that several scripts have.

import type { FencedFaults } from '../faults.ts'

/** Ends the script when the mark, its first key, is missing: Redis was flushed, or has never heard of this epoch. */
export function checkMark(faults: FencedFaults, reply: string): string {
  return faults.mark === true ? '' : `if redis.call('EXISTS', KEYS[1]) == 0 then return ${reply} end`
}

/** Milliseconds of Redis's clock. Leases end by it, and locks are looked into; nothing that has to be right depends on it. */
export const now = `(function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()`

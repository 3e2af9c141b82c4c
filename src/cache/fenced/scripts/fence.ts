// Locks rows for a transaction that is about to commit: their values and leases go, and none comes until every lock is taken away.
//
// KEYS  mark, locks, row, …
// ARGV  token, name of the row, …
// ->    1: locked; 0: the mark is missing and nothing was done
//
// A row with a lock has no end, so it is not evicted (the policy is checked to be `volatile-…` or `noeviction`). Twice is once.

import { defineScript } from '../../../redis/script.ts'
import type { Script } from '../../../redis/redis.ts'
import type { FencedFaults } from '../faults.ts'
import { checkMark, now } from './parts.ts'

export function fenceScript(faults: FencedFaults): Script {
  return defineScript(`
${checkMark(faults, '0')}
local now = ${now}
for i = 3, #KEYS do
  if redis.call('HEXISTS', KEYS[i], 'x') == 0 then ${clear(faults)} end
  redis.call('HSET', KEYS[i], 'x', '', 'x:' .. ARGV[1], '')
  ${faults.lasting === true ? "redis.call('PEXPIRE', KEYS[i], 2)" : "redis.call('PERSIST', KEYS[i])"}
  redis.call('ZADD', KEYS[2], now, ARGV[i - 1] .. '\\n' .. ARGV[1])
end
return 1`)
}

function clear(faults: FencedFaults): string {
  const kept = faults.leases === true ? "kind == 'l:'" : faults.everyVariant === true ? 'kept' : undefined
  if (kept === undefined) return "redis.call('DEL', KEYS[i])"
  // Half of the variants, by the last letter of their names.
  return `for _, field in ipairs(redis.call('HKEYS', KEYS[i])) do
    local kind, kept = string.sub(field, 1, 2), string.byte(field, -1) % 2 == 1
    if not (${kept}) then redis.call('HDEL', KEYS[i], field) end
  end`
}

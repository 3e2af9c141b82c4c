// Puts a value there if the lease that it was read under still is.
//
// KEYS  mark, row
// ARGV  variant, token of the lease, milliseconds that the row may live, value
// ->    1: filled, 0: not
//
// The first value of a row decides when it ends, so none lives longer than it should.

import { defineScript } from '../../../redis/script.ts'
import type { Script } from '../../../redis/redis.ts'
import type { FencedFaults } from '../faults.ts'
import { checkMark } from './parts.ts'

export function fillScript(faults: FencedFaults): Script {
  return defineScript(`
${checkMark(faults, '0')}
${checkLease(faults)}
redis.call('HDEL', KEYS[2], 'l:' .. ARGV[1])
redis.call('HSET', KEYS[2], 'v:' .. ARGV[1], ARGV[4])
if redis.call('HSETNX', KEYS[2], 'e', '') == 1 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return 1`)
}

function checkLease(faults: FencedFaults): string {
  const locked = `if redis.call('HEXISTS', KEYS[2], 'x') == 1 then return 0 end`
  if (faults.holder === true) return locked
  if (faults.ownVariant === true)
    return `${locked}
local leased = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do if string.sub(field, 1, 2) == 'l:' then leased = 1 end end
if leased == 0 then return 0 end`
  return `local lease = redis.call('HGET', KEYS[2], 'l:' .. ARGV[1])
if not lease or string.match(lease, '^(.*)|%d+$') ~= ARGV[2] then return 0 end`
}

// The value of a variant; without one, the lease to fill it.
//
// KEYS  mark, row
// ARGV  variant, token of the lease, its milliseconds
// ->    {'V', value}; {'L'}: the lease is yours; {'B'}: somebody else has it; {'X', token, …}: locked; {'G'}: the mark is missing
//
// Fields of a row: `x` it is locked, `x:<token>` by whom, `v:<variant>` a value, `l:<variant>` `token|end` of a lease, `e` there is a
// value, so the row has its end already. HDEL of a field that nobody has is there to be refused by a replica: a server that became one
// may have the same process and connections, and another's older data.

import { defineScript } from '../../../redis/script.ts'
import type { Script } from '../../../redis/redis.ts'
import type { FencedFaults } from '../faults.ts'
import { checkMark, now } from './parts.ts'

export function getScript(faults: FencedFaults): Script {
  return defineScript(`
${checkMark(faults, "{'G'}")}
redis.call('HDEL', KEYS[2], '')
local row = redis.call('HMGET', KEYS[2], 'x', 'v:' .. ARGV[1], 'l:' .. ARGV[1], 'e')
if row[1] then
  local locked = {'X'}
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(field, 1, 2) == 'x:' then locked[#locked + 1] = string.sub(field, 3) end
  end
  return locked
end
if row[2] then return {'V', row[2]} end
local now = ${now}
if row[3] and tonumber(string.match(row[3], '|(%d+)$')) > now then return {'B'} end
redis.call('HSET', KEYS[2], 'l:' .. ARGV[1], ARGV[2] .. '|' .. string.format('%d', now + tonumber(ARGV[3])))
if not row[4] and redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return {'L'}`)
}

// What there is of a row, without touching it: no lease is taken and nothing ends later for it.
//
// KEYS  mark, row
// ARGV  variant
// ->    { 1 or 0: has the mark, 1 or 0: is locked, bytes of the variant's value or -1, milliseconds until the row ends }

import { defineScript } from '../../../redis/script.ts'

export const lookScript = defineScript(`
local value = 'v:' .. ARGV[1]
local bytes = redis.call('HEXISTS', KEYS[2], value) == 1 and redis.call('HSTRLEN', KEYS[2], value) or -1
return { redis.call('EXISTS', KEYS[1]), redis.call('HEXISTS', KEYS[2], 'x'), bytes, redis.call('PTTL', KEYS[2]) }`)

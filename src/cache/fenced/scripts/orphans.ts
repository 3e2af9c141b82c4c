// The oldest locks of a bucket, `<row>\n<token>` each.
//
// KEYS  locks
// ARGV  least age in milliseconds, how many at most

import { defineScript } from '../../../redis/script.ts'
import { now } from './parts.ts'

export const orphansScript = defineScript(
  `return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ${now} - tonumber(ARGV[1]), 'LIMIT', 0, ARGV[2])`,
)

// Takes a transaction's locks away. By its token alone: whenever it comes, it ends nobody else's.
//
// KEYS  locks, row, …
// ARGV  token, name of the row, …

import { defineScript } from '../../../redis/script.ts'

export const unfenceScript = defineScript(`
for i = 2, #KEYS do
  redis.call('HDEL', KEYS[i], 'x:' .. ARGV[1])
  local others = false
  for _, field in ipairs(redis.call('HKEYS', KEYS[i])) do others = others or string.sub(field, 1, 2) == 'x:' end
  if not others then redis.call('HDEL', KEYS[i], 'x') end
  redis.call('ZREM', KEYS[1], ARGV[i] .. '\\n' .. ARGV[1])
end
return 1`)

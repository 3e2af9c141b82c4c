// Counts hits in Redis: one script, by the clock of Redis.

import type { Redis } from '../redis/redis.ts'
import { defineScript } from '../redis/script.ts'
import type { Counted, Hit, RateStore } from './rate-counter.ts'

/** The words are those of window.ts. A key is a hash of slot → hits, which Redis removes when all are forgotten. */
const script = defineScript(`
local limit, window, hits = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local carried, carriedMs = tonumber(ARGV[4]), tonumber(ARGV[5])
local size = math.max(1, math.ceil(window / 32))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HGETALL', KEYS[1])
local used, oldest, dead = 0, nil, {}
local function live(slot)
  if oldest == nil or slot < oldest then oldest = slot end
end
for i = 1, #held, 2 do
  local slot = tonumber(held[i])
  if (slot + 1) * size + window > now then
    used = used + held[i + 1]
    live(slot)
  else
    dead[#dead + 1] = held[i]
  end
end
if carried > used then
  local slot = math.floor((now - carriedMs) / size)
  redis.call('HINCRBY', KEYS[1], slot, carried - used)
  live(slot)
  used = carried
end
local allowed = math.max(0, math.min(hits, limit - used))
if allowed > 0 then
  local slot = math.floor(now / size)
  redis.call('HINCRBY', KEYS[1], slot, allowed)
  live(slot)
  used = used + allowed
end
if #dead > 0 then redis.call('HDEL', KEYS[1], unpack(dead)) end
if allowed > 0 or carried == used then redis.call('PEXPIRE', KEYS[1], window + 2 * size) end
return { allowed, used, oldest and (oldest + 1) * size + window - now or 0 }
`)

export function redisRates(redis: Redis): RateStore {
  const keyOf = ({ key, windowMs }: Hit): string => `rate:${windowMs}:${key}`
  return {
    // A server that was restarted without its data begins anew, so what was counted before is carried over.
    nameFor(hit) {
      const runId = redis.runIdOf(keyOf(hit))
      return runId === undefined ? undefined : `redis ${runId}`
    },
    async count(hit) {
      const { limit, windowMs, hits, carried, carriedMs } = hit
      const reply = await redis.run(script, [keyOf(hit)], [limit, windowMs, hits, carried, carriedMs].map(String))
      return countedOf(reply as readonly number[])
    },
  }
}

function countedOf([allowed = 0, used = 0, resetMs = 0]: readonly number[]): Counted {
  return { allowed, used, resetMs }
}

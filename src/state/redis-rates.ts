// Counts hits in Redis: one script, by the clock of Redis.

import type { Redis } from '../redis/redis.ts'
import { defineScript } from '../redis/script.ts'
import type { Counted, Hit, RateStore } from './rate-counter.ts'

/** The words are those of window.ts. A key is a hash of slot → hits, which Redis removes when all are forgotten; each window has its own. */
const script = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function count(key, hits, limit, window, carried, carriedMs)
  local size = math.max(1, math.ceil(window / 32))
  local held = redis.call('HGETALL', key)
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
    redis.call('HINCRBY', key, slot, carried - used)
    live(slot)
    used = carried
  end
  local allowed = math.max(0, math.min(hits, limit - used))
  if allowed > 0 then
    local slot = math.floor(now / size)
    redis.call('HINCRBY', key, slot, allowed)
    live(slot)
    used = used + allowed
  end
  if #dead > 0 then redis.call('HDEL', key, unpack(dead)) end
  if allowed > 0 or carried == used then redis.call('PEXPIRE', key, window + 2 * size) end
  return allowed, used, oldest and (oldest + 1) * size + window - now or 0
end
local hits, counted = tonumber(ARGV[1]), {}
local looksOnly = hits == 0
for number, key in ipairs(KEYS) do
  if hits == 0 and not looksOnly then break end
  local first = 4 * number - 2
  local allowed, used, reset = count(key, hits, tonumber(ARGV[first]), tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3]))
  counted[#counted + 1] = allowed
  counted[#counted + 1] = used
  counted[#counted + 1] = reset
  hits = allowed
end
return counted
`)

export function redisRates(redis: Redis): RateStore {
  // In a cluster all windows of a key are on one server. With the colon the braces are never empty, which would be no tag.
  const keyOf = ({ key, windowMs }: Hit): string => `rate:{:${key}}:${windowMs}`
  return {
    // A server that was restarted without its data begins anew, so what was counted before is carried over.
    nameFor(hit) {
      const runId = redis.runIdOf(keyOf(hit))
      return runId === undefined ? undefined : `redis ${runId}`
    },
    async count(hits) {
      const windows = hits.flatMap(({ limit, windowMs, carried, carriedMs }) => [limit, windowMs, carried, carriedMs])
      const reply = await redis.run(script, hits.map(keyOf), [hits[0]?.hits ?? 0, ...windows].map(String))
      return countedOf(reply as readonly number[])
    },
  }
}

function countedOf(numbers: readonly number[]): readonly Counted[] {
  return Array.from({ length: numbers.length / 3 }, (_, window) => {
    const [allowed = 0, used = 0, resetMs = 0] = numbers.slice(3 * window)
    return { allowed, used, resetMs }
  })
}

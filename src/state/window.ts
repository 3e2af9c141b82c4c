// The sliding window, as all stores have it. It is cut into 32 slices; a slice counts until everything in it is older than the window. So
// there are never more than `limit` hits within any `windowMs`, and a key takes no more memory than 34 numbers, whatever its limit.

import { Lru } from '../support/lru.ts'
import { type Counted, countInOrder, type Hit, type RateStore } from './rate-counter.ts'

/** Also in the Lua script and in the function of PostgreSQL. */
const slices = 32
/** Keys that one process counts by itself. */
const mostKeys = 50_000

/** Hits by slot: the number of a slice since the beginning of time. */
export type Slots = Map<number, number>

/** Counts hits at `now`, milliseconds of any clock, and changes `slots`. */
export function countIn(slots: Slots, { limit, windowMs, hits, carried, carriedMs }: Hit, now: number): Counted {
  const size = Math.max(1, Math.ceil(windowMs / slices))
  const end = (slot: number): number => (slot + 1) * size + windowMs
  let used = 0
  for (const [slot, held] of slots) {
    if (end(slot) > now) used += held
    else slots.delete(slot)
  }
  if (carried > used) {
    add(slots, Math.floor((now - carriedMs) / size), carried - used)
    used = carried
  }
  const allowed = Math.max(0, Math.min(hits, limit - used))
  if (allowed > 0) add(slots, Math.floor(now / size), allowed)
  const oldest = slots.size === 0 ? undefined : Math.min(...slots.keys())
  return { allowed, used: used + allowed, resetMs: oldest === undefined ? 0 : Math.ceil(end(oldest) - now) }
}

function add(slots: Slots, slot: number, hits: number): void {
  slots.set(slot, (slots.get(slot) ?? 0) + hits)
}

/** Counts in this process alone. */
export function processRates(now: () => number = () => performance.now()): RateStore {
  const counters = new Lru<Slots>(mostKeys)
  return {
    nameFor: () => 'process',
    count: (hits) =>
      countInOrder(hits, (hit) => {
        const name = `${hit.windowMs}:${hit.key}`
        const slots = counters.get(name) ?? new Map<number, number>()
        counters.set(name, slots)
        return countIn(slots, hit, now())
      }),
  }
}

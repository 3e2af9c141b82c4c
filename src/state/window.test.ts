import { assert, integer, array, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import type { Hit } from './rate-counter.ts'
import { countIn, processRates, type Slots } from './window.ts'

const plain = { key: 'a', hits: 1, carried: 0, carriedMs: 0 }

test('within any window there are never more hits than the limit, and a hit is forgotten soon after it', () => {
  const hits = array(integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 })
  const cases = record({ gaps: hits, limit: integer({ min: 0, max: 8 }), windowMs: integer({ min: 1, max: 2_000 }) })
  assert(
    property(cases, ({ gaps, limit, windowMs }) => {
      const slots: Slots = new Map()
      const allowed: number[] = []
      let now = 1_700_000_000_000
      for (const gap of gaps) {
        now += gap
        const counted = countIn(slots, { ...plain, limit, windowMs }, now)
        const since = (ms: number): number => allowed.filter((at) => now - at < ms).length
        if (counted.allowed) expect(since(windowMs)).toBeLessThan(limit)
        // One slice and the part of a millisecond that slices are rounded by.
        else expect(since(windowMs + Math.ceil(windowMs / 32))).toBeGreaterThanOrEqual(limit)
        if (counted.allowed) allowed.push(now)
        expect(slots.size).toBeLessThanOrEqual(34)
      }
    }),
  )
})

test('who is refused is told when it is worth trying again', () => {
  const slots: Slots = new Map()
  const hit: Hit = { ...plain, limit: 3, windowMs: 1_000 }
  for (const at of [5_000, 5_100, 5_900]) expect(countIn(slots, hit, at)).toMatchObject({ allowed: 1 })
  const { allowed, used, resetMs } = countIn(slots, hit, 5_950)
  expect({ allowed, used }).toEqual({ allowed: 0, used: 3 })
  expect(countIn(slots, hit, 5_950 + resetMs - 1).allowed).toBe(0)
  expect(countIn(slots, hit, 5_950 + resetMs)).toMatchObject({ allowed: 1, used: 3 })
})

test('of several hits at once as many are allowed as there is room for', () => {
  const slots: Slots = new Map()
  const hit: Hit = { ...plain, limit: 5, windowMs: 1_000 }
  expect(countIn(slots, { ...hit, hits: 3 }, 5_000)).toMatchObject({ allowed: 3, used: 3 })
  expect(countIn(slots, { ...hit, hits: 3 }, 5_001)).toMatchObject({ allowed: 2, used: 5 })
  expect(countIn(slots, { ...hit, hits: 3 }, 5_002)).toMatchObject({ allowed: 0, used: 5 })
})

test('what was counted elsewhere counts here, once, until it is as old as the window', () => {
  const slots: Slots = new Map()
  const hit: Hit = { ...plain, limit: 10, windowMs: 1_000, carried: 6, carriedMs: 400 }
  expect(countIn(slots, hit, 5_000).used).toBe(7)
  expect(countIn(slots, hit, 5_001).used).toBe(8)
  expect(countIn(slots, { ...hit, carried: 0 }, 5_500).used).toBe(9)
  expect(countIn(slots, { ...hit, carried: 0 }, 5_700).used).toBe(4)
})

test('a process that counts by itself forgets keys rather than grow', async () => {
  const store = processRates()
  const one = async (hit: Hit) => (await store.count([hit]))[0]
  const hit: Hit = { ...plain, limit: 1, windowMs: 60_000 }
  expect(await one(hit)).toMatchObject({ allowed: 1 })
  expect(await one(hit)).toMatchObject({ allowed: 0 })
  for (let number = 0; number < 50_000; number += 1) await one({ ...hit, key: `b${number}` })
  expect(await one(hit)).toMatchObject({ allowed: 1 })
})

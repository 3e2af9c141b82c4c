import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { anonymousCaller, type Caller } from '../../core/caller.ts'
import type { CompiledResource } from '../registry.ts'
import type { Decision } from './decide.ts'
import { Sights } from './sights.ts'

class Decided {
  readonly who: Caller
  constructor(who: Caller) {
    this.who = who
  }
}

const resources = ['posts', 'notes'].map((name) => ({ name }) as CompiledResource)
let decided = 0
const rule = (_resource: CompiledResource, who: Caller): Decision => {
  decided += 1
  return new Decided(who) as unknown as Decision
}
const newSights = (): Sights => new Sights(rule, () => true)
const callerOf = (n: number, more: object = {}): Caller => ({ ...anonymousCaller, kind: 'user', id: String(n), ...more })

test('what was decided about callers goes with the two thousand that came last, though others are kept by somebody', () => {
  const sights = newSights()
  const kept = Array.from({ length: 10_000 }, (_, n) => callerOf(n))
  for (const who of kept) for (const resource of resources) sights.of(resource, who)
  expect(queryObjects(Decided, { format: 'count' })).toBe(2_000 * resources.length)
  decided = 0
  const at = (n: number) => kept[n] ?? anonymousCaller
  const [posts] = resources as [CompiledResource]
  expect([sights.of(posts, at(9_999)).who.id, decided]).toEqual(['9999', 0])
  expect([sights.of(posts, at(0)).who.id, decided]).toEqual(['0', 1])
  expect([sights.of(posts, at(0)).who.id, decided]).toEqual(['0', 1])
})

test('a caller who is the same object is not looked at again, also not for another resource', () => {
  const sights = newSights()
  let looked = 0
  const who = callerOf(1, { toJSON: () => void (looked += 1) })
  for (const resource of [...resources, ...resources]) sights.of(resource, who)
  expect(looked).toBe(1)
})

test('callers who are alike are decided about once, and again after both were forgotten', () => {
  const sights = newSights()
  const [posts] = resources as [CompiledResource]
  const [one, other] = [callerOf(1), callerOf(1)]
  expect(sights.of(posts, one)).toBe(sights.of(posts, other))
  for (let n = 2; n < 2_100; n += 1) sights.of(posts, callerOf(n))
  decided = 0
  expect(sights.of(posts, one)).toBe(sights.of(posts, other))
  expect(decided).toBe(1)
})

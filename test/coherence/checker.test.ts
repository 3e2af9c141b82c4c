import { describe, expect, test } from 'vitest'
import { randomFrom, type Random } from '../guarantees/support/random.ts'
import { checkRegister, type Read, type RegisterHistory, type Write } from './checker.ts'
import { isLinearizableBySearch } from './search.ts'

const w = (value: number, begin: number, end: number): Write => ({ value, begin, end })
const r = (value: number, begin: number, end: number): Read => ({ value, begin, end })
const unanswered = Infinity

const good: readonly (readonly [string, readonly Write[], readonly Read[]])[] = [
  ['nothing', [], []],
  ['reads of the first value', [], [r(0, 1, 2), r(0, 3, 4)]],
  ['a write, then its value', [w(1, 1, 2)], [r(1, 3, 4)]],
  ['the old value before a write begins', [w(1, 3, 4)], [r(0, 1, 2), r(1, 5, 6)]],
  ['old or new while a write is under way', [w(1, 1, 10)], [r(0, 2, 3), r(1, 4, 5), r(1, 6, 7)]],
  ['the old value by a read that began before the write ended', [w(1, 2, 3)], [r(0, 1, 9), r(1, 4, 5)]],
  ['concurrent writes, in either order', [w(1, 1, 5), w(2, 1, 5)], [r(2, 6, 7), r(2, 8, 9)]],
  ['concurrent writes, seen one after the other', [w(1, 1, 5), w(2, 1, 8)], [r(1, 2, 6), r(2, 7, 9)]],
  ['a write that nobody reads, between two others', [w(1, 1, 2), w(2, 3, 4), w(3, 5, 6)], [r(1, 2, 3), r(3, 7, 8)]],
  ['a write without an answer that never happens', [w(1, 1, unanswered)], [r(0, 2, 3), r(0, 100, 101)]],
  ['a write without an answer that happens at once', [w(1, 1, unanswered)], [r(1, 2, 3), r(1, 4, 5)]],
  ['a write without an answer that happens late', [w(1, 1, unanswered), w(2, 3, 4)], [r(2, 5, 6), r(1, 100, 101)]],
  ['a read that ends when a write ends, and one that begins then', [w(1, 1, 2)], [r(0, 2, 2), r(1, 2, 3)]],
]

const bad: readonly (readonly [string, readonly Write[], readonly Read[], string])[] = [
  ['a stale read', [w(1, 1, 2), w(2, 3, 4)], [r(1, 5, 6)], 'inside'],
  ['a stale read of the first value', [w(1, 1, 2)], [r(0, 3, 4)], 'inside'],
  ['a stale read after others have seen the new value', [w(1, 1, 2), w(2, 3, 4)], [r(2, 5, 6), r(1, 7, 8)], 'back and forth'],
  ['new, then old, while the write is under way', [w(1, 1, 10)], [r(1, 2, 3), r(0, 4, 5)], 'inside'],
  ['new, then old, by a write without an answer', [w(1, 1, unanswered)], [r(1, 2, 3), r(0, 4, 5)], 'inside'],
  ['a value that comes back', [w(1, 1, unanswered), w(2, 3, 4)], [r(1, 2, 3), r(2, 5, 6), r(1, 7, 8)], 'back and forth'],
  ['a lost write', [w(1, 1, 2)], [r(0, 3, 4), r(0, 5, 6)], 'inside'],
  ['a lost write, and a later one', [w(1, 1, 2), w(2, 3, 4), w(3, 7, 8)], [r(1, 5, 6), r(3, 9, 10)], 'inside'],
  ['a value that nobody wrote', [w(1, 1, 2)], [r(7, 3, 4)], 'never written'],
  ['a value from the future', [w(1, 5, 6)], [r(1, 1, 4)], 'from the future'],
  [
    'two readers that see concurrent writes in different orders',
    [w(1, 1, 2), w(2, 1, 2)],
    [r(1, 3, 4), r(2, 5, 6), r(1, 7, 8)],
    'back and forth',
  ],
  ['a write that happens twice', [w(1, 1, 2), w(2, 3, 4)], [r(1, 2, 3), r(2, 5, 6), r(1, 7, 8), r(1, 9, 10)], 'back and forth'],
]

describe('the linearizability checker', () => {
  test.each(good)('%s: linearizable', (_name, writes, reads) => {
    expect(checkRegister({ initial: 0, writes, reads })).toEqual([])
    expect(isLinearizableBySearch({ initial: 0, writes, reads })).toBe(true)
  })

  test.each(bad)('%s: not linearizable', (_name, writes, reads, kind) => {
    expect(checkRegister({ initial: 0, writes, reads }).map((violation) => violation.kind)).toContain(kind)
    expect(isLinearizableBySearch({ initial: 0, writes, reads })).toBe(false)
  })

  test('what it names is what contradicts', () => {
    const stale = r(1, 5, 6)
    const [violation] = checkRegister({ initial: 0, writes: [w(1, 1, 2), w(2, 3, 4)], reads: [stale] })
    expect(violation).toMatchObject({
      kind: 'inside',
      inner: { write: w(2, 3, 4), reads: [] },
      outer: { write: w(1, 1, 2), reads: [stale] },
    })
  })

  test('every value that stands inside another is named once', () => {
    const writes = [w(1, 1, 2), w(2, 3, 4), w(3, 7, 8)]
    const violations = checkRegister({ initial: 0, writes, reads: [r(2, 5, 6), r(3, 9, 10), r(1, 20, 21)] })
    expect(violations).toMatchObject([2, 3].map((value) => ({ inner: { write: { value } }, outer: { write: { value: 1 } } })))
  })

  test('two writes of one value are a mistake of the one who asks', () => {
    expect(() => checkRegister({ initial: 0, writes: [w(1, 1, 2), w(1, 3, 4)], reads: [] })).toThrow('same value')
  })

  test('it agrees with a search through all orders, on random small histories', () => {
    const random = randomFrom(20_260_101)
    const verdicts = Array.from({ length: 30_000 }, () => {
      const history = smallHistory(random)
      const verdict = checkRegister(history).length === 0
      expect(verdict, JSON.stringify(history)).toBe(isLinearizableBySearch(history))
      return verdict
    })
    // Histories of both kinds were among them.
    expect(verdicts.filter(Boolean).length).toBeGreaterThan(5_000)
    expect(verdicts.filter((verdict) => !verdict).length).toBeGreaterThan(5_000)
  })

  test('a long history of a real register has no violation, and one stale read in it is found', () => {
    const history = longHistory(200_000, randomFrom(7))
    expect(checkRegister(history)).toEqual([])
    const late = history.reads.at(-1)?.end ?? 0
    const stale = r(history.writes[50]?.value ?? 0, late + 1, late + 2)
    expect(checkRegister({ ...history, reads: [...history.reads, stale] }).length).toBeGreaterThan(0)
  })
})

/** A few operations on few moments, so that they overlap, touch and contradict often. */
function smallHistory(random: Random): RegisterHistory {
  const span = (): readonly [number, number] => {
    const begin = random.below(10)
    return [begin, begin + random.below(5)]
  }
  const writes = Array.from({ length: random.below(4) }, (_, index) => {
    const [begin, end] = span()
    return w(index + 1, begin, random.once(4) ? unanswered : end)
  })
  const values = random.once(20) ? writes.length + 2 : writes.length + 1
  const reads = Array.from({ length: random.below(5) }, () => r(random.below(values), ...span()))
  return { initial: 0, writes, reads }
}

/** Operations that take effect at a moment inside their interval, as a register does them: eight at a time. */
function longHistory(length: number, random: Random): RegisterHistory {
  const writes: Write[] = []
  const reads: Read[] = []
  let value = 0
  for (let moment = 10; moment < 10 + length; moment += 1) {
    const [begin, end] = [moment - random.below(9) + Math.random() / 2, moment + random.below(9) + 0.5]
    if (!random.once(7)) {
      reads.push(r(value, begin, end))
      continue
    }
    value = moment
    writes.push(w(value, begin, random.once(50) ? unanswered : end))
  }
  return { initial: 0, writes, reads }
}

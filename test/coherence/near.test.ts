import { describe, expect, test } from 'vitest'
import type { Read, Write } from './checker.ts'
import { checkNear } from './near.ts'

const w = (value: number, begin: number, end: number, by = 0): Write => ({ value, begin, end, by })
const r = (value: number, begin: number, end: number, by = 0): Read => ({ value, begin, end, by })
const kindsOf = (writes: readonly Write[], reads: readonly Read[], nearMs: number): string[] =>
  checkNear({ initial: 0, writes, reads }, nearMs).map(({ kind }) => kind)

describe('the checker of near copies', () => {
  test('a read may be late by the time that was allowed, and not by more', () => {
    const late = [[w(1, 100, 110, 1)], [r(0, 200, 210)]] as const
    expect(kindsOf(...late, 90)).toEqual([])
    expect(kindsOf(...late, 89)).toEqual(['inside'])
  })

  test('who has written through a process sees it there at once', () => {
    const writes = [w(1, 100, 110, 1)]
    expect(kindsOf(writes, [r(0, 120, 121, 2)], 1_000)).toEqual([])
    expect(kindsOf(writes, [r(0, 120, 121, 1)], 1_000)).toEqual(['own write unseen'])
    expect(kindsOf(writes, [r(0, 105, 121, 1)], 1_000)).toEqual([])
  })

  test('what others have written since, or meanwhile, is not older than an own write', () => {
    const writes = [w(1, 100, 110, 1), w(2, 105, 120, 2), w(3, 130, 140, 2)]
    expect(kindsOf(writes, [r(2, 125, 126, 1), r(3, 150, 151, 1)], 1_000)).toEqual([])
  })

  test('a write without an answer is none that has to be seen', () => {
    expect(kindsOf([w(1, 100, Infinity, 1)], [r(0, 120, 121, 1)], 1_000)).toEqual([])
  })
})

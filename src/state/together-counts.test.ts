import { expect, test } from 'vitest'
import type { Counted } from './rate-counter.ts'
import { TogetherCounts } from './together-counts.ts'

test('hits that come during a count of the same name are counted together after it, each with its share', async () => {
  const together = new TogetherCounts()
  const groups: number[] = []
  let used = 0
  const count = async (hits: number): Promise<Counted[]> => {
    groups.push(hits)
    await Promise.resolve()
    const allowed = Math.min(hits, 4 - used)
    used += allowed
    return [{ allowed, used, resetMs: 10 }]
  }
  const shares = await Promise.all(Array.from({ length: 6 }, () => together.hit('a', count)))
  expect(groups).toEqual([1, 5])
  expect(shares.map(([share]) => [share?.allowed, share?.used])).toEqual([
    [true, 1],
    [true, 2],
    [true, 3],
    [true, 4],
    [false, 4],
    [false, 4],
  ])
  await together.hit('a', count)
  expect(groups).toEqual([1, 5, 1])
})

test('other names are counted at the same time, and a failure is that of its group', async () => {
  const together = new TogetherCounts()
  const never = together.hit('a', () => new Promise(() => undefined))
  void never
  expect(await together.hit('b', async () => [{ allowed: 1, used: 1, resetMs: 1 }])).toMatchObject([{ allowed: true }])
  await expect(together.hit('c', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(await together.hit('c', async () => [{ allowed: 1, used: 1, resetMs: 1 }])).toMatchObject([{ allowed: true }])
})

test('of several windows each hit has its share up to the one that refuses it', async () => {
  const together = new TogetherCounts()
  const count = async (hits: number): Promise<Counted[]> =>
    [hits, 1, 1].map((allowed, window) => ({ allowed, used: 10 * window + allowed, resetMs: 1 }))
  const [, ...shares] = await Promise.all([together.hit('a', count), together.hit('a', count), together.hit('a', count)])
  expect(shares.map((windows) => windows.map(({ allowed, used }) => [allowed, used]))).toEqual([
    [
      [true, 1],
      [true, 11],
      [true, 21],
    ],
    [
      [true, 2],
      [false, 11],
    ],
  ])
})

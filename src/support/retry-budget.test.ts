import { expect, test } from 'vitest'
import { RecentPeak } from './recent-peak.ts'
import { RetryBudget } from './retry-budget.ts'

test('a burst may be tried again, then one in ten of what succeeds', () => {
  const budget = new RetryBudget({ most: 5, perSuccess: 0.1 })
  const spendAll = (): number => {
    let spent = 0
    while (budget.spend()) spent += 1
    return spent
  }
  expect([spendAll(), spendAll()]).toEqual([5, 0])
  for (let count = 0; count < 32; count += 1) budget.succeeded()
  expect(spendAll()).toBe(3)
  for (let count = 0; count < 1_000; count += 1) budget.succeeded()
  expect(spendAll()).toBe(5)
})

test('a peak is remembered for one span at least and two at most', () => {
  const peak = new RecentPeak(100)
  peak.saw(7, 1_000)
  peak.saw(3, 1_010)
  expect([peak.value(1_050), peak.value(1_150), peak.value(1_300)]).toEqual([7, 7, 0])
  peak.saw(9, 1_350)
  expect(peak.value(9_000)).toBe(0)
})

import { expect, test } from 'vitest'
import { type RateLimit, rateProblems, ratesOf, rateText } from './rates.ts'

test.each<[RateLimit, readonly string[]]>([
  ['600/1m', ['600/1m address']],
  ['1000/1h by caller, 10/1s', ['10/1s address', '1000/1h caller']],
  [' 5 / 90s ', ['5/90s address']],
  [{ max: 5, per: '60s', by: 'caller' }, ['5/1m caller']],
  [
    ['10/1s', { max: 1000, per: '1d' }],
    ['10/1s address', '1000/1d address'],
  ],
  [false, []],
])('%j is read, shortest window first', (limit, wanted) => {
  expect(rateProblems(limit)).toEqual([])
  expect(ratesOf(limit).map((rate) => `${rateText(rate)} ${rate.by}`)).toEqual(wanted)
})

test('a function is a subject where one is taken', () => {
  expect(rateProblems({ max: 1, per: '1s', by: () => 'a' }, true)).toEqual([])
  expect(rateProblems({ max: 1, per: '1s', by: () => 'a' })).toEqual([expect.stringContaining('custom routes')])
  expect(rateProblems({ max: 1, per: '1s', by: async () => 'a' }, true)).toEqual([expect.stringContaining('async')])
})

test.each<[unknown, readonly string[]]>([
  ['many', ['"many" is not a limit such as']],
  ['600/m', ['"600/m" is not a limit']],
  ['0/1m', ['max is a whole number from 1']],
  ['5/1500ms', ['per is a time in whole seconds']],
  ['5/2d', ['per is a time in whole seconds']],
  ['5/1m by user', ['by is "address" or "caller", not "user"']],
  [[], ['at least one']],
  [7, ['"7" is not a limit']],
  [null, ['"null" is not a limit']],
  [{ max: 1.5, per: 60, window: '1m' }, ['"window" is not a part', 'max is a whole number', 'per is a time']],
  [{ max: 1, per: '1m', name: '' }, ['name is a text']],
  ['10/1m, 20/60s', ['10/1m and 20/1m limit the same requests twice']],
])('%j has every mistake named', (limit, problems) => {
  expect(rateProblems(limit)).toEqual(problems.map((problem) => expect.stringContaining(problem)))
})

import { expect, test } from 'vitest'
import { LagClock } from './lag.ts'
import { both, isReached, parseLsn, readToken, tokenOf } from './position.ts'

const at = (timeline: number, byte: bigint) => ({ timeline, byte })

test('a position survives its way to a client and back', () => {
  const position = at(2, parseLsn('16/B374D848'))
  expect(tokenOf(position)).toBe('2-16b374d848')
  expect(readToken('2-16b374d848')).toEqual(position)
  expect(readToken(tokenOf(at(0xffffffff, 2n ** 64n - 1n)))).toEqual(at(0xffffffff, 2n ** 64n - 1n))
})

test.each(['', 'primary', '1', '1-', '-1', '1-x', '1-16B374D848', ' 1-1', '1-1 ', '1-11111111111111111', '111111111-1', '1-1, 1-2'])(
  'what is not a token asks for the primary: %j',
  (text) => {
    expect(readToken(text)).toBe('primary')
  },
)

test('a standby that stayed on an older timeline has reached nothing of the newer one', () => {
  expect(isReached(at(2, 95n), at(1, 100n))).toBe(false)
  expect(isReached(at(2, 95n), at(2, 95n))).toBe(true)
  expect(isReached(at(1, 95n), at(2, 100n))).toBe(true)
  expect(isReached(at(1, 95n), at(2, 94n))).toBe(false)
})

test('of two demands both hold', () => {
  expect(both(undefined, undefined)).toBeUndefined()
  expect(both(at(1, 2n), undefined)).toEqual(at(1, 2n))
  expect(both(undefined, at(1, 2n))).toEqual(at(1, 2n))
  expect(both(at(1, 2n), at(1, 3n))).toEqual(at(1, 3n))
  expect(both(at(1, 9n), at(2, 3n))).toEqual(at(2, 9n))
  expect(both('primary', at(1, 3n))).toBe('primary')
  expect(both(undefined, 'primary')).toBe('primary')
})

test('lag is counted from when the primary was first seen ahead', () => {
  const clock = new LagClock(10_000)
  clock.saw(100n, 0)
  expect(clock.behind(100n, 5_000)).toBe(0)
  clock.saw(200n, 1_000)
  clock.saw(300n, 2_000)
  expect(clock.behind(100n, 5_000)).toBe(4_000)
  expect(clock.behind(250n, 5_000)).toBe(3_000)
  expect(clock.behind(300n, 5_000)).toBe(0)
  clock.saw(300n, 60_000)
  expect(clock.behind(200n, 60_000)).toBe(58_000)
  clock.saw(50n, 61_000)
  expect(clock.behind(50n, 62_000)).toBe(0)
})

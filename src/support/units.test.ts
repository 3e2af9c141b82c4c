import { expect, test } from 'vitest'
import { formatBytes, parseBytes } from './bytes.ts'
import { formatDuration, parseDuration } from './duration.ts'

test.each([
  ['0', 0],
  ['500ms', 500],
  ['5s', 5_000],
  ['1.5m', 90_000],
  ['2H', 7_200_000],
  ['1d', 86_400_000],
  [' 10 s ', 10_000],
])('%j is %d milliseconds', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds)
})

test.each(['', '5', '-1s', '5 sec', 's', '1e3s', '99999999999999d', 'Infinity'])('%j is not a duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.each([
  ['512', 512],
  ['64KB', 65_536],
  ['64k', 65_536],
  ['1MB', 1_048_576],
  ['1 MiB', 1_048_576],
  ['1.5gb', 1_610_612_736],
  ['10 b', 10],
])('%j is %d bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes)
})

test.each(['', 'MB', '-1KB', '1TB', '1.MB', '0x10', '99999999999999GB'])('%j is not an amount of bytes', (text) => {
  expect(parseBytes(text)).toBeUndefined()
})

test('what is written can be read again', () => {
  for (const milliseconds of [0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000])
    expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds)
  expect([1_048_576, 65_536, 1_000].map(formatBytes)).toEqual(['1MB', '64KB', '1000 bytes'])
})

import { expect, test } from 'vitest'
import { hasOneName } from './row-key.ts'

const column = (type: string, length: number | null = null) => ({ name: 'id', type, length })

test.each([
  ['integer', '0', true],
  ['integer', '-17', true],
  ['bigint', '9007199254740993', true],
  ['integer', '007', false],
  ['integer', '+1', false],
  ['integer', '-0', false],
  ['smallint', '1 ', false],
  ['uuid', '0199c1d2-7a3b-7c4d-8e5f-60718293a4b5', true],
  ['uuid', '0199C1D2-7A3B-7C4D-8E5F-60718293A4B5', false],
  ['uuid', '{0199c1d2-7a3b-7c4d-8e5f-60718293a4b5}', false],
  ['text', ' Ä b\n', true],
])('%s %j is what PostgreSQL writes: %s', (type, value, expected) => {
  expect(hasOneName(value, column(type))).toBe(expected)
})

test('a text that is longer than its column is cut by PostgreSQL, so it is not a name', () => {
  expect(hasOneName('äöü', column('character varying', 3))).toBe(true)
  expect(hasOneName('😀😀😀', column('character varying', 3))).toBe(true)
  expect(hasOneName('äöüa', column('character varying', 3))).toBe(false)
})

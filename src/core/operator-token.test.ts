import { expect, test } from 'vitest'
import { isOperatorToken, operatorToken } from './operator-token.ts'

const secret = 'a secret of forty characters, or a few more'

test('a token is good for what it was made for, for a minute, with the same secret', () => {
  const token = operatorToken(secret, 'clear', 1_000_000)
  expect(isOperatorToken(secret, 'clear', token, 1_000_000)).toBe(true)
  expect(isOperatorToken(secret, 'clear', token, 1_059_000)).toBe(true)
  expect(isOperatorToken(secret, 'clear', token, 1_061_000)).toBe(false)
  expect(isOperatorToken(secret, 'clear', token, 939_000)).toBe(false)
  expect(isOperatorToken(secret, 'stats', token, 1_000_000)).toBe(false)
  expect(isOperatorToken('another secret', 'clear', token, 1_000_000)).toBe(false)
})

test('what is no token is none, and its time cannot be changed', () => {
  const token = operatorToken(secret, 'clear', 1_000_000)
  for (const strange of ['', '.', 'x', `${token}x`, token.slice(0, -1), token.replace('1000000', '1000001'), token.split('.')[1] ?? ''])
    expect(isOperatorToken(secret, 'clear', strange, 1_000_000), strange).toBe(false)
})

import { expect, test } from 'vitest'
import { editDistance, nearest } from './similar.ts'

const fields = ['id', 'name', 'price', 'created_at', 'updated_at', 'description']

test.each([
  ['nmae', 'name'],
  ['Name', 'name'],
  ['prise', 'price'],
  ['creatd_at', 'created_at'],
  ['desciptoin', 'description'],
  ['updatedat', 'updated_at'],
])('%s is taken for %s', (typed, meant) => {
  expect(nearest(typed, fields)).toBe(meant)
})

test.each(['colour', 'x', 'naming', 'created', '', 'n'.repeat(1_000)])('%s is like nothing that is known', (typed) => {
  expect(nearest(typed, fields)).toBeUndefined()
})

test('the closest of several wins, and the first of equals', () => {
  expect(nearest('user_nam', ['user_map', 'user_name', 'username'])).toBe('user_name')
  expect(nearest('bat', ['cat', 'hat'])).toBe('cat')
})

test('two swapped letters are one mistake', () => {
  expect(editDistance('ab', 'ba', 2)).toBe(1)
  expect(editDistance('kitten', 'sitting', 9)).toBe(3)
  expect(editDistance('short', 'a much longer word', 2)).toBe(3)
})

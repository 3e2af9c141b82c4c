import { expect, test } from 'vitest'
import { Lru } from './lru.ts'

test('the entry that was not used for longest makes room', () => {
  const lru = new Lru<number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  lru.get('a')
  lru.set('c', 3)
  expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.size]).toEqual([1, undefined, 3, 2])
})

test('setting a key again replaces its value, counts as use and takes no more room', () => {
  const lru = new Lru<number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  lru.set('a', 10)
  lru.set('c', 3)
  expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.size]).toEqual([10, undefined, 3, 2])
})

test('what is deleted is gone and leaves room', () => {
  const lru = new Lru<number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  lru.delete('b')
  lru.delete('x')
  lru.set('c', 3)
  expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.size]).toEqual([1, undefined, 3, 2])
})

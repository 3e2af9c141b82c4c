import { expect, test } from 'vitest'
import { pascalCase, plural, singular } from './names.ts'

const pairs: readonly (readonly [string, string])[] = [
  ['user', 'users'],
  ['country', 'countries'],
  ['city', 'cities'],
  ['address', 'addresses'],
  ['status', 'statuses'],
  ['person', 'people'],
  ['child', 'children'],
  ['box', 'boxes'],
  ['branch', 'branches'],
  ['dish', 'dishes'],
  ['day', 'days'],
  ['key', 'keys'],
  ['movie', 'movies'],
  ['order_item', 'order_items'],
  ['analysis', 'analyses'],
  ['database', 'databases'],
  ['case', 'cases'],
  ['purchase', 'purchases'],
  ['license', 'licenses'],
  ['response', 'responses'],
  ['course', 'courses'],
  ['exercise', 'exercises'],
  ['warehouse', 'warehouses'],
  ['cause', 'causes'],
  ['bus', 'buses'],
  ['virus', 'viruses'],
  ['alias', 'aliases'],
  ['house', 'houses'],
  ['purpose', 'purposes'],
  ['leaf', 'leaves'],
  ['wave', 'waves'],
  ['archive', 'archives'],
  ['hero', 'heroes'],
  ['shoe', 'shoes'],
  ['size', 'sizes'],
  ['quiz', 'quizzes'],
  ['cache', 'caches'],
  ['tax', 'taxes'],
  ['class', 'classes'],
  ['employee', 'employees'],
  ['orderItem', 'orderItems'],
  ['Person', 'People'],
  ['photo', 'photos'],
  ['menu', 'menus'],
  ['price', 'prices'],
  ['message', 'messages'],
  ['image', 'images'],
  ['crisis', 'crises'],
]

test.each(pairs)('"%s" and "%s" are one and many of the same thing', (one, many) => {
  expect(plural(one)).toBe(many)
  expect(singular(many)).toBe(one)
})

test('a word that is already right stays as it is', () => {
  expect(['data', 'series', 'news', 'media', 'status', 'address', 'person'].map(singular)).toEqual([
    'data',
    'series',
    'news',
    'media',
    'status',
    'address',
    'person',
  ])
  expect(['data', 'series', 'people', 'children'].map(plural)).toEqual(['data', 'series', 'people', 'children'])
})

test('names without letters survive', () => {
  expect([singular('_2024_'), plural(''), singular('t1')]).toEqual(['_2024_', '', 't1'])
})

test('a schema name has the words of the table name in PascalCase', () => {
  expect(['order_items', 'users', 'Weird name-here', 'orderItems'].map(pascalCase)).toEqual([
    'OrderItems',
    'Users',
    'WeirdNameHere',
    'OrderItems',
  ])
})

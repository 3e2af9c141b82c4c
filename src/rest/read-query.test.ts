import { expect, test } from 'vitest'
import { linkBase } from './page-links.ts'
import { bracketSegments, commaList, queryPairs } from './query-pairs.ts'
import { readListQuery, readShapeQuery, refuseQuery } from './read-query.ts'

const code = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code
  }
}

test('a filter without an operator compares for equality', () => {
  expect(readListQuery('filter[name]=a%20b').filter).toEqual({ path: ['name'], operator: 'eq', values: ['a b'], source: 'filter[name]' })
})

test('several filters must all hold, and a path leads through relations', () => {
  expect(readListQuery('filter[price][gte]=5&filter[author.name]=x').filter).toEqual({
    all: [
      { path: ['price'], operator: 'gte', values: ['5'], source: 'filter[price][gte]' },
      { path: ['author', 'name'], operator: 'eq', values: ['x'], source: 'filter[author.name]' },
    ],
  })
})

test('members of an or-group are alternatives, and conditions with the same number belong together', () => {
  expect(readListQuery('filter[or][0][a]=1&filter[or][0][b]=2&filter[or][1][a]=3').filter).toEqual({
    any: [
      { all: [expect.objectContaining({ path: ['a'] }), expect.objectContaining({ path: ['b'] })] },
      expect.objectContaining({ path: ['a'], values: ['3'] }),
    ],
  })
})

test('numbered values stand where their numbers say', () => {
  expect(readListQuery('filter[id][between][1]=9&filter[id][between][0]=2').filter).toMatchObject({ values: ['2', '9'] })
})

test('a list of values is split at commas, except at escaped ones, or written with numbers', () => {
  expect(readListQuery('filter[id][in]=1,2\\,3').filter).toMatchObject({ values: ['1', '2,3'] })
  expect(readListQuery('filter[id][in][0]=1,5&filter[id][in][1]=2').filter).toMatchObject({
    values: ['1,5', '2'],
    source: 'filter[id][in]',
  })
})

test.each([
  ['a,b', ['a', 'b']],
  ['a\\,b,c', ['a,b', 'c']],
  ['a\\\\,b', ['a\\', 'b']],
  ['a,b\\,', ['a', 'b,']],
  [',', ['', '']],
  ['\\', ['\\']],
])('the list %j is %j', (text, items) => {
  expect(commaList(text)).toEqual(items)
})

test('a parameter given twice is refused by name, whether or not its brackets are encoded', () => {
  expect(code(() => readListQuery('sort=a&sort=b'))).toBe('REST_REPEATED_PARAMETER')
  expect(code(() => readListQuery('filter[a]=1&filter%5Ba%5D=2'))).toBe('REST_REPEATED_PARAMETER')
})

test('an unknown parameter is refused with the nearest name', () => {
  expect(() => readListQuery('srot=name')).toThrow(
    expect.objectContaining({ code: 'REST_UNKNOWN_PARAMETER', field: 'srot', hint: 'Perhaps you meant "sort".' }),
  )
  expect(code(() => readShapeQuery('filter[a]=1'))).toBe('REST_UNKNOWN_PARAMETER')
  expect(code(() => refuseQuery('x=1'))).toBe('REST_UNKNOWN_PARAMETER')
  expect(code(() => readListQuery('Sort=name'))).toBe('REST_UNKNOWN_PARAMETER')
})

test.each(['__proto__=1', 'constructor=1', 'toString=1', 'page[__proto__]=1', 'fields[a][b]=1', 'sort[a]=1', 'filter=1'])(
  '%s is not a parameter',
  (query) => {
    expect(code(() => readListQuery(query))).toMatch(/^REST_(UNKNOWN|INVALID)_PARAMETER$/)
  },
)

test('filtering on __proto__ or including it leaves Object.prototype as it was', () => {
  const before = Object.getOwnPropertyNames(Object.prototype)
  readListQuery('filter[__proto__][polluted]=1&filter[or][0][__proto__]=2')
  readListQuery('include=__proto__.polluted,constructor.prototype')
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test.each(['filter[]=1', 'filter[a=1', 'filter[a]b=1', 'filter[a][b][c]=1', 'filter[a][[b]]=1'])(
  'broken brackets in %s are refused',
  (query) => {
    expect(code(() => readListQuery(query))).toMatch(/^REST_/)
  },
)

test.each(['page[size]=-1', 'page[size]=1.5', 'page[size]=1e3', 'page[number]=x', 'page[size]=', 'page[size]=99999999999999999999'])(
  '%s is no page',
  (query) => {
    expect(code(() => readListQuery(query))).toBe('REST_INVALID_PARAMETER')
  },
)

test('a broken percent-encoding or bytes that are not UTF-8 are refused', () => {
  for (const query of ['search=%', 'search=%zz', 'search=%ff', '%c3=1']) expect(code(() => queryPairs(query))).toBe('REST_INVALID_QUERY')
})

test('more parameters than anybody needs are refused', () => {
  expect(code(() => queryPairs(Array.from({ length: 201 }, (_, i) => `a${i}=1`).join('&')))).toBe('REST_INVALID_QUERY')
})

test('groups nested deeper than five are refused', () => {
  expect(code(() => readListQuery(`filter${'[or][0]'.repeat(7)}[a]=1`))).toBe('REST_INVALID_PARAMETER')
})

test('includes become a tree, with a relation named twice in it once', () => {
  expect(readShapeQuery('include=author,comments.author,comments').include).toEqual({ author: {}, comments: { author: {} } })
})

test('sparse fields belong to the record or to an included one', () => {
  const { fields } = readShapeQuery('fields=id,name&fields[author.country]=name')
  expect([...(fields ?? [])]).toEqual([
    ['', ['id', 'name']],
    ['author.country', ['name']],
  ])
})

test('brackets are taken apart', () => {
  expect(bracketSegments('filter[or][0][a.b]')).toEqual(['filter', 'or', '0', 'a.b'])
  expect(bracketSegments('sort')).toEqual(['sort'])
  expect(bracketSegments('a[b')).toBeUndefined()
})

test('the link to the next page keeps every parameter but the position', () => {
  expect(linkBase('/api/items', 'sort=name&page%5Bafter%5D=x&page[size]=5')).toBe('/api/items?sort=name&page[size]=5&')
  expect(linkBase('/api/items', 'page[number]=3')).toBe('/api/items?')
})

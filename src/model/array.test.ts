import fc from 'fast-check'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { scratchDatabase, testDatabases } from '../../test/support/postgres.ts'
import { formatArray, type NestedTexts, parseArray } from './array.ts'

const element = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => !text.includes('\u0000') && text.isWellFormed()),
  fc.constantFrom('', 'NULL', 'null', 'a b', '"', '\\', '\\"', ',', '{}', '{', ' ', '\n', '[0:1]={a,b}', '='),
  fc.constant(null),
)
const box = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }))
  .chain(([rows, columns]) => fc.array(fc.array(element, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }))

describe.each(testDatabases())('on $name', ({ url }) => {
  test('every list that we write is the same list to PostgreSQL, and every array it writes is read back', async () => {
    const database = await scratchDatabase(url)
    const client = new Client({ connectionString: database.url, types: { getTypeParser: () => String } })
    await client.connect()
    try {
      await fc.assert(
        fc.asyncProperty(fc.oneof(fc.array(element), box), async (list: NestedTexts) => {
          const { rows } = await client.query<{ stored: string; json: string }>(
            'select $1::text[] as stored, to_json($1::text[]) as json',
            [formatArray(list)],
          )
          expect(JSON.parse(rows[0]?.json ?? '')).toEqual(list)
          expect(parseArray(rows[0]?.stored ?? '')).toEqual(list)
        }),
        { numRuns: 300 },
      )
    } finally {
      await client.end()
      await database.drop()
    }
  })
})

test('bounds in front of an array are dropped, whatever stands in it', () => {
  expect(parseArray('[0:1]={a,"b=c"}')).toEqual(['a', 'b=c'])
  expect(parseArray('[-1:0][2:2]={{a},{NULL}}')).toEqual([['a'], [null]])
})

test('lists of nothing but empty lists are the empty array', () => {
  expect(formatArray([[], [[]]])).toBe('{}')
  expect(parseArray('{}')).toEqual([])
})

test('an element of ten million characters does not exhaust the stack', () => {
  const long = '\\"x'.repeat(3_000_000)
  expect(parseArray(formatArray([long]))).toEqual([long])
})

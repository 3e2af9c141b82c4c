import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '../../test/support/postgres.ts'
import { type Workbench, workbench } from '../../test/support/writers.ts'

describe('what a body may hold', () => {
  let bench: Workbench

  beforeAll(async () => {
    bench = await workbench(testDatabase().url)
  })
  afterAll(() => bench.close())

  const refuse = (values: unknown, resource = 'posts') =>
    bench.refusal(bench.write(resource, { operation: 'create', values: values as Record<string, unknown> }))

  test('everything that is wrong with a body is told at once, by field', async () => {
    const error = await refuse({ titel: 'x', price: '99999.99', rating: 'five', double_rating: 4, created_at: '2026-01-01T00:00:00Z' })
    expect(error).toMatchObject({ status: 400, code: 'WRITE_INVALID' })
    expect(error.details.map(({ field, code }) => [field, code])).toEqual([
      ['titel', 'WRITE_UNKNOWN_FIELD'],
      ['price', 'WRITE_INVALID_VALUE'],
      ['rating', 'WRITE_INVALID_VALUE'],
      ['double_rating', 'WRITE_READ_ONLY_FIELD'],
      ['created_at', 'WRITE_READ_ONLY_FIELD'],
      ['title', 'WRITE_REQUIRED'],
      ['slug', 'WRITE_REQUIRED'],
    ])
    expect(error.details[0]?.hint).toBe('Perhaps you meant "title".')
  })

  test('a hidden field is as unknown as one that does not exist, and no hint gives it away', async () => {
    const error = await refuse({ title: 'x', slug: 'x', secret: 'y', secrett: 'z' })
    expect(error.details.map(({ code, hint }) => [code, hint])).toEqual([
      ['WRITE_UNKNOWN_FIELD', undefined],
      ['WRITE_UNKNOWN_FIELD', undefined],
    ])
  })

  test('null is refused where a column always has a value, also where it has a default', async () => {
    const error = await refuse({ title: null, slug: 'x', rating: null })
    expect(error.details.map(({ field, code }) => [field, code])).toEqual([
      ['title', 'WRITE_NOT_NULL'],
      ['rating', 'WRITE_NOT_NULL'],
    ])
  })

  test.each([[[]], ['text'], [null], [7], [true]])('a body of %j is no record', async (body) => {
    expect(await refuse(body)).toMatchObject({ status: 400, code: 'WRITE_NOT_AN_OBJECT' })
  })

  test('text and numbers are not converted into each other', async () => {
    const error = await refuse({ title: 5, slug: true, rating: '4', tags: 'a' })
    expect(error.details.map(({ field }) => field)).toEqual(['title', 'slug', 'rating', 'tags'])
  })

  test.each([
    ['a NUL character', { title: 'a\u0000b', slug: 's' }],
    ['a lone surrogate', { title: '\ud800', slug: 's' }],
    ['a NUL character in a list', { title: 't', slug: 's', tags: ['\u0000'] }],
    ['a NUL character in JSON', { title: 't', slug: 's', meta: { a: '\u0000' } }],
    ['a NUL character in a JSON key', { title: 't', slug: 's', meta: { 'a\u0000': 1 } }],
    ['a lone surrogate in JSON', { title: 't', slug: 's', meta: ['\udc00'] }],
    ['too many characters', { title: 'x'.repeat(21), slug: 's' }],
    ['an integer beyond its column', { title: 't', slug: 's', rating: 2 ** 31 }],
    ['a number beyond every column', { title: 't', slug: 's', rating: 1e308 }],
    ['a fraction for an integer', { title: 't', slug: 's', rating: 1.5 }],
    ['a numeric beyond its precision', { title: 't', slug: 's', price: '10000' }],
  ])('%s is refused by the name of its field and never reaches the database', async (_, values) => {
    bench.statements.length = 0
    const error = await refuse(values)
    expect(error.status).toBe(400)
    expect(error.details).toHaveLength(1)
    expect(Object.keys(values)).toContain(error.details[0]?.field)
    expect(bench.statements).toEqual([])
  })

  test('names of prototypes are fields like any other: unknown', async () => {
    const body = JSON.parse('{"title":"t","slug":"s","__proto__":{"rating":1},"constructor":1,"toString":2}') as unknown
    const error = await refuse(body)
    expect(error.details.map(({ field }) => field)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(({} as Record<string, unknown>).rating).toBeUndefined()
  })

  test('inherited properties are not values', async () => {
    const error = await refuse(Object.create({ title: 'inherited', slug: 'inherited' }))
    expect(error.details.map(({ code }) => code)).toEqual(['WRITE_REQUIRED', 'WRITE_REQUIRED'])
  })

  test('a length counts characters, and what fits is stored to the last one', async () => {
    const title = '😀'.repeat(20)
    const saved = await bench.write('posts', { operation: 'create', values: { title, slug: 'emoji' } })
    expect(saved?.record.title).toBe(title)
  })

  test('a value that is too long for its column is refused by the database too, where a cast with the length would cut it', async () => {
    const code = bench.writer('notes').resource.model.fieldByName.get('code')
    const insert = (type: string | undefined) => bench.db.query(`insert into notes (code) values ($1::${type})`, ['abcd'])
    await expect(insert(code?.castType)).rejects.toMatchObject({ code: 'DB_TOO_LONG' })
    await insert(code?.sqlType)
    expect(await bench.rows('select code from notes')).toEqual([{ code: 'abc' }])
  })
})

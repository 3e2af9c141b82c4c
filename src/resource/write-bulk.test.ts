import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { type Workbench, workbench } from '../../test/support/writers.ts'

describe.each(testDatabases())('writing many records on $name', ({ url }) => {
  let bench: Workbench
  let posts = 0

  beforeAll(async () => {
    bench = await workbench(url)
  })
  afterAll(() => bench.close())

  const newPosts = (count: number, values: Record<string, unknown> = {}) =>
    Array.from({ length: count }, (_, i): Record<string, unknown> => ({ title: `Post ${i}`, slug: `bulk-${posts++}`, ...values }))
  const create = (items: readonly Record<string, unknown>[]) => bench.bulk('posts', { operation: 'create', items })
  const idsOf = (records: readonly Record<string, unknown>[]) => records.map(({ id }) => id as number)
  const countPosts = async () => Number((await bench.rows('select count(*) from posts'))[0]?.count)

  test('a thousand new records are one INSERT and come back in the order they were sent', async () => {
    bench.statements.length = 0
    const items = newPosts(1000, { tags: ['a', 'b,"{}\\'], meta: { list: [1, '"'] } })
    const records = await create(items)
    expect(bench.statements).toHaveLength(1)
    expect(records.map(({ slug }) => slug)).toEqual(items.map(({ slug }) => slug))
    expect(records[999]).toMatchObject({ tags: ['a', 'b,"{}\\'], meta: { list: [1, '"'] }, rating: 3, token: 'made' })
  })

  test('records that name different fields are still one INSERT in order, each with its own defaults', async () => {
    bench.statements.length = 0
    const items = newPosts(1000).map((item, i): Record<string, unknown> => ({
      ...item,
      ...(i % 2 === 0 ? { rating: 5 } : {}),
      ...(i % 3 === 0 ? { price: '1.50' } : {}),
    }))
    const records = await create(items)
    expect(bench.statements).toHaveLength(1)
    expect(records.map(({ slug, rating, price }) => [slug, rating, price])).toEqual(
      items.map(({ slug }, i) => [slug, i % 2 === 0 ? 5 : 3, i % 3 === 0 ? '1.50' : null]),
    )
  })

  test('records without any field are made of defaults', async () => {
    const records = await bench.bulk('notes', { operation: 'create', items: [{}, {}, {}] })
    expect(new Set(records.map(({ id }) => id)).size).toBe(3)
  })

  test('what is wrong with any item is told with its index and nothing is created', async () => {
    const before = await countPosts()
    bench.statements.length = 0
    const items = newPosts(100)
    items[3] = { ...items[3], rating: 'x', prise: 1 }
    items[37] = { slug: 'no-title' }
    items[99] = 'text' as unknown as Record<string, unknown>
    const error = await bench.refusal(create(items))
    expect(error).toMatchObject({ status: 400, code: 'WRITE_BULK_INVALID', message: '3 items cannot be written; nothing was changed.' })
    expect(error.details.map(({ index, field, code }) => [index, field, code])).toEqual([
      [3, 'rating', 'WRITE_INVALID_VALUE'],
      [3, 'prise', 'WRITE_UNKNOWN_FIELD'],
      [37, 'title', 'WRITE_REQUIRED'],
      [99, undefined, 'WRITE_NOT_AN_OBJECT'],
    ])
    expect(bench.statements).toEqual([])
    expect(await countPosts()).toBe(before)
  })

  test('item 37 of 100 that a constraint refuses is found among them, and nothing is created', async () => {
    const before = await countPosts()
    const items = newPosts(100)
    items[37] = { ...items[37], rating: 9 }
    bench.statements.length = 0
    const error = await bench.refusal(create(items))
    expect(error).toMatchObject({ status: 400, code: 'WRITE_BULK_INVALID' })
    expect(error.details).toMatchObject([{ index: 37, field: 'rating', code: 'WRITE_CHECK_FAILED' }])
    expect(bench.statements.length).toBeLessThan(20)
    expect(await countPosts()).toBe(before)
  })

  test('every item that a constraint refuses is found, also one that repeats an earlier item', async () => {
    const [taken] = await create(newPosts(1))
    const items = newPosts(50)
    items[4] = { ...items[4], slug: taken?.slug }
    items[20] = { ...items[20], author_id: 12_345 }
    items[49] = { ...items[49], slug: items[10]?.slug }
    const error = await bench.refusal(create(items))
    expect(error).toMatchObject({ status: 409, code: 'WRITE_BULK_CONFLICT' })
    expect(error.details.map(({ index, field, code }) => [index, field, code])).toEqual([
      [4, 'slug', 'WRITE_CONFLICT'],
      [20, 'author_id', 'WRITE_MISSING_REFERENCE'],
      [49, 'slug', 'WRITE_CONFLICT'],
    ])
  })

  test('a patch of many changes each by its own fields with one lock and one UPDATE, in the order sent', async () => {
    const ids = idsOf(await create(newPosts(5, { rating: 1, price: '2.00' })))
    bench.statements.length = 0
    const items = [{ id: ids[4], rating: 4 }, { id: ids[0], title: 'zero' }, { id: ids[2], price: null, rating: 2 }, { id: ids[1] }]
    const records = await bench.bulk('posts', { operation: 'patch', items })
    expect(bench.statements.map((text) => text.split(' ')[0])).toEqual(['select', 'update'])
    expect(records.map(({ id, title, rating, price }) => [id, title, rating, price])).toEqual([
      [ids[4], 'Post 4', 4, '2.00'],
      [ids[0], 'zero', 1, '2.00'],
      [ids[2], 'Post 2', 2, null],
      [ids[1], 'Post 1', 1, '2.00'],
    ])
  })

  test('a patch that changes nothing of some records leaves their updated_at alone', async () => {
    const before = await create(newPosts(2))
    const [first, second] = idsOf(before)
    const after = await bench.bulk('posts', { operation: 'patch', items: [{ id: first }, { id: second, rating: 0 }] })
    expect(after[0]).toEqual(before[0])
    expect(after[1]?.updated_at).not.toBe(before[1]?.updated_at)
  })

  test('a patch names every missing, repeated and keyless item, and nothing is changed', async () => {
    const [id] = idsOf(await create(newPosts(1)))
    const patch = (items: readonly Record<string, unknown>[]) => bench.refusal(bench.bulk('posts', { operation: 'patch', items }))
    const missing = await patch([
      { id, title: 'x' },
      { id: 2_000_000_000, title: 'x' },
      { id: 2_000_000_001, title: 'x' },
    ])
    expect(missing).toMatchObject({ status: 404, code: 'WRITE_BULK_NOT_FOUND' })
    expect(missing.details.map(({ index }) => index)).toEqual([1, 2])
    const repeated = await patch([
      { id, title: 'x' },
      { id, title: 'y' },
    ])
    expect(repeated.details).toMatchObject([{ index: 1, code: 'WRITE_REPEATED', message: 'Item 0 is the same record.' }])
    const keyless = await patch([{ id, title: 'x' }, { title: 'y' }, { id: 'z' }])
    expect(keyless.details.map(({ index, field, code }) => [index, field, code])).toEqual([
      [1, 'id', 'WRITE_INVALID_KEY'],
      [2, 'id', 'WRITE_INVALID_KEY'],
    ])
    expect(await bench.rows(`select title from posts where id = ${id}`)).toEqual([{ title: 'Post 0' }])
  })

  test('a patch that a constraint refuses names the item and changes none', async () => {
    const ids = idsOf(await create(newPosts(40)))
    const items = ids.map((id, i) => ({ id, title: 'changed', ...(i === 17 ? { rating: 6 } : {}) }))
    const error = await bench.refusal(bench.bulk('posts', { operation: 'patch', items }))
    expect(error.details).toMatchObject([{ index: 17, field: 'rating', code: 'WRITE_CHECK_FAILED' }])
    expect(await bench.rows(`select from posts where title = 'changed' and id in (${ids.join(', ')})`)).toEqual([])
  })

  test('a delete of many where there is deleted_at hides them all, or none when one is missing', async () => {
    const ids = idsOf(await create(newPosts(3)))
    const keys = ids.map((id) => [String(id)])
    const error = await bench.refusal(bench.bulk('posts', { operation: 'delete', keys: [...keys, ['2000000000']] }))
    expect(error.details).toMatchObject([{ index: 3, code: 'RESOURCE_NOT_FOUND' }])
    expect(await bench.rows(`select from posts where deleted_at is not null and id in (${ids.join(', ')})`)).toEqual([])
    const deleted = await bench.bulk('posts', { operation: 'delete', keys: keys.toReversed() })
    expect(idsOf(deleted)).toEqual(ids.toReversed())
    expect(await bench.rows(`select from posts where deleted_at is null and id in (${ids.join(', ')})`)).toEqual([])
    expect((await bench.refusal(bench.bulk('posts', { operation: 'delete', keys }))).status).toBe(404)
  })

  test('a delete of many by a key of several parts removes exactly those', async () => {
    const items = [1, 2, 3, 4].map((line) => ({ order_id: 9, line, product: 'tea' }))
    await bench.bulk('lines', { operation: 'create', items })
    bench.statements.length = 0
    await bench.bulk('lines', {
      operation: 'delete',
      keys: [
        ['9', '4'],
        ['9', '2'],
      ],
    })
    expect(bench.statements.map((text) => text.split(' ')[0])).toEqual(['select', 'delete'])
    expect(await bench.rows('select line from lines where order_id = 9 order by line')).toEqual([{ line: 1 }, { line: 3 }])
  })

  test('a delete that other records hold back names each item that is held', async () => {
    const authors = await bench.bulk('authors', { operation: 'create', items: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] })
    await create(newPosts(1, { author_id: authors[1]?.id }))
    const keys = authors.map(({ id }) => [String(id)])
    const error = await bench.refusal(bench.bulk('authors', { operation: 'delete', keys }))
    expect(error).toMatchObject({ status: 409, code: 'WRITE_BULK_CONFLICT' })
    expect(error.details).toMatchObject([{ index: 1, code: 'WRITE_STILL_REFERENCED' }])
    expect(await bench.rows(`select from authors where id in (${keys.flat().join(', ')})`)).toHaveLength(3)
  })

  test('items that refer to each other are not blamed for another one', async () => {
    await bench.db.query('alter table lines add unique (line), add constraint lines_next foreign key (quantity) references lines (line)')
    const items = Array.from({ length: 8 }, (_, i) => ({ order_id: 50, line: 500 + i, product: 'tea', quantity: i === 2 ? 502 : 507 }))
    const wrong = items.map((item) => (item.line === 502 ? { ...item, quantity: 4711 } : item))
    const created = await bench.refusal(bench.bulk('lines', { operation: 'create', items: wrong }))
    expect(created.details.map(({ index }) => index)).toEqual([2])
    await bench.bulk('lines', { operation: 'create', items: [...items, { order_id: 51, line: 600, product: 'tea', quantity: 502 }] })
    const keys = items.toReversed().map(({ line }) => ['50', String(line)])
    const deleted = await bench.refusal(bench.bulk('lines', { operation: 'delete', keys }))
    expect(deleted.details.map(({ index }) => index)).toEqual([5])
    await bench.db.query('alter table lines drop constraint lines_next')
  })

  test('more items than the resource takes at once are refused before anything is read', async () => {
    const error = await bench.refusal(create(newPosts(1001)))
    expect(error).toMatchObject({ status: 400, code: 'WRITE_TOO_MANY_ITEMS' })
    expect(await bench.bulk('notes', { operation: 'create', items: Array.from({ length: 1500 }, () => ({})) })).toHaveLength(1500)
  })

  test('no items are no work', async () => {
    bench.statements.length = 0
    expect(await create([])).toEqual([])
    expect(bench.statements).toEqual([])
  })

  test('requests that share records in opposite orders do not deadlock', async () => {
    const ids = idsOf(await create(newPosts(60)))
    const rounds = Array.from({ length: 20 }, (_, round) => {
      const items = (round % 2 === 0 ? ids : ids.toReversed()).map((id) => ({ id, rating: round % 6 }))
      return bench.bulk('posts', { operation: 'patch', items })
    })
    expect((await Promise.allSettled(rounds)).filter(({ status }) => status === 'rejected')).toEqual([])
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { type Saved, type Workbench, workbench } from '../../test/support/writers.ts'

describe.each(testDatabases())('writing one record on $name', ({ url }) => {
  let bench: Workbench
  let slugs = 0

  beforeAll(async () => {
    bench = await workbench(url)
  })
  afterAll(() => bench.close())

  async function newPost(values: Record<string, unknown> = {}): Promise<Saved> {
    const saved = await bench.write('posts', { operation: 'create', values: { title: 'First', slug: `post-${slugs++}`, ...values } })
    return saved as Saved
  }

  test('a create returns the record with what the database and the defaults filled in', async () => {
    const { record, key, created, etag } = await newPost({
      slug: 'filled',
      price: '12.50',
      tags: ['a', 'b "c"'],
      meta: { deep: [1, null] },
    })
    expect(record).toMatchObject({
      title: 'First',
      slug: 'filled',
      price: '12.50',
      rating: 3,
      double_rating: 6,
      author_id: null,
      tags: ['a', 'b "c"'],
      meta: { deep: [1, null] },
      token: 'made',
      deleted_at: null,
    })
    expect(record).not.toHaveProperty('secret')
    expect(key).toEqual([String(record.id)])
    expect(created).toBe(true)
    expect(etag).toMatch(/^"[\w-]+"$/)
  })

  test('a create without hooks is one statement and no transaction', async () => {
    bench.statements.length = 0
    await newPost()
    expect(bench.statements).toHaveLength(1)
    expect(bench.statements[0]).toMatch(/^insert into/)
  })

  test('a record may be created from nothing when every column fills itself', async () => {
    const saved = await bench.write('notes', { operation: 'create', values: {} })
    expect(saved?.record).toMatchObject({ note: null, code: null })
    expect(saved?.key[0]).toMatch(/^[\da-f-]{36}$/)
  })

  test('a patch changes what it names, leaves the rest, and moves updated_at', async () => {
    const { record, key } = await newPost({ rating: 1 })
    const patched = await bench.write('posts', { operation: 'patch', key, values: { title: 'Second' } })
    expect(patched?.record).toMatchObject({ id: record.id, title: 'Second', rating: 1, created_at: record.created_at })
    expect(patched?.record.updated_at).not.toBe(record.updated_at)
    expect(patched?.created).toBe(false)
  })

  test('an empty patch answers with the record as it is and writes nothing', async () => {
    const { record, key, etag } = await newPost()
    bench.statements.length = 0
    const same = await bench.write('posts', { operation: 'patch', key, values: {} })
    expect(same?.record).toEqual(record)
    expect(same?.etag).toBe(etag)
    expect(bench.statements.map((text) => text.split(' ')[0])).toEqual(['select'])
  })

  test('a replace gives what it leaves out its default, or null', async () => {
    const { record, key } = await newPost({ rating: 5, price: '1.00', tags: ['x'], token: 'mine' })
    const replaced = await bench.write('posts', { operation: 'replace', key, values: { id: record.id, title: 'New', slug: 'replaced' } })
    expect(replaced?.record).toMatchObject({
      id: record.id,
      title: 'New',
      rating: 3,
      price: null,
      tags: null,
      token: 'made',
      created_at: record.created_at,
    })
  })

  test('a replace without a required field names it', async () => {
    const { key } = await newPost()
    const error = await bench.refusal(bench.write('posts', { operation: 'replace', key, values: { title: 'New' } }))
    expect(error.status).toBe(400)
    expect(error.details).toEqual([{ field: 'slug', code: 'WRITE_REQUIRED', message: '"slug" is required.' }])
  })

  test.each(['replace', 'patch'] as const)('a %s whose body holds another key is refused', async (operation) => {
    const { key } = await newPost()
    const values = { id: 999_999, title: 'New', slug: 'other-key' }
    const error = await bench.refusal(bench.write('posts', { operation, key, values }))
    expect(error.details).toMatchObject([{ field: 'id', code: 'WRITE_KEY_CHANGED' }])
  })

  test('a record that does not exist is undefined for every operation that needs one', async () => {
    const key = ['2000000000']
    expect(await bench.write('posts', { operation: 'patch', key, values: { title: 'x' } })).toBeUndefined()
    expect(await bench.write('posts', { operation: 'patch', key, values: {} })).toBeUndefined()
    expect(await bench.write('posts', { operation: 'patch', key, values: { title: 'x' }, match: '*' })).toBeUndefined()
    expect(await bench.write('posts', { operation: 'replace', key, values: { title: 'x', slug: 'nowhere' } })).toBeUndefined()
    expect(await bench.write('posts', { operation: 'delete', key })).toBeUndefined()
    expect(await bench.write('posts', { operation: 'restore', key })).toBeUndefined()
  })

  test('a key that cannot be one is refused by the name of its field', async () => {
    const error = await bench.refusal(bench.write('posts', { operation: 'patch', key: ['1 or 1=1'], values: { title: 'x' } }))
    expect(error).toMatchObject({ status: 400, field: 'id' })
  })

  test('a delete where there is deleted_at hides the record until it is restored', async () => {
    const { key } = await newPost()
    expect((await bench.write('posts', { operation: 'delete', key }))?.record.deleted_at).not.toBeNull()
    expect(await bench.write('posts', { operation: 'patch', key, values: { title: 'x' } })).toBeUndefined()
    expect(await bench.write('posts', { operation: 'delete', key })).toBeUndefined()
    expect((await bench.write('posts', { operation: 'restore', key }))?.record.deleted_at).toBeNull()
    expect(await bench.write('posts', { operation: 'restore', key })).toBeUndefined()
    expect((await bench.write('posts', { operation: 'patch', key, values: { title: 'back' } }))?.record.title).toBe('back')
  })

  test('a delete where there is no deleted_at removes the row', async () => {
    const author = await bench.write('authors', { operation: 'create', values: { name: 'Ada' } })
    await bench.write('authors', { operation: 'delete', key: author?.key ?? [] })
    expect(await bench.rows(`select from authors where id = ${author?.key[0]}`)).toEqual([])
  })

  test('a record with a key of several parts is written by all of them', async () => {
    await bench.write('lines', { operation: 'create', values: { order_id: 1, line: 1, product: 'tea' } })
    const second = await bench.write('lines', { operation: 'create', values: { order_id: 1, line: 2, product: 'milk', gift: true } })
    expect(second?.key).toEqual(['1', '2'])
    await bench.write('lines', { operation: 'patch', key: ['1', '2'], values: { order_id: 1, quantity: 4 } })
    await bench.write('lines', { operation: 'delete', key: ['1', '1'] })
    expect(await bench.rows('select line, quantity, gift from lines where order_id = 1')).toEqual([{ line: 2, quantity: 4, gift: true }])
  })

  test('a change with the tag of the record as it is goes through, with another it is refused', async () => {
    const { key, etag } = await newPost()
    const changed = await bench.write('posts', { operation: 'patch', key, values: { title: 'seen' }, match: `"other", ${etag}` })
    expect(changed?.record.title).toBe('seen')
    const error = await bench.refusal(bench.write('posts', { operation: 'patch', key, values: { title: 'late' }, match: etag }))
    expect(error).toMatchObject({ status: 412, code: 'WRITE_PRECONDITION_FAILED' })
    expect(error.hint).toContain('Fetch it again')
    expect(await bench.write('posts', { operation: 'patch', key, values: { title: 'any' }, match: '*' })).toBeDefined()
    expect((await bench.refusal(bench.write('posts', { operation: 'delete', key, match: `W/${changed?.etag}` }))).status).toBe(412)
    expect(await bench.rows(`select title, deleted_at from posts where id = ${key[0]}`)).toEqual([{ title: 'any', deleted_at: null }])
  })

  test('of 16 concurrent changes with the same tag exactly one succeeds, in every round', async () => {
    let { key, etag } = await newPost()
    for (let round = 0; round < 25; round++) {
      const writers = Array.from({ length: 16 }, (_, i) =>
        bench.write('posts', { operation: 'patch', key, values: { title: `${round}-${i}` }, match: etag }),
      )
      const results = await Promise.allSettled(writers)
      const won = results.flatMap((result) => (result.status === 'fulfilled' && result.value !== undefined ? [result.value] : []))
      const codes = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : []))
      expect(won).toHaveLength(1)
      expect(codes).toEqual(Array.from({ length: 15 }, () => 'WRITE_PRECONDITION_FAILED'))
      etag = won[0]?.etag ?? ''
    }
  })

  test('without a tag all of 16 concurrent changes succeed, which shows that the tag is what refuses', async () => {
    const { key } = await newPost()
    const writers = Array.from({ length: 16 }, (_, i) => bench.write('posts', { operation: 'patch', key, values: { title: `free-${i}` } }))
    expect((await Promise.allSettled(writers)).filter(({ status }) => status === 'fulfilled')).toHaveLength(16)
  })
})

// Writes over HTTP, on every PostgreSQL of the run: statuses, headers, bulk, conditions, and what bad bodies get.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../core/errors.ts'
import { blog } from '../../test/support/blog.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

describe.each(testDatabases())('writes on $name', ({ url }) => {
  let blogApp: TestApp
  const committed: unknown[] = []

  beforeAll(async () => {
    const hooks = {
      beforeWrite: (values: Record<string, unknown>) => {
        if (values['name'] === 'forbidden') throw new AppError('TAG_FORBIDDEN', 403, 'This tag is not allowed.')
        return typeof values['name'] === 'string' ? { ...values, name: values['name'].toLowerCase() } : values
      },
      afterCommit: (row: Record<string, unknown>) => void committed.push(row['name']),
      serialize: (row: Record<string, unknown>) => ({ ...row, label: `#${String(row['name'])}` }),
    }
    blogApp = await testApp(blog({ tags: { hooks } }), { url })
  })
  afterAll(() => blogApp.close())
  beforeEach(async () => {
    await blogApp.app.db.query('truncate authors, posts, tags, post_tags, comments, ratings restart identity cascade')
    committed.length = 0
  })

  test('a created record comes back with 201, its address, its entity tag and its defaults', async () => {
    const reply = await blogApp.post('/api/posts', {
      title: 'Hello',
      price: '1234567890123456.1234',
      views: '9007199254740993',
      labels: ['a', 'b "c"'],
    })
    expect(reply.status, reply.text).toBe(201)
    expect(reply.headers['location']).toBe('/api/posts/1')
    expect(reply.body.data).toMatchObject({
      id: 1,
      title: 'Hello',
      status: 'draft',
      price: '1234567890123456.1234',
      views: '9007199254740993',
      labels: ['a', 'b "c"'],
    })
    const read = await blogApp.get('/api/posts/1')
    expect(read.body.data).toEqual(reply.body.data)
    expect(read.headers['etag']).toBe(reply.headers['etag'])
  })

  test('PATCH changes what it names and touches updated_at, PUT replaces the whole record', async () => {
    const created = (await blogApp.post('/api/posts', { title: 'One', body: 'text', featured: true })).body.data
    const patched = await blogApp.patch('/api/posts/1', { title: 'Two' })
    expect(patched.body.data).toMatchObject({ title: 'Two', body: 'text', featured: true, created_at: created.created_at })
    expect(patched.body.data.updated_at > created.updated_at).toBe(true)
    const replaced = await blogApp.put('/api/posts/1', { title: 'Three' })
    expect(replaced.body.data).toMatchObject({ id: 1, title: 'Three', body: null, featured: false, created_at: created.created_at })
  })

  test('a deleted record is gone, and deleting it again is a 404', async () => {
    await blogApp.post('/api/posts', { title: 'One' })
    const gone = await blogApp.delete('/api/posts/1')
    expect([gone.status, gone.text]).toEqual([204, ''])
    expect((await blogApp.get('/api/posts/1')).status).toBe(404)
    expect((await blogApp.delete('/api/posts/1')).status).toBe(404)
    expect((await blogApp.patch('/api/posts/1', { title: 'x' })).status).toBe(404)
    expect((await blogApp.put('/api/posts/1', { title: 'x' })).status).toBe(404)
  })

  test('a soft-deleted record can be restored', async () => {
    await blogApp.post('/api/posts', { title: 'One' })
    const { id } = (await blogApp.post('/api/comments', { post_id: 1, text: 'hi' })).body.data
    expect((await blogApp.delete(`/api/comments/${id}`)).status).toBe(204)
    expect((await blogApp.get(`/api/comments/${id}`)).status).toBe(404)
    expect((await blogApp.patch(`/api/comments/${id}`, { text: 'x' })).status).toBe(404)
    const restored = await blogApp.post(`/api/comments/${id}/restore`)
    expect(restored.status, restored.text).toBe(200)
    expect(restored.body.data).toMatchObject({ id, deleted_at: null })
    expect((await blogApp.post(`/api/comments/${id}/restore`)).status).toBe(404)
  })

  test('If-Match lets a change through only for the version the caller has read', async () => {
    const created = await blogApp.post('/api/posts', { title: 'One' })
    const tag = String(created.headers['etag'])
    expect((await blogApp.patch('/api/posts/1', { title: 'Two' }, { 'if-match': tag })).status).toBe(200)
    const stale = await blogApp.patch('/api/posts/1', { title: 'Three' }, { 'if-match': tag })
    expect(stale).toMatchObject({ status: 412, body: { code: 'WRITE_PRECONDITION_FAILED' } })
    expect((await blogApp.delete('/api/posts/1', undefined, { 'if-match': tag })).status).toBe(412)
    expect((await blogApp.get('/api/posts/1')).body.data.title).toBe('Two')
    expect((await blogApp.delete('/api/posts/1', undefined, { 'if-match': '*' })).status).toBe(204)
  })

  test('a list of records is created, changed and deleted as one', async () => {
    const created = await blogApp.post('/api/posts', [{ title: 'A' }, { title: 'B', featured: true }, { title: 'C' }])
    expect(created.status, created.text).toBe(201)
    expect(created.body.data.map((post: { title: string }) => post.title)).toEqual(['A', 'B', 'C'])
    const changed = await blogApp.patch('/api/posts', [
      { id: 3, title: 'c' },
      { id: 1, featured: true },
    ])
    expect(changed.status, changed.text).toBe(200)
    expect(changed.body.data.map((post: { id: number }) => post.id)).toEqual([3, 1])
    expect((await blogApp.delete('/api/posts', [1, 2])).status).toBe(204)
    expect((await blogApp.get('/api/posts')).body.data.map((post: { title: string }) => post.title)).toEqual(['c'])
  })

  test.each([{ id: 1 }, 1])('%j is not a list of keys to delete', async (body) => {
    expect(await blogApp.delete('/api/posts', body)).toMatchObject({ status: 400, body: { code: 'REST_INVALID_BODY' } })
  })

  test.each([null, {}, 'x', 1.5])('a list with the key %j deletes nothing and says which key is none', async (key) => {
    await blogApp.post('/api/posts', { title: 'stays' })
    expect(await blogApp.delete('/api/posts', [1, key])).toMatchObject({ status: 400, body: { details: [{ index: 1, field: 'id' }] } })
    expect((await blogApp.get('/api/posts/1')).status).toBe(200)
  })

  test('a body shorter than it was announced is refused', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': '100' }
    const reply = await blogApp.app.inject({ method: 'POST', url: '/api/posts', headers, payload: '{"title":"x"}' })
    expect([reply.statusCode, reply.json().code]).toEqual([400, 'HTTP_INCOMPLETE_BODY'])
  })

  test('one wrong item of a list leaves everything as it was, and every wrong item is named', async () => {
    await blogApp.post('/api/tags', { name: 'red' })
    const invalid = await blogApp.post('/api/tags', [{ name: 'a' }, { nmae: 'b' }, { name: 5 }])
    expect(invalid.status).toBe(400)
    expect(invalid.body.details.map((detail: { index: number }) => detail.index)).toEqual(expect.arrayContaining([1, 2]))
    const conflict = await blogApp.post('/api/tags', [{ name: 'a' }, { name: 'red' }, { name: 'b' }])
    expect(conflict).toMatchObject({ status: 409, body: { details: [{ index: 1, field: 'name' }] } })
    const missing = await blogApp.delete('/api/tags', [1, 77])
    expect(missing).toMatchObject({ status: 404, body: { details: [{ index: 1 }] } })
    expect((await blogApp.get('/api/tags?count=exact')).body.meta.total).toBe(1)
  })

  test('a record with a key of two fields is changed by both', async () => {
    await blogApp.post('/api/posts', { title: 'One' })
    const created = await blogApp.post('/api/ratings', { post_id: 1, critic: 'a/b c', stars: 3 })
    expect(created.headers['location']).toBe('/api/ratings/1/a%2Fb%20c')
    expect((await blogApp.patch('/api/ratings/1/a%2Fb%20c', { stars: 4 })).body.data).toMatchObject({ critic: 'a/b c', stars: 4 })
    expect((await blogApp.delete('/api/ratings', [{ post_id: 1, critic: 'a/b c' }])).status).toBe(204)
  })

  test('hooks change what is written, refuse, run after the commit, and shape what is answered', async () => {
    const created = await blogApp.post('/api/tags', { name: 'RED' })
    expect(created.body.data).toEqual({ id: 1, name: 'red', label: '#red' })
    expect(committed).toEqual(['red'])
    expect(await blogApp.post('/api/tags', { name: 'forbidden' })).toMatchObject({
      status: 403,
      body: { code: 'TAG_FORBIDDEN', error: 'This tag is not allowed.' },
    })
    expect((await blogApp.get('/api/tags')).body.data).toEqual([{ id: 1, name: 'red', label: '#red' }])
    await blogApp.app.db.query(`insert into posts (title) values ('p'); insert into post_tags values (1, 1)`)
    expect((await blogApp.get('/api/posts/1?include=tags&fields=id')).body.data).toEqual({
      id: 1,
      tags: [{ id: 1, name: 'red', label: '#red' }],
    })
  })

  test.each<[string, unknown, number, string, string | undefined]>([
    ['an unknown property', { titel: 'x' }, 400, 'titel', 'Perhaps you meant "title".'],
    ['a missing one', {}, 400, 'title', undefined],
    ['a read-only one', { title: 'x', created_at: '2026-01-01T00:00:00Z' }, 400, 'created_at', undefined],
    ['the key', { title: 'x', id: 5 }, 400, 'id', undefined],
    ['null where it cannot be', { title: null }, 400, 'title', undefined],
    ['a number for text', { title: 5 }, 400, 'title', undefined],
    ['text that is too long', { title: 'x'.repeat(201) }, 400, 'title', undefined],
    ['NUL in text', { title: 'a\u0000b' }, 400, 'title', undefined],
    ['half a surrogate pair', { title: '\ud800' }, 400, 'title', undefined],
    ['a number beyond the column', { title: 'x', author_id: 2147483648 }, 400, 'author_id', undefined],
    ['a fraction for an integer', { title: 'x', author_id: 1.5 }, 400, 'author_id', undefined],
    ['a word outside of the enum', { title: 'x', status: 'lost' }, 400, 'status', undefined],
    ['digits that do not fit', { title: 'x', price: '99999999999999999.0' }, 400, 'price', undefined],
    ['a day that does not exist', { title: 'x', published_at: '2026-02-30T00:00:00Z' }, 400, 'published_at', undefined],
    ['a text for a list', { title: 'x', labels: 'a' }, 400, 'labels', undefined],
    ['text for a truth', { title: 'x', featured: 'true' }, 400, 'featured', undefined],
    ['a record that is not there', { title: 'x', author_id: 99 }, 409, 'author_id', undefined],
  ])('%s is refused by name, and nothing is written', async (_what, body, status, field, hint) => {
    const reply = await blogApp.post('/api/posts', body)
    expect(reply.status, reply.text).toBe(status)
    const detail = reply.body.details.find((found: { field: string }) => found.field === field)
    expect(detail, reply.text).toBeDefined()
    if (hint !== undefined) expect(detail.hint).toBe(hint)
    expect((await blogApp.get('/api/posts?count=exact')).body.meta.total).toBe(0)
  })

  test('a unique value that is taken is a conflict that names its field', async () => {
    await blogApp.post('/api/authors', { name: 'A', email: 'a@example.org' })
    expect(await blogApp.post('/api/authors', { name: 'B', email: 'a@example.org' })).toMatchObject({
      status: 409,
      body: { code: 'WRITE_CONFLICT', details: [{ field: 'email' }] },
    })
  })

  test('a record that others refer to cannot be deleted', async () => {
    await blogApp.post('/api/authors', { name: 'A' })
    await blogApp.post('/api/posts', { title: 'x', author_id: 1 })
    expect(await blogApp.delete('/api/authors/1')).toMatchObject({ status: 409, body: { code: 'WRITE_STILL_REFERENCED' } })
  })

  test('a query parameter on a write is refused rather than ignored', async () => {
    expect(await blogApp.post('/api/posts?fields=id', { title: 'x' })).toMatchObject({
      status: 400,
      body: { code: 'REST_UNKNOWN_PARAMETER' },
    })
  })

  test.each([
    [
      'bare',
      { message: 'There is no such record in "posts".', status: 404, code: 'RESOURCE_NOT_FOUND', details: [] },
      'application/json; charset=utf-8',
    ],
    [
      'envelope',
      { success: false, data: null, error: 'There is no such record in "posts".', code: 'RESOURCE_NOT_FOUND', details: [] },
      'application/json; charset=utf-8',
    ],
    [
      'problem',
      {
        type: 'urn:plinth:error:RESOURCE_NOT_FOUND',
        title: 'Not Found',
        status: 404,
        detail: 'There is no such record in "posts".',
        instance: expect.stringMatching(/^urn:request:/),
        code: 'RESOURCE_NOT_FOUND',
        errors: [],
      },
      'application/problem+json; charset=utf-8',
    ],
  ] as const)('the format %s frames errors its way', async (replies, body, type) => {
    const other = await testApp(blog({}, { replies }), { url })
    try {
      const reply = await other.get('/api/posts/404')
      expect([reply.status, reply.body, reply.headers['content-type']]).toEqual([404, body, type])
    } finally {
      await other.close()
    }
  })

  test('bare replies are the records themselves, with the page in headers', async () => {
    const bare = await testApp(blog({}, { replies: 'bare', prefix: '' }), { url })
    try {
      expect((await bare.post('/tags', { name: 'red' })).body).toEqual({ id: 1, name: 'red' })
      const list = await bare.get('/tags?count=exact')
      expect([list.body, list.headers['x-total-count']]).toEqual([[{ id: 1, name: 'red' }], '1'])
      expect(JSON.parse(String(list.headers['x-pagination']))).toEqual({ page: { size: 25, count: 1, has_more: false }, total: 1 })
    } finally {
      await bare.close()
    }
  })
})

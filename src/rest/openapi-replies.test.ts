// What the server really answers, held against what the document says it answers, in all three reply formats.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { type CompiledDocument, compileDocument } from '../../test/support/openapi.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { TestReply } from '../testing/request.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'
import type { ReplyFormatName } from './reply-format.ts'

describe.each<ReplyFormatName>(['envelope', 'bare', 'problem'])('the document and the answers with %s replies', (format) => {
  let running: TestApp
  let document: CompiledDocument

  beforeAll(async () => {
    running = await testApp(blog({ comments: { count: 'exact' } }, { replies: format }), { url: testDatabase().url })
    document = compileDocument((await running.get('/openapi.json')).body as object)
  })
  afterAll(() => running.close())

  /** What a reply has that the document does not say of it. */
  function untold(method: string, path: string, { status, headers, body, text }: TestReply): string[] {
    const pointer = document.replySchema(method, path, status)
    if (pointer === undefined) return text === '' ? [] : [`${status} has a body`]
    const type = String(headers['content-type']).replace(/;.*/, '')
    const problems = pointer.includes(type.replaceAll('/', '~1')) ? [] : [`${status} is ${type}`]
    const pagination = headers['x-pagination']
    const place = pagination === undefined ? [] : document.fits('#/components/schemas/PageMeta', JSON.parse(String(pagination)))
    return [...problems, ...document.fits(pointer, body), ...place]
  }

  test('agree on writes', async () => {
    const author = { name: 'Ada', email: 'ada@example.org' }
    const post = { author_id: 1, title: 'First', price: '12.5', views: '9007199254740993', labels: ['a', 'b'], extra: { deep: [null] } }
    const replies: readonly [string, string, number, TestReply][] = [
      ['POST', '/api/authors', 201, await running.post('/api/authors', author)],
      ['POST', '/api/posts', 201, await running.post('/api/posts', post)],
      ['POST', '/api/posts', 201, await running.post('/api/posts', [post, { title: 'Bare' }])],
      ['PUT', '/api/posts/{id}', 200, await running.put('/api/posts/1', { id: 1, ...post, title: 'Replaced' })],
      ['PATCH', '/api/posts/{id}', 200, await running.patch('/api/posts/1', { featured: true })],
      ['PATCH', '/api/posts', 200, await running.patch('/api/posts', [{ id: 1, title: 'Changed' }])],
      ['POST', '/api/ratings', 201, await running.post('/api/ratings', { post_id: 1, critic: 'Bob', stars: 3 })],
      ['DELETE', '/api/posts', 204, await running.delete('/api/posts', [3])],
      ['POST', '/api/posts', 400, await running.post('/api/posts', { titel: 'x', price: 'much' })],
      ['POST', '/api/posts', 400, await running.post('/api/posts', [post, { title: 7 }])],
      ['POST', '/api/authors', 409, await running.post('/api/authors', author)],
      ['POST', '/api/ratings', 409, await running.post('/api/ratings', [{ post_id: 99, critic: 'Cyd', stars: 1 }])],
      ['PATCH', '/api/posts', 404, await running.patch('/api/posts', [{ id: 99, title: 'x' }])],
      ['PATCH', '/api/posts/{id}', 404, await running.patch('/api/posts/99', { title: 'x' })],
      ['PATCH', '/api/posts/{id}', 412, await running.patch('/api/posts/1', { title: 'x' }, { 'if-match': '"old"' })],
      ['POST', '/api/posts', 413, await running.post('/api/posts', { title: 'x'.repeat(3_000_000) })],
      ['POST', '/api/posts', 415, await running.post('/api/posts', post, { 'content-type': 'text/plain' })],
    ]
    for (const [method, path, status, reply] of replies) {
      expect([method, path, reply.status], reply.text.slice(0, 300)).toEqual([method, path, status])
      expect(untold(method, path, reply), `${method} ${path} ${status}: ${reply.text.slice(0, 300)}`).toEqual([])
    }
  })

  test('agree on reads', async () => {
    await running.post('/api/comments', [
      { post_id: 1, text: 'One' },
      { post_id: 1, author_id: 1, text: 'Two' },
      { post_id: 2, text: 'Three' },
    ])
    const replies: readonly [string, number, TestReply][] = [
      ['/api/posts', 200, await running.get('/api/posts?include=author,comments.author,ratings&sort=-id')],
      ['/api/posts', 200, await running.get('/api/posts?page[size]=1&page[number]=2&count=exact')],
      ['/api/posts', 200, await running.get('/api/posts?page[size]=1&search=changed')],
      ['/api/comments', 200, await running.get('/api/comments?page[size]=1&include=post,author')],
      ['/api/posts/{id}', 200, await running.get('/api/posts/1?include=author,comments')],
      ['/api/ratings/{post_id}/{critic}', 200, await running.get('/api/ratings/1/Bob?include=post')],
      ['/api/posts', 400, await running.get('/api/posts?filter[titel]=x')],
      ['/api/posts/{id}', 400, await running.get('/api/posts/one')],
      ['/api/posts/{id}', 404, await running.get('/api/posts/99')],
      ['/api/posts', 414, await running.get(`/api/posts?search=${'x'.repeat(20_000)}`)],
      ['/health', 200, await running.get('/health')],
      ['/health/ready', 200, await running.get('/health/ready')],
      ['/health/details', 200, await running.get('/health/details')],
      ['/openapi.json', 200, await running.get('/openapi.json')],
    ]
    for (const [path, status, reply] of replies) {
      expect([path, reply.status], reply.text.slice(0, 300)).toEqual([path, status])
      expect(untold('GET', path, reply), `${path} ${status}: ${reply.text.slice(0, 300)}`).toEqual([])
    }
  })

  test('agree on what is gone, and what has not changed', async () => {
    const listed = await running.get('/api/comments')
    const records = (format === 'envelope' ? listed.body.data : listed.body) as readonly { readonly id: string }[]
    const path = `/api/comments/${records[0]?.id}`
    expect(untold('DELETE', '/api/comments/{id}', await running.delete(path))).toEqual([])
    const restored = await running.post(`${path}/restore`)
    expect(restored.status).toBe(200)
    expect(untold('POST', '/api/comments/{id}/restore', restored)).toEqual([])
    const same = await running.get(path, { 'if-none-match': String((await running.get(path)).headers.etag) })
    expect(same.status).toBe(304)
    expect(untold('GET', '/api/comments/{id}', same)).toEqual([])
  })
})

// What others may keep of our replies, and conditions on versions of them: RFC 9110 (13 and 15.4.5) and RFC 9111.

import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { anyone, defineApp, defineResource, where } from 'plinth'
import { integer, pgTable, serial, softDelete, text } from 'plinth/db'
import { testDatabase, testDatabases } from '../../test/support/postgres.ts'
import { readRegistry } from '../app/create.ts'
import { blog } from '../../test/support/blog.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'
import type { CacheControl } from '../resource/define.ts'
import { cacheControlText } from './read-caching.ts'

const access = { read: anyone, write: anyone }
const authors = pgTable('authors', { id: serial().primaryKey(), name: text().notNull().unique() })
const books = pgTable('books', { isbn: text().primaryKey(), title: text(), author_id: integer().references(() => authors.id) })
const diaries = pgTable('diaries', { id: serial().primaryKey(), line: text() })
const entries = pgTable('entries', { id: serial().primaryKey(), diary_id: integer().references(() => diaries.id) })
/** Everybody, as it happens; who asks has to be looked at to know. */
const members = where(() => true)
const shelves = pgTable('shelves', { id: serial().primaryKey(), room: text(), ...softDelete })

const definition = defineApp({
  name: 'library',
  resources: [
    defineResource(authors, { access, requireMatch: true }),
    defineResource(books, { access, cacheControl: { public: true, maxAge: '1m', staleWhileRevalidate: '5m' } }),
    defineResource(shelves, { access, requireMatch: true }),
    defineResource(diaries, { access: { read: members, write: anyone } }),
    defineResource(entries, { access, cacheControl: { maxAge: '1m' } }),
  ],
})

describe.each(testDatabases())('replies that are kept on $name', ({ url }) => {
  let api: TestApp
  let tag: string

  beforeAll(async () => {
    api = await testApp(definition, { url, environment: { CORS_ORIGINS: 'https://app.example' } })
  })
  afterAll(() => api.close())
  beforeEach(async () => {
    await api.app.db.query('truncate authors, books, diaries, entries, shelves restart identity cascade')
    await api.post('/api/authors', { name: 'Ada' })
    await api.post('/api/diaries', { line: 'dear diary' })
    tag = String((await api.post('/api/books', { isbn: '1', title: 'One' })).headers['etag'])
  })

  const headersOf = async (path: string, headers: Record<string, string> = {}) => (await api.get(path, headers)).headers

  test.each(['/api/books', '/api/books/1', '/api/books/1?fields=title'])(
    '%s says how long it may be kept, as its resource does',
    async (path) => {
      const found = await headersOf(path)
      expect(found).toMatchObject({ 'cache-control': 'public, max-age=60, stale-while-revalidate=300', vary: 'Origin' })
      expect(found['etag']).toMatch(/^"[\w-]+"$/)
    },
  )

  test('without a word in the resource a copy is for the caller alone, and asked about each time', async () => {
    expect(await headersOf('/api/authors/1')).toMatchObject({ 'cache-control': 'private, no-cache', vary: 'Origin' })
  })

  test('where the caller decides who reads, Vary names what says who the caller is', async () => {
    expect(await headersOf('/api/diaries')).toMatchObject({ 'cache-control': 'private, no-cache', vary: 'Origin, Authorization, Cookie' })
    const again = await api.get('/api/diaries/1', { 'if-none-match': String((await headersOf('/api/diaries/1'))['etag']) })
    expect([again.status, again.headers['vary']]).toEqual([304, 'Origin, Authorization, Cookie'])
  })

  test('also where he decides only what of a reply is included', async () => {
    for (const path of ['/api/entries', '/api/entries?include=diary'])
      expect(await headersOf(path)).toMatchObject({ 'cache-control': 'private, max-age=60', vary: 'Origin, Authorization, Cookie' })
  })

  test('refusals and writes are not kept', async () => {
    const replies = [
      await api.get('/api/books/2'),
      await api.get('/api/books?fields=nothing'),
      await api.post('/api/books', { isbn: '2' }),
      await api.patch('/api/books/2', { title: 'Two' }),
      await api.patch('/api/books/2', { title: 'Two' }, { 'if-match': '"old"' }),
      await api.delete('/api/books/2'),
    ]
    expect(replies.map(({ status, headers }) => [status, headers['cache-control']])).toEqual(
      [404, 400, 201, 200, 412, 204].map((status) => [status, 'no-store']),
    )
  })

  test('HEAD has the headers of GET, the length too, and no body', async () => {
    const got = await api.get('/api/books/1')
    const asked = await api.request({ method: 'HEAD', path: '/api/books/1' })
    const { date: _date, 'x-request-id': _id, ...headers } = got.headers
    expect(asked).toMatchObject({ status: 200, text: '', headers })
    expect(asked.headers['content-length']).toBe(String(Buffer.byteLength(got.text)))
    expect((await api.request({ method: 'HEAD', path: '/api/books/1', headers: { 'if-none-match': tag } })).status).toBe(304)
  })

  test('304 carries what the copy is updated with, and nothing that describes a body', async () => {
    const got = await api.get('/api/books/1')
    const { status, text: body, headers } = await api.get('/api/books/1', { 'if-none-match': tag })
    expect([status, body]).toEqual([304, ''])
    for (const name of ['etag', 'cache-control', 'vary']) expect([name, headers[name]]).toEqual([name, got.headers[name]])
    expect([headers['content-type'], headers['content-length']]).toEqual([undefined, undefined])
  })

  test.each<[string, (tag: string) => string, number]>([
    ['the tag', (own) => own, 304],
    ['the tag, made weak by a proxy', (own) => `W/${own}`, 304],
    ['a list with it', (own) => `"other", W/"a,b" ,${own}`, 304],
    ['any', () => ' * ', 304],
    ['other tags', () => '"other", W/"x"', 200],
    ['the tag as a part of another', (own) => `"x${own.slice(1)}`, 200],
    ['the tag without its quotes', (own) => own.slice(1, -1), 200],
    ['nothing', () => '', 200],
  ])('If-None-Match with %s', async (_what, header, status) => {
    expect((await api.get('/api/books/1', { 'if-none-match': header(tag) })).status).toBe(status)
  })

  test.each<[string, (tag: string) => string, number]>([
    ['the tag', (own) => own, 200],
    ['a list with it', (own) => `"other",${own}, "more"`, 200],
    ['any', () => '*', 200],
    ['the tag made weak, which is no promise', (own) => `W/${own}`, 412],
    ['another tag that has commas', () => '"a,b", "c"', 412],
    ['nothing', () => '', 412],
  ])('a change with If-Match and %s', async (_what, header, status) => {
    expect((await api.patch('/api/books/1', { title: 'Two' }, { 'if-match': header(tag) })).status).toBe(status)
  })

  test.each<[string, (tag: string) => string, number]>([
    ['any', () => '*', 412],
    ['the tag', (own) => `"x", W/${own}`, 412],
    ['another tag', () => '"x"', 200],
  ])('a change with If-None-Match and %s', async (_what, header, status) => {
    const headers = { 'if-none-match': header(tag) }
    expect((await api.put('/api/books/1', { title: 'Two' }, headers)).status).toBe(status)
    if (status === 200) return
    expect(await api.patch('/api/books/1', { title: 'Two' }, headers)).toMatchObject({
      status,
      body: { code: 'WRITE_PRECONDITION_FAILED' },
    })
    expect((await api.delete('/api/books/1', undefined, headers)).status).toBe(status)
    expect((await api.get('/api/books/1')).body.data.title).toBe('One')
  })

  test('a create with If-None-Match: * says that the record is there, not that a value is taken', async () => {
    const onlyNew = { 'if-none-match': '*' }
    expect(await api.post('/api/books', { isbn: '1' }, onlyNew)).toMatchObject({ status: 412, body: { code: 'WRITE_PRECONDITION_FAILED' } })
    expect(await api.post('/api/books', { isbn: '1' })).toMatchObject({ status: 409, body: { code: 'WRITE_CONFLICT' } })
    expect(await api.post('/api/authors', { name: 'Ada' }, onlyNew)).toMatchObject({ status: 409, body: { code: 'WRITE_CONFLICT' } })
    expect((await api.post('/api/books', { isbn: '2' }, onlyNew)).status).toBe(201)
  })

  test('a change of several records does not take the tag of one', async () => {
    const stale = { 'if-match': tag }
    expect(await api.patch('/api/books', [{ isbn: '1', title: 'Two' }], stale)).toMatchObject({
      status: 412,
      body: { code: 'WRITE_PRECONDITION_FAILED', hint: 'Change the records one by one.' },
    })
    expect((await api.delete('/api/books', ['1'], stale)).status).toBe(412)
    expect((await api.patch('/api/books', [{ isbn: '1', title: 'Two' }], { 'if-match': '*' })).status).toBe(200)
  })

  test('a restore is a change like any other: it takes the tag of the deleted record, and needs one where the resource demands it', async () => {
    const restore = (headers: Record<string, string> = {}) => api.post('/api/shelves/1/restore', undefined, headers)
    const before = String((await api.post('/api/shelves', { room: 'hall' })).headers['etag'])
    const { headers } = await api.delete('/api/shelves/1', undefined, { 'if-match': before })
    const deleted = String(headers['etag'])
    expect(deleted).toMatch(/^"[\w-]+"$/)
    expect(await restore()).toMatchObject({ status: 428, body: { code: 'WRITE_PRECONDITION_REQUIRED' } })
    expect(await restore({ 'if-match': before })).toMatchObject({ status: 412, body: { code: 'WRITE_PRECONDITION_FAILED' } })
    expect((await api.get('/api/shelves/1')).status).toBe(404)
    expect(await restore({ 'if-match': deleted })).toMatchObject({ status: 200, body: { data: { room: 'hall' } } })
    await api.delete('/api/shelves/1', undefined, { 'if-match': '*' })
    expect((await restore({ 'if-match': '*' })).status).toBe(200)
    expect((await restore({ 'if-match': '*' })).status).toBe(404)
  })

  test('a resource that demands If-Match refuses changes without it, and changes in bulk', async () => {
    const required = { status: 428, body: { code: 'WRITE_PRECONDITION_REQUIRED' } }
    expect(await api.patch('/api/authors/1', { name: 'Eve' })).toMatchObject(required)
    expect(await api.put('/api/authors/1', { name: 'Eve' })).toMatchObject(required)
    expect(await api.delete('/api/authors/1')).toMatchObject(required)
    expect([(await api.patch('/api/authors', [{ id: 1, name: 'Eve' }])).status, (await api.delete('/api/authors', [1])).status]).toEqual([
      405, 405,
    ])
    const own = String((await headersOf('/api/authors/1'))['etag'])
    expect((await api.patch('/api/authors/1', { name: 'Eve' }, { 'if-match': own })).status).toBe(200)
    expect((await api.delete('/api/authors/1', undefined, { 'if-match': '*' })).status).toBe(204)
    const { paths } = (await api.get('/openapi.json')).body
    expect(Object.keys(paths['/api/authors'])).toEqual(['get', 'post'])
    expect(paths['/api/authors/{id}'].patch.parameters).toContainEqual({ $ref: '#/components/parameters/RequiredIfMatch' })
    expect(Object.keys(paths['/api/books'])).toEqual(['get', 'post', 'patch', 'delete'])
  })
})

test.each<[CacheControl | undefined, string]>([
  [undefined, 'private, no-cache'],
  [{ public: true }, 'public, no-cache'],
  [{ maxAge: '90s' }, 'private, max-age=90'],
  [{ maxAge: '0', public: false }, 'private, max-age=0'],
  [{ maxAge: '1h', staleWhileRevalidate: '1d', public: true }, 'public, max-age=3600, stale-while-revalidate=86400'],
])('%j is Cache-Control: %s', (options, header) => {
  expect(cacheControlText(options)).toBe(header)
})

test.each<[string, object, string]>([
  ['a time that is none', { maxAge: 'soon' }, 'cacheControl.maxAge is a time in whole seconds'],
  ['less than a second', { maxAge: '1500ms' }, 'cacheControl.maxAge is a time in whole seconds'],
  ['more than a year', { maxAge: '1m', staleWhileRevalidate: '366d' }, 'cacheControl.staleWhileRevalidate is a time'],
  ['staleness without an age', { staleWhileRevalidate: '1m' }, 'cacheControl.staleWhileRevalidate needs maxAge.'],
])('%s is refused at start', (_what, cacheControl, message) => {
  const mistaken = defineApp({ name: 'x', resources: [defineResource(books, { access, cacheControl })] })
  expect(() => readRegistry(mistaken)).toThrow(message)
})

test('what only some may read is not for caches that people share, also not as a part of something else', () => {
  const shared = { access: { read: members }, cacheControl: { public: true } }
  expect(() => readRegistry(defineApp({ name: 'x', resources: [defineResource(books, shared)] }))).toThrow(
    'resource "books": cacheControl.public needs reads that are open to anyone.',
  )
  const open = defineResource(books, { access, cacheControl: { public: true } })
  const closed = defineResource(authors, { access: { read: members } })
  expect(() => readRegistry(defineApp({ name: 'x', resources: [open, closed] }))).toThrow(
    'cacheControl.public: its replies can include "authors", which not anyone may read.',
  )
})

test('the answer to ?explain, which is for developers, is not kept', async () => {
  const app = await testApp(blog(), { url: testDatabase().url, environment: { APP_ENV: 'development' } })
  onTestFinished(() => app.close())
  expect((await app.get('/api/tags?explain')).headers['cache-control']).toBe('no-store')
})

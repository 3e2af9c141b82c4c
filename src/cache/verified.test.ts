// The verified mode over HTTP, on every PostgreSQL of the run: what was written before a read began is in its answer, in every process.

import { describe, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { type CachedApp, cachedApps, watchReads } from '../../test/support/cached-app.ts'
import { testDatabases } from '../../test/support/postgres.ts'

const cache = '5m'
const cached = blog({ posts: { cache }, authors: { cache }, comments: { cache }, tags: { cache }, ratings: { cache } })

const sql = `insert into authors (name) values ('Ada'), ('Bob');
  insert into posts (author_id, title) select i % 2 + 1, 'Post ' || i from generate_series(1, 10) i;
  insert into tags (name) values ('red'), ('green');
  insert into post_tags values (1, 1), (2, 2);
  insert into comments (post_id, author_id, text) values (1, 1, 'first'), (2, 2, 'second');
  insert into ratings (post_id, critic, stars) values (1, 'A', 1)`

describe.each(testDatabases())('on $name', ({ url: serverUrl }) => {
  const start = () => cachedApps(cached, { serverUrl, sql }) as Promise<[CachedApp, CachedApp]>

  test('a read is answered from the database once, then from the cache, with the same bytes and headers', async () => {
    const [app] = await start()
    for (const path of ['/api/posts?page[size]=3&count=exact&include=author,tags', '/api/posts/1?include=comments', '/api/posts/1']) {
      const first = await app.get(path)
      const second = await app.get(path)
      expect([first.headers['x-cache'], second.headers['x-cache']], path).toEqual(['miss', 'hit'])
      const { 'x-cache': _, 'x-request-id': __, date: ___, ...headers } = second.headers
      expect(second.text).toBe(first.text)
      expect(first.headers).toMatchObject(headers)
    }
  })

  test('a hit costs one statement, and a 304 no more than that', async () => {
    const [app] = await start()
    const path = '/api/posts?include=author,comments'
    const { headers } = await app.get(path)
    const read = watchReads(app.db)
    expect((await app.get(path, { 'if-none-match': String(headers.etag) })).status).toBe(304)
    expect(await app.status(path)).toBe('hit')
    const texts = read()
    expect(texts).toHaveLength(2)
    for (const text of texts) expect(text).toContain('plinth.identity()')
  })

  const writes: readonly (readonly [string, string, (app: CachedApp) => Promise<unknown>])[] = [
    ['a row', '/api/posts/1', (app) => app.patch('/api/posts/1', { title: 'changed' })],
    ['a list', '/api/posts', (app) => app.post('/api/posts', { title: 'new' })],
    ['a page', '/api/posts?page[number]=2&page[size]=5', (app) => app.delete('/api/posts/1')],
    ['a count', '/api/posts?count=exact&page[size]=1', (app) => app.post('/api/posts', { title: 'new' })],
    [
      'a count past the end',
      '/api/posts?count=exact&page[number]=9&filter[id][gt]=100',
      (app) => app.db.query("insert into posts (id, title) values (101, 'x')"),
    ],
    ['a search', '/api/posts?search=changed', (app) => app.patch('/api/posts/2', { title: 'changed' })],
    ['a filter through a relation', '/api/posts?filter[author.name]=Cyd', (app) => app.patch('/api/authors/1', { name: 'Cyd' })],
    ['a filter through an association', '/api/posts?filter[tags.name]=green', (app) => app.db.query('insert into post_tags values (3, 2)')],
    ['an order through a relation', '/api/posts?sort=author.name', (app) => app.patch('/api/authors/1', { name: 'Zoe' })],
    ['an included parent', '/api/posts/1?include=author', (app) => app.patch('/api/authors/2', { name: 'Cyd' })],
    ['an included child', '/api/posts/1?include=comments', (app) => app.db.query("update comments set text = 'changed' where post_id = 1")],
    ['a child that moves here', '/api/posts/1?include=comments', (app) => app.db.query('update comments set post_id = 1')],
    ['a child that moves away', '/api/posts/1?include=comments', (app) => app.db.query('update comments set post_id = 2')],
    ['an association row', '/api/posts/1?include=tags', (app) => app.db.query('insert into post_tags values (1, 2)')],
    ['a record two includes away', '/api/authors?include=posts.tags', (app) => app.db.query("update tags set name = 'blue' where id = 1")],
    [
      'a soft delete',
      '/api/comments?filter[text]=first',
      (app) => app.db.query("update comments set deleted_at = now() where text = 'first'"),
    ],
    [
      'a soft delete among includes',
      '/api/posts/1?include=comments',
      (app) => app.db.query("update comments set deleted_at = now() where text = 'first'"),
    ],
    [
      'a bulk change',
      '/api/posts?fields=id,title',
      (app) =>
        app.patch('/api/posts', [
          { id: 1, title: 'a' },
          { id: 2, title: 'b' },
        ]),
    ],
    ['a bulk delete', '/api/posts?fields=id', (app) => app.delete('/api/posts', [1, 2])],
    ['a cascade', '/api/ratings', (app) => app.delete('/api/posts/1')],
    ['a truncate', '/api/ratings', (app) => app.db.query('truncate ratings')],
    ['a key of two parts', '/api/ratings/1/A', (app) => app.patch('/api/ratings/1/A', { stars: 5 })],
  ]

  test.each(writes)('%s that is written in one process is read in both', async (_name, path, write) => {
    const apps = await start()
    const before = await Promise.all(apps.map((app) => app.get(path)))
    expect(await Promise.all(apps.map((app) => app.status(path)))).toEqual(['hit', 'hit'])
    await write(apps[0])
    const after = await Promise.all(apps.map((app) => app.get(path)))
    for (const [i, reply] of after.entries()) {
      expect(reply.headers['x-cache']).toBe('miss')
      expect(reply.text).not.toBe(before[i]?.text)
    }
    expect(after[1]?.text).toBe(after[0]?.text)
  })
})

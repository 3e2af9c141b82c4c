// Near copies: given without asking anybody, for a bounded time, and never after a write of this process.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { cachedApp, type CachedApp, cachedApps, watchReads } from '../../test/support/cached-app.ts'
import { holdRead, isVersionQuestion } from '../../test/support/held-reads.ts'
import { redisServer, testRedis, until } from '../../test/support/redis.ts'
import type { CacheFaults } from './faults.ts'

const sql = `insert into authors (name) values ('Ada'); insert into posts (author_id, title) values (1, 'old');
  insert into tags (name) values ('red'); insert into ratings (post_id, critic, stars) values (1, 'A', 1)`

function definition(near: string) {
  const cache = { ttl: '5m', near }
  return blog({ posts: { cache }, authors: { cache }, tags: { cache }, ratings: { cache } })
}

async function start(near = '1m', options: { faults?: CacheFaults; redis?: string } = {}): Promise<[CachedApp, CachedApp]> {
  const { faults = {}, redis } = options
  const environment: Record<string, string> = redis === undefined ? {} : { REDIS_URL: redis }
  return (await cachedApps(definition(near), { sql, environment, internals: [{ faults }, { faults }] })) as [CachedApp, CachedApp]
}

const paths = ['/api/posts?include=author', '/api/posts/1', '/api/posts/1?include=author'] as const

test('a copy is given without a statement, with the same bytes and headers, and a 304 is answered from it', async () => {
  const [app] = await start()
  for (const path of paths) {
    const first = await app.get(path)
    const read = watchReads(app.db)
    const near = await app.get(path)
    const unchanged = await app.get(path, { 'if-none-match': String(first.headers.etag) })
    expect(read()).toEqual([])
    const { 'x-cache': _, 'x-request-id': __, date: ___, ...headers } = near.headers
    expect([near.headers['x-cache'], near.text, unchanged.status]).toEqual(['near', first.text, 304])
    expect(first.headers).toMatchObject(headers)
  }
})

test('the time of a copy begins with the question for its version', async () => {
  const [app, other] = await start('200ms')
  const path = '/api/posts/1'
  await app.get(path)
  expect(await app.status(path)).toBe('near')
  await other.patch('/api/posts/1', { title: 'new' })
  await sleep(220)
  const { body, headers } = await app.get(path)
  expect([body.data.title, headers['x-cache']]).toEqual(['new', 'miss'])
})

const writes: readonly (readonly [string, (app: CachedApp) => Promise<unknown>])[] = [
  ['of a record', (app) => app.patch('/api/posts/1', { title: 'new' })],
  ['in bulk', (app) => app.patch('/api/posts', [{ id: 1, title: 'new' }])],
  ['in a transaction', (app) => app.db.transaction(() => app.app.resource('posts').patch(1, { title: 'new' }))],
  ['in plain SQL', (app) => app.db.query("update posts set title = 'new'")],
  ['in plain SQL in a transaction', (app) => app.db.transaction(() => app.db.query("update posts set title = 'new'"))],
  ['to an included record', (app) => app.patch('/api/authors/1', { name: 'Cyd' })],
]

test.each(writes)('a write %s drops the copies of its process before it is answered', async (_name, write) => {
  const [app] = await start()
  const path = '/api/posts?include=author'
  const before = await app.get(path)
  expect(await app.status(path)).toBe('near')
  await write(app)
  const after = await app.get(path)
  expect(after.headers['x-cache']).toBe('miss')
  expect(after.text).not.toBe(before.text)
})

test('control: a process that is deaf to its own writes gives what was before them', async () => {
  const [app] = await start('1m', { faults: { deafToOwnWrites: true } })
  await app.get('/api/posts/1')
  await app.patch('/api/posts/1', { title: 'new' })
  const { body, headers } = await app.get('/api/posts/1')
  expect([body.data.title, headers['x-cache']]).toEqual(['old', 'near'])
})

test('a write drops what a cascade changes with it, and leaves copies of other tables', async () => {
  const [app] = await start()
  for (const path of ['/api/ratings', '/api/tags']) await app.get(path)
  await app.delete('/api/posts/1')
  expect((await app.get('/api/ratings')).body.data).toEqual([])
  expect(await app.status('/api/tags')).toBe('near')
})

const triggers = [
  ['trigger', 'create trigger t after update on tags for each row execute function retitle()'],
  ['rule', "create rule r as on update to tags do also update posts set title = 'by somebody else'"],
] as const

test.each(triggers)('a write drops what a %s of the database may change with it, here and elsewhere', async (_what, made) => {
  const [first] = await start()
  await first.db.query(`create function retitle() returns trigger language plpgsql as $$
    begin update posts set title = 'by somebody else'; return null; end $$; ${made}`)
  const redis = await redisServer()
  const apps = []
  for (let n = 0; n < 2; n += 1) apps.push(await cachedApp(definition('1m'), first.app.config.database.url ?? '', { REDIS_URL: redis.url }))
  const [app, other] = apps as [CachedApp, CachedApp]
  const title = async ({ get }: CachedApp) => (await get('/api/posts/1')).body.data.title
  expect([await title(app), await title(other)]).toEqual(['old', 'old'])
  // Nothing leads away from this table. What a process does not know yet, right after its start, it takes for dangerous.
  let critic = 0
  await until(async () => {
    await app.get('/api/posts/1')
    expect(await app.post('/api/ratings', { post_id: 1, critic: `${++critic}`, stars: 2 })).toMatchObject({ status: 201 })
    return (await app.status('/api/posts/1')) === 'near'
  })
  await app.patch('/api/tags/1', { name: 'blue' })
  expect(await title(app)).toBe('by somebody else')
  await until(async () => (await title(other)) === 'by somebody else')
})

test('a write that is rolled back, or only reads, drops nothing', async () => {
  const [app] = await start()
  await app.get('/api/posts/1')
  const work = app.db.transaction(async () => {
    await app.db.query("update posts set title = 'never'")
    throw new Error('changed my mind')
  })
  await expect(work).rejects.toThrow()
  await app.db.query('select * from posts')
  expect(await app.status('/api/posts/1')).toBe('near')
})

const isData = (text: string): boolean => !isVersionQuestion(text) && text.includes('from "posts"')

test.each([
  ['its version was asked for', isVersionQuestion],
  // Its rows come with the answer that confirms them, so nothing but the count of writes tells that they are old.
  ['it was read and confirmed', isData],
])('a fill leaves no copy of what was before a write of this process that came when %s', async (_when, wanted) => {
  const [app] = await start()
  const held = holdRead(app.db, wanted)
  const early = app.get('/api/posts/1')
  await held.answered
  await app.patch('/api/posts/1', { title: 'new' })
  held.release()
  await early
  expect((await app.get('/api/posts/1')).body.data.title).toBe('new')
})

test('an older fill does not replace a newer copy', async () => {
  const [app, other] = await start()
  const old = holdRead(app.db, isData)
  const early = app.get('/api/posts')
  await old.answered
  await other.patch('/api/posts/1', { title: 'new' })
  expect((await app.get('/api/posts')).body.data[0].title).toBe('new')
  old.release()
  await early
  const { body, headers } = await app.get('/api/posts')
  expect([body.data[0].title, headers['x-cache']]).toEqual(['new', 'near'])
})

test('without Redis other processes see a write when their copies have had their time', async () => {
  const [app, other] = await start('500ms')
  await app.get('/api/posts/1')
  await other.patch('/api/posts/1', { title: 'new' })
  expect((await app.get('/api/posts/1')).body.data.title).toBe('old')
  await sleep(500)
  expect((await app.get('/api/posts/1')).body.data.title).toBe('new')
})

test('with Redis they are told, and drop what the write may have changed', async () => {
  const redis = await redisServer()
  const [app, other] = await start('1m', { redis: redis.url })
  await until(() => app.app.cache?.stats().redisUsable)
  await app.get('/api/posts/1')
  await app.get('/api/tags')
  await other.patch('/api/posts/1', { title: 'new' })
  await until(async () => (await app.get('/api/posts/1')).body.data.title === 'new')
  expect(await app.status('/api/tags')).toBe('near')
  await other.db.query("update posts set title = 'newer'")
  await until(async () => (await app.get('/api/posts/1')).body.data.title === 'newer')
})

test('control: a process that is deaf to messages keeps its copies', async () => {
  const redis = await redisServer()
  const [app, other] = await start('1m', { redis: redis.url, faults: { deafToMessages: true } })
  await app.get('/api/posts/1')
  await other.patch('/api/posts/1', { title: 'new' })
  await sleep(300)
  expect((await app.get('/api/posts/1')).body.data.title).toBe('old')
})

test('copies are dropped when messages may have been lost', async () => {
  const redis = await redisServer()
  const [app] = await start('1m', { redis: redis.url })
  await expect.poll(() => app.status('/api/posts/1'), { timeout: 10_000 }).toBe('near')
  await redis.stop()
  await until(async () => (await app.status('/api/posts/1')) !== 'near')
})

test('a message that nobody of us has written drops all copies and harms nobody', async () => {
  const server = await redisServer()
  const [app] = await start('1m', { redis: server.url })
  const { redis } = await testRedis(server.url, { name: 'blog' })
  for (const text of ['garbage', '{"from":7}', 'null', '{"from":"x","tables":"all"}', '{"from":"x","tables":[1]}']) {
    await app.get('/api/posts/1')
    await until(async () => {
      await redis.publish('cache:changes', text)
      return (await app.status('/api/posts/1')) !== 'near'
    })
    expect(await app.get('/api/posts/1'), text).toMatchObject({ status: 200, body: { data: { title: 'old' } } })
  }
})

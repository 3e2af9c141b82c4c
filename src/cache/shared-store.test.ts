// Entries in Redis: shared between processes, and believed only when they are ours and of the version that the database has.

import { expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { type CachedApp, cachedApps, watchReads } from '../../test/support/cached-app.ts'
import { isVersionQuestion } from '../../test/support/held-reads.ts'
import { redisServer, testRedis, until } from '../../test/support/redis.ts'
import type { RedisServer } from '../../test/support/redis-server.ts'
import type { CacheFaults } from './faults.ts'

const cache = '5m'
const cached = blog({ posts: { cache }, authors: { cache } })
const sql = `insert into authors (name) values ('Ada'); insert into posts (author_id, title) values (1, 'one'), (1, 'two')`
const path = '/api/posts?include=author'

interface Shared {
  readonly server: RedisServer
  readonly apps: readonly [CachedApp, CachedApp]
  /** Keys of entries, as the store calls them. */
  keys(): Promise<string[]>
}

async function start(faults: CacheFaults = {}, definition = cached, environment: Record<string, string> = {}): Promise<Shared> {
  const server = await redisServer()
  const options = { sql, environment: { REDIS_URL: server.url, ...environment }, internals: [{ faults }, { faults }] }
  const apps = (await cachedApps(definition, options)) as [CachedApp, CachedApp]
  await until(() => apps.every(({ app }) => app.cache?.stats().redisUsable))
  const keys = async (): Promise<string[]> => {
    const text = await server.command('EVAL', 'return{ok=table.concat(redis.call([[KEYS]],ARGV[1]),[[,]])}', '0', 'plinth:blog:v:*')
    return [...text.matchAll(/plinth:blog:([^,]+)/g)].map(([, key = '']) => key)
  }
  return { server, apps, keys }
}

/** Reads once in the first process, and waits until the entry is in Redis. */
async function fill({ apps: [app], keys }: Shared, read = path): Promise<string> {
  const before = await keys()
  const { text } = await app.get(read)
  await until(async () => (await keys()).length > before.length)
  return text
}

test('what one process has read another takes from Redis, with one question to the database', async () => {
  const shared = await start()
  const [, other] = shared.apps
  for (const read of [path, '/api/posts/1', '/api/posts?page[size]=1&count=exact']) {
    const text = await fill(shared, read)
    const texts = watchReads(other.db)
    const reply = await other.get(read)
    expect([reply.text, reply.headers['x-cache']]).toEqual([text, 'hit'])
    expect(texts().filter((text) => !isVersionQuestion(text))).toEqual([])
  }
})

test('after a write the entry of before is of no use to anybody, and is replaced', async () => {
  const shared = await start()
  const [app, other] = shared.apps
  await fill(shared)
  await other.patch('/api/authors/1', { name: 'Cyd' })
  expect((await other.get(path)).body.data[0].author.name).toBe('Cyd')
  expect((await app.get(path)).body.data[0].author.name).toBe('Cyd')
  expect(await shared.keys()).toHaveLength(1)
})

test('a Redis that is emptied, or comes back with what it had before a write, makes nobody read that', async () => {
  const shared = await start()
  const [app, other] = shared.apps
  const { server } = shared
  const old = await fill(shared)
  await server.save('before')
  await app.patch('/api/posts/1', { title: 'new' })
  await server.stop()
  server.restore('before')
  await server.start()
  await until(() => other.app.cache?.stats().redisUsable)
  expect(await shared.keys()).toHaveLength(1)
  const restored = await other.get(path)
  expect([restored.body.data[0].title, restored.headers['x-cache']]).toEqual(['new', 'miss'])
  expect(restored.text).not.toBe(old)
  await server.command('FLUSHALL')
  expect((await app.get(path)).body.data[0].title).toBe('new')
})

/** Puts other bytes in the place of an entry, and reads in a process that has not seen it. */
async function poisoned(shared: Shared, change: (bytes: Buffer, other: Buffer) => Buffer) {
  await fill(shared, '/api/posts/2')
  const [strange = ''] = await shared.keys()
  await fill(shared)
  const key = (await shared.keys()).find((name) => name !== strange) ?? ''
  const { redis } = await testRedis(shared.server.url, { name: 'blog' })
  const [bytes, foreign] = [await redis.get(key), await redis.get(strange)]
  if (bytes === undefined || foreign === undefined) throw new Error('The entries are not there.')
  await redis.set(key, change(bytes, foreign), 60_000)
  return shared.apps[1].get(path)
}

const poisons: readonly (readonly [string, (bytes: Buffer, other: Buffer) => Buffer])[] = [
  ['nothing', () => Buffer.alloc(0)],
  ['garbage', () => Buffer.from('garbage')],
  ['zeros', (bytes) => Buffer.alloc(bytes.length)],
  ['a part of it', (bytes) => bytes.subarray(0, bytes.length - 1)],
  ['its beginning', (bytes) => bytes.subarray(0, 20)],
  ['more than it', (bytes) => Buffer.concat([bytes, Buffer.from(' ')])],
  ['another title', (bytes) => Buffer.from(bytes.toString('latin1').replace('"one"', '"ten"'), 'latin1')],
  ['another length of the head', (bytes) => (bytes.writeUInt32BE(bytes.readUInt32BE(16) + 1, 16), bytes)],
  ['the entry of another read', (_bytes, other) => other],
]

test.each(poisons)('%s in the place of an entry is a miss', async (_name, change) => {
  const shared = await start()
  const reply = await poisoned(shared, change)
  expect([reply.status, reply.headers['x-cache']]).toEqual([200, 'miss'])
  expect(reply.text).toBe((await shared.apps[0].get(path)).text)
  expect(await shared.apps[1].app.inject('/metrics').then(({ body }) => body)).toContain(
    'plinth_cache_broken_entries_total{store="redis"} 1',
  )
})

test('control: who does not look at the seal answers with what somebody else has written', async () => {
  const shared = await start({ ignoreSeal: true })
  const reply = await poisoned(shared, (bytes) => Buffer.from(bytes.toString('latin1').replace('"one"', '"ten"'), 'latin1'))
  expect(reply.text).toContain('"ten"')
})

test('control: an old entry of Redis is given by who does not compare versions', async () => {
  const shared = await start({ ignoreVersion: true })
  const old = await fill(shared)
  await shared.apps[0].patch('/api/posts/1', { title: 'new' })
  expect((await shared.apps[1].get(path)).text).toBe(old)
})

test('applications with another secret, and readers of other fields or formats, share nothing', async () => {
  const shared = await start()
  await fill(shared)
  const stranger = { REDIS_URL: shared.server.url, SECRET_KEY: 'another secret of forty characters, or more' }
  const [app] = (await cachedApps(cached, { sql, environment: stranger, count: 1 })) as [CachedApp]
  expect(await app.status(path)).toBe('miss')
  const [, other] = shared.apps
  for (const read of [
    'fields=id&include=author',
    'fields=id,author_id&include=author',
    'include=author&fields[author]=id',
    'include=author&page[number]=1',
  ])
    expect(await other.status(`/api/posts?${read}`), read).toBe('miss')
})

test('what a serialize hook has made stays in its process', async () => {
  let calls = 0
  const serialize = (row: object): object => ({ ...row, by: `hook ${++calls}` })
  const shared = await start({}, blog({ posts: { cache, hooks: { serialize } }, authors: { cache } }))
  const [app, other] = shared.apps
  const first = await app.get('/api/posts/1')
  expect(first.body.data.by).toBe('hook 1')
  const again = await app.get('/api/posts/1')
  expect([again.text, again.headers['x-cache']]).toEqual([first.text, 'hit'])
  await fill(shared, '/api/authors')
  expect(await shared.keys()).toHaveLength(1)
  expect(await other.status('/api/posts/1')).toBe('miss')
})

test('a Redis that is frozen, killed, or was never there changes no answer', async () => {
  const shared = await start()
  const [app, other] = shared.apps
  const text = await fill(shared)
  shared.server.signal('SIGSTOP')
  expect((await other.get(path)).text).toBe(text)
  shared.server.signal('SIGCONT')
  await shared.server.stop()
  await app.patch('/api/posts/1', { title: 'new' })
  for (const one of shared.apps) expect((await one.get(path)).body.data[0].title).toBe('new')
  for (const one of shared.apps) expect(await one.status(path)).toBe('hit')
})

test('an entry is not given for longer than its time', async () => {
  const shared = await start({}, blog({ posts: { cache: '1s' }, authors: {} }))
  const [app, other] = shared.apps
  await fill(shared, '/api/posts/1')
  expect(await app.status('/api/posts/1')).toBe('hit')
  const ttl = await shared.server.command('PTTL', `plinth:blog:${(await shared.keys())[0]}`)
  expect(Number(ttl.slice(1))).toBeLessThanOrEqual(1_100)
  await until(async () => (await shared.keys()).length === 0)
  await until(async () => (await app.status('/api/posts/1')) === 'miss')
  expect(['hit', 'miss']).toContain(await other.status('/api/posts/1'))
})

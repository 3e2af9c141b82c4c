// Fenced hits over a socket, where most of them are sent before their request is routed.

import { expect, onTestFinished, test, vi } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { type CachedApp, cachedApps, watchReads } from '../../test/support/cached-app.ts'
import { redisServer, until } from '../../test/support/redis.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import type { CacheInternals } from '../cache/cache.ts'
import { FencedReads } from '../cache/fenced/reads.ts'
import type { KnownAnswers } from '../http/known-answers.ts'

const path = '/api/posts/1'
const cache = { ttl: '5m', mode: 'fenced' } as const

interface Serving extends Omit<CachedApp, 'get'> {
  readonly other: CachedApp
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** Freezes what the serving process hears of Redis. */
  freeze(): void
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly text: string
  /** Sent ahead of the router. */
  readonly wasKnown: boolean
}

/** A process that is asked over a socket, with the post read until Redis has it, and another one that writes. */
async function serving(internals: CacheInternals = {}): Promise<Serving> {
  const redis = await redisServer()
  const proxy = await startTcpProxy(redis.port)
  onTestFinished(() => proxy.close())
  // Longer than a busy machine keeps Redis from answering.
  const environment = { REDIS_URL: `redis://127.0.0.1:${proxy.port}`, REDIS_BUDGET: '1s' }
  const [app, other] = await cachedApps(blog({ posts: { cache } }), { environment, internals: [internals] })
  if (app === undefined || other === undefined) throw new Error('There is no application.')
  await other.post('/api/authors', { name: 'Ada' })
  await other.post('/api/posts', { author_id: 1, title: 'old' })
  for (const { app: one } of [app, other]) await until(() => one.cache?.fenced?.isOn(), 20_000)
  const { url } = await app.app.start()
  const found = vi.spyOn(app.app.fastify.knownAnswers, 'find')
  onTestFinished(() => found.mockRestore())
  const get = async (address: string, headers: Record<string, string> = {}): Promise<Answer> => {
    const reply = await fetch(url + address, { headers })
    const { 'x-request-id': _, date: __, ...rest } = Object.fromEntries(reply.headers)
    const [known] = found.mock.results.slice(-1) as { value: ReturnType<KnownAnswers['find']> }[]
    return { status: reply.status, headers: rest, text: await reply.text(), wasKnown: (await known?.value) !== undefined }
  }
  return { ...app, other, get, freeze: () => proxy.freeze(['from client', 'from server']) }
}

/** The first answer that is sent ahead of the router; until then, and when a busy machine lets the permission end, reads are others. */
async function warm(app: Serving, asked: (answer: Answer) => void = () => undefined): Promise<Answer> {
  let answer: Answer | undefined
  await until(async () => {
    answer = await app.get(path)
    asked(answer)
    return answer.wasKnown
  })
  if (answer === undefined) throw new Error('There is no answer.')
  return answer
}

/** How often Redis was asked for a row, by any process. */
function watchQuestions(): () => number {
  const asked = vi.spyOn(FencedReads.prototype, 'begin')
  onTestFinished(() => asked.mockRestore())
  return () => asked.mock.calls.length
}

test('a hit that was sent once is sent ahead of the router, with the same bytes and headers and without a statement', async () => {
  const app = await serving()
  let usual: Answer | undefined
  await until(async () => (usual = await app.get(path, { 'accept-version': '1' })).headers['x-cache'] === 'hit')
  await warm(app)
  const read = watchReads(app.db)
  const texts: string[] = []
  const known = await warm(app, (answer) => (answer.wasKnown ? texts.push(...read()) : read()))
  expect(known).toEqual({ ...usual, wasKnown: true })
  expect(known.headers['x-cache']).toBe('hit')
  expect(texts).toEqual([])
  expect((await app.get(path, { 'if-none-match': known.headers['etag'] ?? '' })).status).toBe(304)
})

test('each is counted as a hit, once, and is compared with the database when its turn comes', async () => {
  const app = await serving({ sampleOneIn: 1 })
  await warm(app)
  const counts = () => app.app.cache?.stats().reads['posts'] ?? { hit: 0, miss: 0, bypass: 0, sampled: 0 }
  const all = (): number => counts().hit + counts().miss + counts().bypass
  await until(() => counts().sampled > 0)
  const before = { ...counts(), all: all() }
  let asked = 0
  for (const _ of 'abc') await warm(app, () => (asked += 1))
  expect(all()).toBe(before.all + asked)
  await until(() => counts().sampled > before.sampled)
})

test('after a write through another process its answer is given, and Redis is asked once: the read is gone on with', async () => {
  const app = await serving()
  const asked = watchQuestions()
  let writes = 0
  await until(async () => {
    await warm(app)
    await app.other.patch(path, { title: `new ${++writes}` })
    await app.other.app.cache?.fenced?.settled()
    const before = asked()
    const first = await app.get(path)
    expect(first).toMatchObject({ text: expect.stringContaining(`"title":"new ${writes}"`), wasKnown: false })
    return asked() - before === 1 && first.headers['x-cache'] === 'miss'
  })
  expect((await warm(app)).text).toContain(`"title":"new ${writes}"`)
})

test('while its transaction has the row locked, and when that is undone, the old one is given', async () => {
  const app = await serving()
  await warm(app)
  const { db } = app.other
  const write = db.transaction(async () => {
    await app.other.app.resource('posts').patch(1, { title: 'never' })
    db.beforeCommit(
      async () => {
        expect(await app.get(path)).toMatchObject({
          text: expect.stringContaining('old'),
          headers: { 'x-cache': 'bypass' },
          wasKnown: false,
        })
        throw new Error('changed my mind')
      },
      { final: true },
    )
  })
  await expect(write).rejects.toThrow('changed my mind')
  expect((await app.get(path)).text).toContain('old')
})

test('while Redis does not answer a request waits for it once, and is answered by the database', async () => {
  const app = await serving()
  await warm(app)
  app.freeze()
  const asked = watchQuestions()
  const begin = performance.now()
  const answer = await app.get(path)
  expect(answer).toMatchObject({ status: 200, headers: { 'x-cache': 'bypass' }, wasKnown: false })
  expect(performance.now() - begin).toBeGreaterThan(950)
  expect(asked()).toBe(1)
})

test('while the fenced cache is off reads are verified, and when it is on again the answer of now is given', async () => {
  const app = await serving()
  await warm(app)
  await app.other.app.db.execute({ text: `call plinth.open_unfenced('1 hour')` })
  await app.other.db.query(`update posts set title = 'by hand'`)
  expect(await app.get(path)).toMatchObject({ text: expect.stringContaining('by hand'), wasKnown: false })
  await app.other.db.query('select plinth.close_unfenced()')
  await warm(app)
  expect((await app.get(path)).text).toContain('by hand')
})

test('a record that is gone is not found', async () => {
  const app = await serving()
  await warm(app)
  await app.other.delete(path)
  expect((await app.get(path)).status).toBe(404)
})

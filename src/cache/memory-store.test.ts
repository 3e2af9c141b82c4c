import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { cachedApps } from '../../test/support/cached-app.ts'
import { repository } from '../../test/support/cli.ts'
import type { Entry } from './entry.ts'
import { MemoryStore } from './memory-store.ts'

const megabyte = 1_048_576

function answer(bytes: number): Entry {
  return { etag: '"tag"', body: Buffer.alloc(bytes), facts: {} }
}

function set(store: MemoryStore, key: string, bytes: number, askedAt = 0): void {
  store.set(key, { text: 'v', askedAt, stamp: 0 }, answer(bytes), Infinity)
}

test('whatever is kept, replaced, read and dropped, the store never counts more than it may have', () => {
  const step = fc.record({ key: fc.integer({ min: 0, max: 400 }), bytes: fc.integer({ min: 0, max: 20_000 }), reads: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 600 }), (steps) => {
      const store = new MemoryStore(100_000)
      for (const { key, bytes, reads } of steps) {
        if (reads) store.get(String(key))
        else set(store, String(key), bytes)
        expect(store.counts().bytes).toBeLessThanOrEqual(100_000)
      }
      store.clear()
      expect(store.counts()).toMatchObject({ entries: 0, bytes: 0 })
    }),
    { numRuns: 50 },
  )
})

test.each([
  ['small answers', 200, 60_000],
  ['middling answers', 5_000, 8_000],
  ['large answers', 500_000, 100],
])('what it counts is what it takes: %s, far more than there is room for', (_name, bodyBytes, answers) => {
  const script = join(repository, 'test/support/fill-memory-store.ts')
  const words = ['--expose-gc', '--conditions=source', script, String(16 * megabyte), String(bodyBytes), String(answers)]
  const { grownBytes, bytes, evicted } = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as Record<string, number>
  expect(evicted).toBeGreaterThan(0)
  expect(bytes).toBeLessThanOrEqual(16 * megabyte)
  expect(bytes).toBeGreaterThan(14 * megabyte)
  expect(grownBytes).toBeLessThan(19 * megabyte)
})

test('the answer that was not used for longest makes room, and one that is too large is not kept', () => {
  const store = new MemoryStore(100_000)
  for (let i = 0; i < 10; i++) set(store, String(i), 8_000)
  store.get('0')
  for (let i = 10; i < 13; i++) set(store, String(i), 8_000)
  expect(['0', '1', '12'].map((key) => store.get(key) !== undefined)).toEqual([true, false, true])
  set(store, 'large', 20_000)
  expect(store.get('large')).toBeUndefined()
})

test('an answer of before does not replace a newer one', () => {
  const store = new MemoryStore(100_000)
  set(store, 'a', 10, 2)
  set(store, 'a', 20, 1)
  expect(store.get('a')?.entry.body).toHaveLength(10)
})

test('an application keeps no more than CACHE_MEMORY says, however much is read', async () => {
  const sql = `insert into posts (title, body) select 'Post ' || i, repeat(md5(i::text), 300) from generate_series(1, 400) i`
  const [one] = await cachedApps(blog({ posts: { cache: '5m' } }), { sql, environment: { CACHE_MEMORY: '1MB' }, count: 1 })
  if (one === undefined) throw new Error('There is no application.')
  const most: number[] = []
  for (let id = 1; id <= 400; id++) {
    expect(await one.status(`/api/posts/${id}`)).toBe('miss')
    most.push(one.app.cache?.stats().memory.bytes ?? Infinity)
  }
  expect(Math.max(...most)).toBeLessThanOrEqual(megabyte)
  expect(Math.max(...most)).toBeGreaterThan(megabyte * 0.9)
  expect(one.app.cache?.stats().memory).toMatchObject({ mostBytes: megabyte })
  expect(one.app.cache?.stats().memory.evicted).toBeGreaterThan(200)
  expect(await one.status('/api/posts/400')).toBe('hit')
})

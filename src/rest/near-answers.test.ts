// Near copies over a socket, where most of them are sent before their request is routed.

import { expect, onTestFinished, test, vi } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { cachedApps } from '../../test/support/cached-app.ts'
import type { KnownAnswers } from '../http/known-answers.ts'

const sql = `insert into authors (name) values ('Ada'); insert into posts (author_id, title) values (1, 'old')`
const cache = { ttl: '5m', near: '1m' }
const paths = ['/api/posts/1', '/api/posts?page[size]=5&include=author', '/api/posts?page[size]=1'] as const

async function serving(environment: Record<string, string> = {}) {
  const [app, other] = await cachedApps(blog({ posts: { cache }, authors: { cache } }), { sql, environment })
  if (app === undefined || other === undefined) throw new Error('There is no application.')
  const { url } = await app.app.start()
  const found = vi.spyOn(app.app.fastify.knownAnswers, 'find')
  onTestFinished(() => found.mockRestore())
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const reply = await fetch(url + path, { headers })
    const { 'x-request-id': _, date: __, ...rest } = Object.fromEntries(reply.headers)
    const [known] = found.mock.results.slice(-1) as { value: ReturnType<KnownAnswers['find']> }[]
    return { status: reply.status, headers: rest, text: await reply.text(), wasKnown: known?.value !== undefined }
  }
  return { ...app, other, url, get }
}

test.each(paths)('%s: from the third time on it is answered ahead of the router, with the same bytes and headers', async (path) => {
  const app = await serving()
  const [first, second, third] = [await app.get(path), await app.get(path), await app.get(path)]
  expect([first, second, third].map(({ headers, wasKnown }) => [headers['x-cache'], wasKnown])).toEqual([
    ['miss', false],
    ['near', false],
    ['near', true],
  ])
  expect(third).toEqual({ ...second, wasKnown: true })
  expect(third.text).toBe(first.text)
  expect((await app.get(path, { 'if-none-match': first.headers['etag'] ?? '' })).status).toBe(304)
  expect(app.app.cache?.stats().reads['posts']).toMatchObject({ near: 3, miss: 1 })
})

test.each(paths)('%s: after a write nobody is given what was before it', async (path) => {
  const app = await serving()
  for (const _ of 'abc') await app.get(path)
  const body = JSON.stringify({ title: 'new' })
  await fetch(`${app.url}/api/posts/1`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body })
  const after = await app.get(path)
  expect([after.headers['x-cache'], after.wasKnown]).toEqual(['miss', false])
  expect(after.text).toContain('"title":"new"')
  await app.get(path)
  expect(await app.get(path)).toMatchObject({ text: after.text, wasKnown: true })
})

test('who says what he has written through another process is shown it, and others have the copy', async () => {
  // A replica that is away, as after a crash: reads go to the primary.
  const app = await serving({ DATABASE_REPLICA_URLS: 'postgres://127.0.0.1:1/none' })
  const path = '/api/posts/1'
  for (const _ of 'abc') await app.get(path)
  const { headers } = await app.other.patch(path, { title: 'new' })
  const [told, cookie] = [String(headers['x-read-after']), String(headers['set-cookie']).replace(/;.*/, '')]
  expect(cookie).toBe(`plinth_read_after=${told}`)
  expect(await app.get(path)).toMatchObject({ text: expect.stringContaining('old'), wasKnown: true })
  for (const said of [{ 'x-read-after': told }, { cookie: `a=b; ${cookie}` }] as Record<string, string>[])
    expect(await app.get(path, said), JSON.stringify(said)).toMatchObject({ text: expect.stringContaining('new'), wasKnown: false })
  expect(await app.get(path, { cookie: 'a=b' })).toMatchObject({ text: expect.stringContaining('new') })
})

// Bodies that are deep, wide or ambiguous are refused before anything is done with them, and quickly.

import type { RoutePlugin } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { errorProblems } from './support/error-reply.ts'
import { liveApp, type LiveApp } from './support/live-app.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const wide = (keys: number): string => `{${Array.from({ length: keys }, (_, index) => `"k${index}":0`).join(',')}}`
const long = (items: number): string => `[${Array(items).fill(0).join(',')}]`

/** Value of a jsonb field; its object and the field make two levels more. */
const refusedValues: Readonly<Record<string, string>> = {
  '64 levels in the object of the body': nested(64),
  '10,000 levels': nested(10_000),
  '200,000 levels': nested(200_000),
  '200,000 levels that are never closed': '['.repeat(200_000),
  '100,000 objects in each other': '{"a":'.repeat(100_000),
  '1,001 keys': wide(1_001),
  '50,000 keys': wide(50_000),
  '10,001 items': long(10_001),
  '400,000 items': long(400_000),
  'a key twice': '{"a":1,"a":2}',
  'a key twice, once escaped': String.raw`{"a":1,"\u0061":2}`,
  'a key twice, far below': `${'['.repeat(30)}{"a":{},"b":1,"a":{}}${']'.repeat(30)}`,
}

const acceptedValues: Readonly<Record<string, string>> = {
  '63 levels in the object of the body': nested(63),
  '1,000 keys': wide(1_000),
  '10,000 items': long(10_000),
  'keys that differ in case': '{"a":1,"A":2}',
}

/** JSON.parse, as it is. */
const stock: RoutePlugin = (fastify) => {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)))
    } catch {
      done(Object.assign(new Error('not JSON'), { statusCode: 400 }))
    }
  })
  fastify.post('/stock', (_request, reply) => reply.code(201).send({}))
}

let app: LiveApp

beforeAll(async () => {
  app = await liveApp(blog({}, { routes: [stock] }))
})
afterAll(() => app.stop())

const post = (path: string, value: string) => app.send({ method: 'POST', path, body: `{"title":"t","extra":${value}}` })

async function accepted(path: string, values: Readonly<Record<string, string>>): Promise<string[]> {
  const replies = await Promise.all(Object.entries(values).map(async ([name, value]) => ({ name, reply: await post(path, value) })))
  expect(replies.flatMap(({ reply }) => errorProblems(reply, 'envelope'))).toEqual([])
  return replies.filter(({ reply }) => reply.status !== 400).map(({ name }) => name)
}

describe('I4: depth and width', () => {
  test('what is too deep, too wide or there twice is a 400', async () => {
    expect(await accepted('/api/posts', refusedValues)).toEqual([])
  })

  test('what is at the limit is stored', async () => {
    for (const [name, value] of Object.entries(acceptedValues)) expect((await post('/api/posts', value)).status, name).toBe(201)
  })

  // Promised are 20 ms. Over a socket, with its client in the same process on a busy machine, a mistake of
  // another order (a stack overflow, a search in the square of the keys) is what can be told apart from chance.
  test('a refusal comes at once', async () => {
    for (const [name, value] of Object.entries(refusedValues)) {
      const times = [await post('/api/posts', value), await post('/api/posts', value), await post('/api/posts', value)]
      expect(Math.min(...times.map(({ elapsedMs }) => elapsedMs)), name).toBeLessThan(100)
    }
  })

  test('filters that are nested too deep, and too many of them, are refused', async () => {
    const group = (depth: number): string => `filter${'[or][0]'.repeat(depth)}[id]=1`
    const many = (count: number): string => Array.from({ length: count }, (_, index) => `filter[or][${index}][id]=1`).join('&')
    for (const query of [group(6), group(500), many(51), many(300)]) {
      expect((await app.send({ path: `/api/posts?${query}` })).status, query.slice(0, 40)).toBe(400)
    }
    for (const query of [group(5), many(50)]) expect((await app.send({ path: `/api/posts?${query}` })).status, query.slice(0, 40)).toBe(200)
  })

  test('control: JSON.parse alone takes them', async () => {
    const found = await accepted('/stock', refusedValues)
    expect(found).toEqual(expect.arrayContaining(['10,000 levels', '50,000 keys', '400,000 items', 'a key twice']))
  })
})

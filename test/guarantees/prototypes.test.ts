// Names that lead to a prototype, in bodies and in addresses: refused, and nothing of the process has changed.

import type { RoutePlugin } from 'plinth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { type Call, describeCall } from './support/caller.ts'
import { errorProblems } from './support/error-reply.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  'constructor.prototype',
  '__proto__.admin',
]

const bodies: readonly string[] = [
  '{"__proto__":{"admin":true}}',
  '{"title":"t","__proto__":{"admin":true}}',
  '{"title":"t","constructor":{"prototype":{"admin":true}}}',
  '{"title":"t","prototype":{"admin":true}}',
  '{"title":"t","toString":"x"}',
  '{"title":"t","hasOwnProperty":true}',
  '{"title":"t","extra":{"__proto__":{"admin":true}}}',
  '{"title":"t","extra":{"a":[{"__proto__":1}]}}',
  '{"title":"t","extra":{"constructor":{"prototype":{"admin":true}}}}',
  String.raw`{"title":"t","\u005f\u005fproto__":{"admin":true}}`,
  '[{"__proto__":{"admin":true}}]',
  '[{"title":"t"},{"title":"t","constructor":{"prototype":{"admin":true}}}]',
]

const queries = (name: string): readonly string[] => [
  `${name}=1`,
  `${name}[admin]=1`,
  `a[${name}]=1`,
  `filter[${name}]=1`,
  `filter[${name}][admin]=1`,
  `filter[${name}][null]=true`,
  `filter[title][${name}]=1`,
  `filter[author.${name}]=1`,
  `filter[${name}.name]=1`,
  `filter[or][${name}][id]=1`,
  `filter[${name}][0][id]=1`,
  `filter[or][0][${name}]=1`,
  `sort=${name}`,
  `sort=author.${name}`,
  `fields=${name}`,
  `fields[${name}]=id`,
  `fields[author]=${name}`,
  `include=${name}`,
  `include=author.${name}`,
  `page[${name}]=1`,
  `count=${name}`,
  `page[after]=${name}`,
]

/** Merges what it is sent, as many did before they heard of this. */
const merging: RoutePlugin = (fastify) => {
  fastify.get('/merging', (request, reply) => {
    const name = decodeURIComponent(request.url.split('?')[1]?.split('[')[0] ?? '')
    const target = {} as Record<string, Record<string, unknown>>
    target[name] ??= {}
    target[name]['plantedByTheControl'] = true
    return reply.send({})
  })
}

let app: LiveApp
let untouched: string[]

/** What every object, list and function has. */
function shapeOfPrototypes(): string[] {
  return [Object, Array, Function, String, Map, Promise].flatMap(({ name, prototype }) =>
    Reflect.ownKeys(prototype as object).map((key) => `${name}.${String(key)}`),
  )
}

beforeAll(async () => {
  app = await liveApp(blog({}, { routes: [merging] }))
  await fillBlog(app.test)
  // Now, because drizzle-kit, which makes the tables of tests, gives lists a method of its own.
  untouched = shapeOfPrototypes()
})
afterAll(() => app.stop())
afterEach(() => {
  delete (Object.prototype as Record<string, unknown>)['plantedByTheControl']
})

async function notRefused(calls: readonly Call[]): Promise<string[]> {
  const replies = await Promise.all(calls.map(async (call) => ({ call, reply: await app.send(call) })))
  return replies.flatMap(({ call, reply }) => [
    ...(reply.status === 400 ? [] : [`${reply.status} for ${describeCall(call)}`]),
    ...errorProblems(reply, 'envelope'),
  ])
}

describe('I6: prototypes', () => {
  test('a body with such a name is a 400', async () => {
    expect(await notRefused(bodies.map((body) => ({ method: 'POST', path: '/api/posts', body })))).toEqual([])
    expect(
      await notRefused(bodies.map((body) => ({ method: 'PATCH', path: body.startsWith('[') ? '/api/posts' : '/api/posts/1', body }))),
    ).toEqual([])
    expect(shapeOfPrototypes()).toEqual(untouched)
  })

  test.each(names)('%s is no parameter, field, relation or operator', async (name) => {
    const forms = [name, encodeURIComponent(name), name.replaceAll('_', '%5F')]
    const calls = forms.flatMap((form) => queries(form).map((query) => ({ path: `/api/posts?${query}` })))
    expect(await notRefused(calls)).toEqual([])
    expect(shapeOfPrototypes()).toEqual(untouched)
  })

  test.each(names)('%s in a path is no resource and no record', async (name) => {
    for (const path of [`/${name}`, `/api/${name}`, `/api/posts/${name}`, `/api/posts/1/${name}`, `/api/ratings/1/${name}`]) {
      expect([400, 404], path).toContain((await app.send({ path })).status)
    }
  })

  test('the word alone is an ordinary value', async () => {
    const body = { title: 'constructor', labels: ['__proto__'], extra: { constructor: 'Ferrari', prototype: 1 } }
    const reply = await app.send({ method: 'POST', path: '/api/posts', body })
    expect((reply.json() as { data: unknown }).data).toMatchObject(body)
  })

  test('control: a merge of what is sent changes every object, and is noticed', async () => {
    expect(await notRefused([{ path: '/merging?__proto__[admin]=1' }])).not.toEqual([])
    expect(shapeOfPrototypes()).not.toEqual(untouched)
  })
})

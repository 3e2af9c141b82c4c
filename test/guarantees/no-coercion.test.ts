// A value has the type its column says, or is refused. Text in an address is read only as what the column is.

import type { RoutePlugin } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { type Call, describeCall } from './support/caller.ts'
import { errorProblems } from './support/error-reply.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

/** Values that another program would turn into the column's type, by field. */
const wrongValues: Readonly<Record<string, readonly unknown[]>> = {
  author_id: ['1', 1.5, true, [1], {}, '', 1e10, 'one', { id: 1 }],
  title: [1, true, null, ['t'], { toString: 't' }, 0],
  body: [1, false, ['b'], {}],
  status: [0, 'Draft', 'DRAFT', 'draft ', '', null, true, ['draft']],
  price: [true, '1,5', '1.5 ', '0x1F', '1e400', 'NaN', 'Infinity', '', [], {}, '1_000'],
  views: [true, '1.0', '0x10', '1e3', '', ' 1', 1.5, null, [], '9223372036854775808'],
  labels: ['a', '{a,b}', 1, {}, [1], [true], [{}], [['a']]],
  featured: ['true', 'false', 1, 0, 'yes', '', null, []],
  published_at: [0, 1_700_000_000, '2024', 'tomorrow', '2024-13-01T00:00:00Z', '2024-02-30T00:00:00Z', '', true, {}, 'now', 'infinity'],
}

const wrongQueries: readonly string[] = [
  ...['1abc', '0x1', '1e3', '1.0', '%201', '1%20', '', 'true', 'null', '%D9%A1', '99999999999', '--1', '1;2'].map(
    (value) => `filter[id]=${value}`,
  ),
  ...['yes', '1', 'TRUE', 'True', 't', '', '0'].map((value) => `filter[featured]=${value}`),
  ...['abc', '1,5', '0x1F', '', '1e400'].map((value) => `filter[price][gte]=${value}`),
  ...['Draft', '', '0'].map((value) => `filter[status]=${value}`),
  ...['yesterday', '2024', '1700000000', '2024-02-30T00:00:00Z', 'now', 'infinity'].map((value) => `filter[published_at][gte]=${value}`),
  ...['1', 'yes', '', 'TRUE'].map((value) => `filter[body][null]=${value}`),
  ...['1.0', '%2B5', '-1', '0', '', 'ten', '1e1', '0x5', '9999999999'].map((value) => `page[size]=${value}`),
  ...['0', '-1', 'two', '1.5', ''].map((value) => `page[number]=${value}`),
  ...['yes', '1', 'EXACT', ''].map((value) => `count=${value}`),
]

const unknownBodies: readonly object[] = [
  { title: 't', nmae: 'x' },
  { title: 't', Title: 'x' },
  { title: 't', ' title': 'x' },
  { title: 't', author: { name: 'nested' } },
  { title: 't', id: 7 },
  { title: 't', created_at: '2024-01-01T00:00:00Z' },
  { title: 't', updated_at: '2024-01-01T00:00:00Z' },
]

/** Takes what it gets, as a validator with coercion does. */
const coercing: RoutePlugin = (fastify) => {
  fastify.post('/coercing', (request, reply) => {
    const { featured, author_id } = request.body as Record<string, unknown>
    return reply.code(201).send({ data: { featured: Boolean(featured), author_id: Number(author_id) } })
  })
}

let app: LiveApp

beforeAll(async () => {
  app = await liveApp(blog({}, { routes: [coercing] }))
  await fillBlog(app.test)
})
afterAll(() => app.stop())

/** Requests that were not refused with 400, and refusals that do not name `field`. */
async function notRefused(calls: readonly Call[], field = ''): Promise<string[]> {
  const replies = await Promise.all(calls.map(async (call) => ({ call, reply: await app.send(call) })))
  return replies.flatMap(({ call, reply }) => [
    ...(reply.status === 400 && reply.text.includes(field) ? [] : [`${reply.status} for ${describeCall(call)}`]),
    ...errorProblems(reply, 'envelope'),
  ])
}

const everyRecord = async () => (await app.test.app.resource('posts').list({ page: { size: 200 } })).records

describe('I7: types', () => {
  test.each(Object.entries(wrongValues))('%s takes no value of another type, in any kind of write', async (field, values) => {
    const before = await everyRecord()
    const calls = values.flatMap((value): Call[] => [
      { method: 'POST', path: '/api/posts', body: { title: 't', [field]: value } },
      { method: 'PUT', path: '/api/posts/1', body: { title: 't', [field]: value } },
      { method: 'PATCH', path: '/api/posts/1', body: { [field]: value } },
      { method: 'POST', path: '/api/posts', body: [{ title: 't' }, { title: 't', [field]: value }] },
      { method: 'PATCH', path: '/api/posts', body: [{ id: 1, [field]: value }] },
    ])
    expect(await notRefused(calls, field)).toEqual([])
    expect(await everyRecord()).toEqual(before)
  })

  test('a body that is not a record or a list of records is refused', async () => {
    const bodies = ['1', '"title=t"', 'true', 'null', '[1]', '["t"]', '[null]', '[[{"title":"t"}]]', '{}', '[{}]']
    const writes = bodies.map((body): Call => ({ method: 'POST', path: '/api/posts', body }))
    const changes = bodies.slice(0, 8).map((body): Call => ({ method: 'PATCH', path: '/api/posts/1', body }))
    expect(await notRefused([...writes, ...changes])).toEqual([])
  })

  test.each(wrongQueries)('%s is refused', async (query) => {
    expect(await notRefused([{ path: `/api/posts?${query}` }])).toEqual([])
  })

  test.each(['1abc', '0x1', '1e0', '1.0', '%201', 'one', '-', '99999999999', '%D9%A1', 'true'])('%s is no key', async (key) => {
    for (const method of ['GET', 'DELETE']) {
      const reply = await app.send({ method, path: `/api/posts/${key}` })
      expect([400, 404], method).toContain(reply.status)
    }
  })

  test('unknown and read-only fields are refused by name', async () => {
    for (const body of unknownBodies) {
      const field = Object.keys(body)[1] ?? ''
      expect(await notRefused([{ method: 'POST', path: '/api/posts', body }], field)).toEqual([])
    }
  })

  test('control: a route that coerces is caught', async () => {
    const calls = [{ author_id: '1' }, { featured: 'false' }].map((body): Call => ({ method: 'POST', path: '/coercing', body }))
    expect(await notRefused(calls)).toHaveLength(2)
  })
})

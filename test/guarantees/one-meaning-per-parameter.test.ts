// A query that two readers could understand differently is refused: repeated names, other cases, other separators.

import type { RoutePlugin } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { errorProblems } from './support/error-reply.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

const onLists: readonly string[] = [
  'sort=id&sort=title',
  'search=a&search=b',
  'include=author&include=tags',
  'fields=id&fields=title',
  'count=exact&count=none',
  'page[size]=1&page[size]=100',
  'page[number]=1&page[number]=2',
  'page[number]=1&page[after]=abc',
  'filter[id]=1&filter[id]=2',
  'filter[id]=1&filter[id][eq]=2',
  'filter[id][eq]=1&filter[id]=1',
  'filter[id][in]=1&filter[id][in]=2',
  'filter[id][in]=1&filter[id][in][0]=2',
  'filter[id][in][0]=1&filter[id][in][0]=2',
  'filter[id]=1&filter%5Bid%5D=2',
  'filter[or][0][id]=1&filter[or][0][id]=2',
  'filter[or][0][id]=1&filter[or][00][id]=2',
  's%6Frt=id&sort=title',
  'fields[author]=id&fields[author]=name&include=author',
  'Sort=id',
  'SORT=id',
  'Filter[id]=1',
  'filter[ID]=1',
  'filter[id][GTE]=1',
  'filter[title][Contains]=a',
  'Page[size]=1',
  'page[Size]=1',
  'count=Exact',
  'include=Author',
  'fields=ID',
  'sort=id;page[size]=1',
  'page[size]=1;page[size]=2',
  'filter[id]=1;2',
  'sort[]=id',
  'sort[0]=id',
  'filter[id][]=1',
  'filter[]=1',
  'filter=1',
  'page=1',
  'page[]=1',
  'page[size][0]=1',
  'filter[id=1',
  'filter]id[=1',
  'filter[[id]]=1',
  'filter[id]x=1',
  'filter.id=1',
  'filter%5B%5Bid%5D%5D=1',
  'sort=id%26page[size]=1',
  'sort=id%00',
  'sort =id',
  '+sort=id',
  'sort%20=id',
  '=1',
  '?sort=id',
  'sort=id#x=1',
]

const accepted: readonly string[] = [
  'filter[id][in]=1,2',
  'filter[id][in][0]=1&filter[id][in][1]=2',
  'filter[id][gte]=1&filter[id][lte]=2',
  'filter[or][0][id]=1&filter[or][1][id]=2',
  'filter%5Bid%5D=1',
  'sort=title,-id',
  '&&sort=id&',
]

/** The last value wins here, as with Object.fromEntries. */
const lastWins: RoutePlugin = (fastify) => {
  fastify.get('/last-wins', (request, reply) => reply.send(Object.fromEntries(new URLSearchParams(request.url.split('?')[1]))))
}

let app: LiveApp

beforeAll(async () => {
  app = await liveApp(blog({}, { routes: [lastWins] }))
  await fillBlog(app.test)
})
afterAll(() => app.stop())

async function taken(path: string, queries: readonly string[]): Promise<string[]> {
  const replies = await Promise.all(
    queries.map(async (query) => ({ query, reply: await app.send({ path: `${path}?${query.replaceAll(' ', '%20')}` }) })),
  )
  return replies.flatMap(({ query, reply }) => [
    ...(reply.status === 400 ? [] : [`${reply.status} for ${query}`]),
    ...errorProblems(reply, 'envelope'),
  ])
}

describe('I8: parameter pollution', () => {
  test.each(onLists)('%s is refused', async (query) => {
    expect(await taken('/api/posts', [query])).toEqual([])
  })

  test('a write takes no parameter at all', async () => {
    for (const [method, path] of [
      ['POST', '/api/posts'],
      ['PUT', '/api/posts/1'],
      ['PATCH', '/api/posts/1'],
      ['DELETE', '/api/posts/1'],
      ['PATCH', '/api/posts'],
      ['DELETE', '/api/posts'],
      ['POST', '/api/comments/1/restore'],
    ] as const) {
      const body = path === '/api/posts' && method !== 'POST' ? [] : { title: 't' }
      expect((await app.send({ method, path: `${path}?title=x`, body })).status, `${method} ${path}`).toBe(400)
    }
  })

  test('a record takes no parameter of a list', async () => {
    expect(await taken('/api/posts/1', ['sort=id', 'page[size]=1', 'filter[id]=2', 'fields=id&fields=title', 'Fields=id', 'id=2'])).toEqual(
      [],
    )
  })

  test('a repeated header of a condition does not choose for us', async () => {
    const { headers } = await app.send({ path: '/api/posts/1' })
    const put = (match: string) => app.send({ method: 'PATCH', path: '/api/posts/1', body: { views: '1' }, headers: { 'if-match': match } })
    expect((await put('"other"')).status).toBe(412)
    expect((await put(`"other", ${String(headers.etag)}`)).status).toBe(200)
  })

  test.each(accepted)('%s has one meaning', async (query) => {
    expect((await app.send({ path: `/api/posts?${query}` })).status).toBe(200)
  })

  test('control: a reader for which the last one wins is caught', async () => {
    expect(await taken('/last-wins', ['sort=id&sort=title', 'Sort=id'])).toHaveLength(2)
  })
})

// Text at every place where a request can have some: what PostgreSQL cannot store is a 400, everything else is kept as it is.

import type { RoutePlugin } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import type { Call } from './support/caller.ts'
import { errorProblems } from './support/error-reply.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

/** A string of JSON in latin1, and the same in an address. */
interface BadText {
  readonly name: string
  readonly json: string
  readonly url: string
}

const badTexts: readonly BadText[] = [
  { name: 'NUL', json: String.raw`"a\u0000b"`, url: 'a%00b' },
  { name: 'NUL alone', json: String.raw`"\u0000"`, url: '%00' },
  { name: 'the first half of a pair', json: String.raw`"\ud83d"`, url: '%ED%A0%BD' },
  { name: 'the second half of a pair', json: String.raw`"x\ude00"`, url: 'x%ED%B8%80' },
  { name: 'halves in the wrong order', json: String.raw`"\ude00\ud83d"`, url: '%ED%B8%80%ED%A0%BD' },
  { name: 'a pair in CESU-8', json: '"\xed\xa0\xbd\xed\xb8\x80"', url: '%ED%A0%BD%ED%B8%80' },
  { name: 'latin1', json: '"caf\xe9"', url: 'caf%E9' },
  { name: 'a slash in two bytes', json: '"\xc0\xaf"', url: '%C0%AF' },
  { name: 'NUL in two bytes', json: '"\xc0\x80"', url: '%C0%80' },
  { name: 'an unfinished character', json: '"\xe2\x82"', url: '%E2%82' },
  { name: 'beyond Unicode', json: '"\xf4\x90\x80\x80"', url: '%F4%90%80%80' },
  { name: 'a byte that UTF-8 does not have', json: '"\xff"', url: '%FF' },
]

const json = (method: string, path: string, body: string): Call => ({ method, path, body: Buffer.from(body, 'latin1') })
const list = (query: string): Call => ({ path: `/api/posts?${query}` })

const bodies: Readonly<Record<string, (text: string) => Call>> = {
  'a text': (text) => json('POST', '/api/posts', `{"title":${text}}`),
  'a text without a limit': (text) => json('POST', '/api/posts', `{"title":"t","body":${text}}`),
  'an item of a list': (text) => json('POST', '/api/posts', `{"title":"t","labels":["a",${text}]}`),
  'a value of a document': (text) => json('POST', '/api/posts', `{"title":"t","extra":{"a":[${text}]}}`),
  'a key of a document': (text) => json('POST', '/api/posts', `{"title":"t","extra":{${text}:1}}`),
  'the name of a field': (text) => json('POST', '/api/posts', `{"title":"t",${text}:1}`),
  'an enum': (text) => json('POST', '/api/posts', `{"title":"t","status":${text}}`),
  'a number in quotes': (text) => json('POST', '/api/posts', `{"title":"t","price":${text}}`),
  'a time': (text) => json('POST', '/api/posts', `{"title":"t","published_at":${text}}`),
  'a key in a bulk change': (text) => json('PATCH', '/api/ratings', `[{"post_id":1,"critic":${text},"stars":2}]`),
  'a key in a bulk delete': (text) => json('DELETE', '/api/ratings', `[{"post_id":1,"critic":${text}}]`),
  'a text of a change': (text) => json('PATCH', '/api/posts/1', `{"body":${text}}`),
}

const addresses: Readonly<Record<string, (text: string) => Call>> = {
  'a key in the path': (text) => ({ path: `/api/ratings/1/${text}` }),
  'a filter': (text) => list(`filter[title]=${text}`),
  'a filter with contains': (text) => list(`filter[title][contains]=${text}`),
  'a filter with in': (text) => list(`filter[title][in]=a,${text}`),
  'a filter on a list': (text) => list(`filter[labels][has]=${text}`),
  'a filter on a document': (text) => list(`filter[extra][has]=%22${text}%22`),
  'a filter through a relation': (text) => list(`filter[author.name]=${text}`),
  'a field to filter by': (text) => list(`filter[${text}]=1`),
  'an operator': (text) => list(`filter[title][${text}]=1`),
  search: (text) => list(`search=${text}`),
  sort: (text) => list(`sort=${text}`),
  include: (text) => list(`include=${text}`),
  fields: (text) => list(`fields=${text}`),
  'a cursor': (text) => list(`page[after]=${text}`),
  'the name of a parameter': (text) => list(`${text}=1`),
}

/** Sends text to a column without a look at it, as most applications do. */
const careless: RoutePlugin = (fastify, { app }) => {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, JSON.parse(String(body))))
  fastify.post('/careless', async (request) => {
    const { title } = request.body as { title: string }
    return app.db.query('insert into authors (name) values ($1) returning name', [title])
  })
}

let app: LiveApp

beforeAll(async () => {
  app = await liveApp(blog({}, { routes: [careless] }))
  await fillBlog(app.test)
})
afterAll(() => app.stop())

async function notRefused(make: (text: string) => Call, form: 'json' | 'url'): Promise<string[]> {
  const replies = await Promise.all(badTexts.map(async (text) => ({ name: text.name, reply: await app.send(make(text[form])) })))
  return replies.flatMap(({ name, reply }) => [
    ...(reply.status === 400 ? [] : [`${reply.status} for ${name}`]),
    ...errorProblems(reply, 'envelope'),
  ])
}

const kept: readonly string[] = [
  'e\u0301 is not \u00e9',
  '\u212b, \u00c5 and A\u030a',
  '\ufeffafter a mark',
  'right\u202eleft',
  'a\u200db\u200cc',
  '\ufffd is a character',
  '\uffff\u{10ffff}',
  '\u0001\u001f\u007f\u0085',
  ' spaces \t',
  '\r\n',
  '😀👨‍👩‍👧‍👦',
  '%00 \\u0000 \\0 \\x00',
]

describe('I3: text', () => {
  test.each(Object.entries(bodies))('what cannot be stored is refused in %s', async (_place, make) => {
    expect(await notRefused(make, 'json')).toEqual([])
  })

  test.each(Object.entries(addresses))('what cannot be stored is refused in %s', async (_place, make) => {
    expect(await notRefused(make, 'url')).toEqual([])
  })

  test.each(kept)('%j is kept as it was sent, not normalised, and found again', async (text) => {
    const made = await app.send({ method: 'POST', path: '/api/tags', body: { name: text } })
    const { data } = made.json() as { data: { id: number; name: string } }
    expect(data.name).toBe(text)
    const found = await app.send({ path: `/api/tags?filter[name]=${encodeURIComponent(text)}` })
    expect((found.json() as { data: unknown }).data).toEqual([data])
  })

  test('control: without the look, half a pair and broken bytes become another text', async () => {
    const found = await notRefused((text) => json('POST', '/careless', `{"title":${text}}`), 'json')
    expect(found).toEqual(expect.arrayContaining(['200 for latin1', '200 for NUL in two bytes', '200 for the first half of a pair']))
  })
})

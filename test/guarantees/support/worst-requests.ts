// The most work that a megabyte can make: for the reader of JSON, for every kind of field, for bulk writes, and for the reader of addresses.

import type { Call } from './caller.ts'

const megabyte = 1_048_576 - 1_000
const fill = (piece: string, bytes = megabyte): string => piece.repeat(Math.floor(bytes / piece.length))
const many = (count: number, make: (index: number) => string): string => Array.from({ length: count }, (_, index) => make(index)).join(',')
const keys = (count: number, length: number): string => many(count, (index) => `"${fill('x', length)}${index}":0`)

const create = (body: string): Call => ({ method: 'POST', path: '/api/posts', body })
const field = (name: string, value: string): Call => create(`{"title":"t","${name}":${value}}`)
const bulk = (method: string, items: string): Call => ({ method, path: '/api/posts', body: `[${items}]` })
const list = (query: string): Call => ({ path: `/api/posts?${query}` })
const longQuery = 7_500

export const worstRequests: Readonly<Record<string, Call>> = {
  'nesting that never ends': create(fill('[')),
  'objects in each other': create(fill('{"a":')),
  'a text of escapes': field('body', `"${fill('\\u00e9')}"`),
  'a text of pairs': field('body', `"${fill('\\ud83d\\ude39')}"`),
  'a text of one letter': field('body', `"${fill('a')}"`),
  'a text of four bytes a letter': field('body', `"${fill('😀', megabyte / 2)}"`),
  'a text of quotes': field('body', `"${fill('\\"')}"`),
  'a text that is too long for its field': field('title', `"${fill('a')}"`),
  'a decimal of a million digits': field('price', `"${fill('9')}"`),
  'a decimal of a million zeros': field('price', `"0.${fill('0')}1"`),
  'a number of a million digits': field('price', fill('9')),
  'a whole number of a million digits': field('views', `"${fill('9')}"`),
  'a time of a million digits': field('published_at', `"2026-01-01T00:00:00.${fill('1')}Z"`),
  'a time of a million spaces': field('published_at', `"${fill(' ')}"`),
  'an enum of a million letters': field('status', `"${fill('draft')}"`),
  'a boolean of a million letters': field('featured', `"${fill('true')}"`),
  'a list of ten thousand texts': field('labels', `[${many(10_000, () => `"${fill('a', 95)}"`)}]`),
  'a list of ten thousand quotes': field('labels', `[${many(10_000, () => `"${fill('\\"', 95)}"`)}]`),
  'a list of ten thousand wrong items': field('labels', `[${many(10_000, () => `{"a":"${fill('a', 80)}"}`)}]`),
  'a document of small objects': field('extra', `[${many(9_999, () => '{"a":1,"b":"c","d":[1,2,3],"e":{"f":null}}')}]`),
  'a document of wide objects': field('extra', `[${many(90, () => `{${keys(1_000, 2)}}`)}]`),
  'a document of numbers': field('extra', `[${many(100, () => `[${many(1_000, () => '1.5e-300')}]`)}]`),
  'a thousand unknown fields': create(`{${keys(999, 1_000)}}`),
  'a thousand fields that are nearly known': create(`{"title":"t",${many(990, (index) => `"published_a${index}":1`)}}`),
  'an unknown field of a million letters': create(`{"${fill('published_at')}":1}`),
  'a thousand records': bulk(
    'POST',
    many(
      1_000,
      (index) =>
        `{"title":"t${index}","body":"${fill('a', 700)}","labels":["a","b"],"extra":{"a":[1,2,3]},"price":"1.5","published_at":"2026-01-01T00:00:00Z"}`,
    ),
  ),
  'a thousand records with a mistake in every field': bulk(
    'POST',
    many(
      1_000,
      () =>
        `{"title":1,"body":2,"labels":3,"price":"x","views":"x","status":"x","featured":"x","published_at":"x","author_id":"x","nmae":"${fill('a', 700)}"}`,
    ),
  ),
  'a thousand records that refer to nobody': bulk(
    'POST',
    many(1_000, () => `{"title":"t","author_id":999999,"body":"${fill('a', 900)}"}`),
  ),
  'ten thousand records': bulk(
    'POST',
    many(10_000, () => '{"title":"t","body":"x"}'),
  ),
  'a thousand changes': bulk(
    'PATCH',
    many(1_000, (index) => `{"id":${index + 1},"body":"${fill('a', 900)}"}`),
  ),
  'a thousand keys': { method: 'DELETE', path: '/api/posts', body: `[${many(1_000, (index) => String(index + 10_000))}]` },
  'a change of one record': { method: 'PATCH', path: '/api/posts/1', body: `{"body":"${fill('b')}"}` },
  'a replacement of one record': { method: 'PUT', path: '/api/posts/1', body: `{"title":"t","body":"${fill('b')}"}` },
  'what is no JSON at its last byte': create(`[${fill('1,')}`),
  'what is no UTF-8 at its last byte': {
    ...create(''),
    body: Buffer.concat([Buffer.from(`"${fill('é', megabyte / 2)}`), Buffer.from([0xff])]),
  },
  'fifty conditions': list(
    Array.from({ length: 50 }, (_, index) => `filter[or][${index}][author.name][contains]=${fill('%25_', 60)}`).join('&'),
  ),
  'conditions in each other': list(
    Array.from({ length: 25 }, (_, index) => `filter[or][0][and][${index}][or][0][and][0][or][0][id]=${index}`).join('&'),
  ),
  'two hundred parameters': list(Array.from({ length: 200 }, (_, index) => `fields[a${index}]=id`).join('&')),
  'a parameter of many letters': list(`${fill('filter', longQuery)}=1`),
  'a parameter of many brackets': list(`filter${fill('[', longQuery)}=1`),
  'a parameter of many pairs of brackets': list(`filter${fill('[a]', longQuery)}=1`),
  'a field of many letters': list(`filter[${fill('published_at', longQuery)}]=1`),
  'a field of many dots': list(`filter[${fill('author.', longQuery)}id]=1`),
  'an include of many dots': list(`include=${fill('author.', longQuery)}posts`),
  'an include of many names': list(`include=${fill('author,', longQuery)}tags`),
  'a sort of many names': list(`sort=${fill('-id,', longQuery)}id`),
  'a list of many values': list(`filter[id][in]=${fill('1,', longQuery)}1`),
  'a list of many commas': list(`filter[title][in]=${fill('\\,', longQuery / 2)}`),
  'a search of many words': list(`search=${fill('word%20', 900)}`),
  'a search of many quotes': list(`search=${fill('%22a', 900)}`),
  'a value of many letters': list(`filter[published_at]=${fill('2', longQuery)}`),
  'a decimal of many digits': list(`filter[price][gte]=${fill('9', longQuery)}`),
  'a document of many brackets': list(`filter[extra]=${fill('%5B', longQuery)}`),
  'a cursor of many letters': list(`page[after]=${fill('A', longQuery)}`),
  'a key of many letters': { path: `/api/ratings/1/${fill('a', longQuery)}` },
  'a path of many slashes': { path: fill('/', longQuery) },
  'many entity tags': { path: '/api/posts/1', headers: { 'if-none-match': fill('"a", ', 12_000) } },
  'many entity tags to match': {
    method: 'PATCH',
    path: '/api/posts/1',
    body: '{"views":"1"}',
    headers: { 'if-match': fill('"a", ', 12_000) },
  },
  'the document': { path: '/openapi.json' },
  'the reference page': { path: '/docs' },
  metrics: { path: '/metrics' },
  'a list with everything': list('include=author,comments.author,ratings,tags&count=exact&page[size]=200'),
}

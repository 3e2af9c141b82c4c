// J1: nothing a caller writes becomes SQL. A walk puts SQL into every place of every request; none of it may turn up in the
// text of a statement, change what is stored, take its time, or break the server. `npm run guarantees` adds sqlmap.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App, RoutePlugin } from 'plinth'
import { blog } from '../support/blog.ts'
import { type Call, describeCall, inLanes } from './support/caller.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

/** In every payload, and in nothing else that the server could write by itself. */
const marker = 'zq7x'
const slowMs = 1_000

const payloads: readonly string[] = [
  `'`,
  `"`,
  `' or '1'='1' -- ${marker}`,
  `1 or 1=1 -- ${marker}`,
  `1; drop table posts; -- ${marker}`,
  `'; insert into tags (name) values ('${marker}'); --`,
  `' union select null, '${marker}', null --`,
  `1) union all select '${marker}' --`,
  `'||(select '${marker}' from pg_sleep(3))||'`,
  `1 and (select 1 from pg_sleep(3)) is not null -- ${marker}`,
  `(case when 1=1 then id else 1/0 end) -- ${marker}`,
  `id"; select pg_sleep(3); -- ${marker}`,
  `id" desc, (select '${marker}')`,
  `${marker}::regclass`,
  `$1 ${marker}`,
  `E'\\x27' ${marker}`,
  `\\'; select pg_sleep(3) -- ${marker}`,
  `%27 or 1=1 ${marker}`,
  `/* ${marker} */`,
  `id${marker}"`,
  `{"a":"'; drop table posts -- ${marker}"}`,
  `"} or 1=1 -- ${marker}`,
]

const encode = encodeURIComponent
const fields = [
  'id',
  'title',
  'status',
  'price',
  'views',
  'labels',
  'extra',
  'featured',
  'published_at',
  'author.name',
  'tags.id',
  'comments',
]
const operators = ['eq', 'ne', 'gt', 'lte', 'in', 'nin', 'between', 'contains', 'starts', 'ends', 'has', 'null']

/** Every place a caller can write into, with a payload in it. */
function* callsWith(payload: string, path: string): Generator<Call> {
  const p = encode(payload)
  for (const field of fields) for (const operator of operators) yield { path: `${path}?filter[${field}][${operator}]=${p}` }
  yield { path: `${path}?filter[id][between]=1,${p}` }
  yield { path: `${path}?filter[id][in]=1,2,${p}` }
  yield { path: `${path}?filter[or][0][title]=${p}&filter[or][1][id]=${p}` }
  for (const name of [`filter[${p}]`, `filter[id][${p}]`, `filter[author.${p}]`, `fields[${p}]`, `page[${p}]`, p])
    yield { path: `${path}?${name}=1` }
  for (const name of [
    'sort',
    'include',
    'fields',
    'fields[author]',
    'search',
    'count',
    'deleted',
    'page[size]',
    'page[number]',
    'page[after]',
  ]) {
    yield { path: `${path}?include=author&${name === 'include' ? 'sort=id&include' : name}=${p}` }
  }
  yield { path: `${path}?sort=-${p}` }
  yield { path: `${path}?sort=author.${p}` }
  yield { path: `${path}/${p}` }
  yield { path: '/api/ratings/1/' + p }
  yield { path: `${path}?page[after]=${Buffer.from(JSON.stringify([payload])).toString('base64url')}.AAAAAAAAAAAAAAAA` }
  for (const header of ['if-none-match', 'x-request-id', 'accept', 'user-agent', 'cookie', 'referer'])
    yield { path: `${path}/1`, headers: { [header]: p } }
  yield* writesWith(payload, path)
}

function* writesWith(payload: string, path: string): Generator<Call> {
  for (const field of ['id', 'title', 'status', 'price', 'views', 'extra', 'published_at', 'author_id', payload]) {
    yield { method: 'PATCH', path: `${path}/1`, body: { [field]: payload } }
  }
  yield { method: 'PATCH', path: `${path}/1`, body: { labels: [payload] } }
  yield { method: 'PATCH', path: `${path}/1`, body: { title: 'x' }, headers: { 'if-match': encode(payload) } }
  yield { method: 'PATCH', path, body: [{ id: payload, title: 'x' }] }
  yield { method: 'DELETE', path, body: [payload] }
  yield { method: 'DELETE', path: `${path}/${encode(payload)}` }
  yield { method: 'PUT', path: `/api/ratings/1/${encode(payload)}`, body: { stars: 1 } }
}

/** The texts of statements that `app` sends from now on. */
function watchStatements({ db }: App): Set<string> {
  const seen = new Set<string>()
  const { read, readAll, write, query } = db
  Object.assign(db, {
    read: (...args: Parameters<typeof read>) => (seen.add(args[0].text), read.apply(db, args)),
    readAll: (...args: Parameters<typeof readAll>) => (args[0].forEach(({ text }) => seen.add(text)), readAll.apply(db, args)),
    write: (...args: Parameters<typeof write>) => (seen.add(args[0].text), write.apply(db, args)),
    query: (...args: Parameters<typeof query>) => (seen.add(args[0]), query.apply(db, args)),
  })
  return seen
}

/** What is wrong after a walk, one sentence each. */
async function walk(app: LiveApp, calls: Iterable<Call>): Promise<string[]> {
  const statements = watchStatements(app.test.app)
  const problems: string[] = []
  await inLanes(calls, 8, async (call) => {
    const { status, elapsedMs } = await app.send(call)
    if (status >= 500) problems.push(`${status}: ${describeCall(call)}`)
    if (elapsedMs > slowMs) problems.push(`took ${Math.round(elapsedMs)} ms: ${describeCall(call)}`)
  })
  return [...problems, ...[...statements].filter((text) => text.includes(marker)).map((text) => `in a statement: ${text.slice(0, 300)}`)]
}

async function countRows({ db }: App): Promise<unknown> {
  return db.query(
    `select (select count(*) from posts) as posts, (select count(*) from tags) as tags, (select count(*) from ratings) as ratings`,
  )
}

/** What must be found: a sort that is put into the SQL as it came. */
const planted: RoutePlugin = (fastify, { app }) => {
  fastify.get('/planted', (request) => {
    const { sort = 'id' } = request.query as { sort?: string }
    return app.db.query(`select id from posts order by ${sort}`)
  })
}

describe('J1: SQL in a request stays text', () => {
  let app: LiveApp

  beforeAll(async () => {
    app = await liveApp(blog({}, { routes: [planted] }))
    await fillBlog(app.test)
  })
  afterAll(() => app.stop())

  test('no place of a request lets SQL into a statement, the data or the time', { timeout: 120_000 }, async () => {
    const before = await countRows(app.test.app)
    const calls = payloads.flatMap((payload) => [...callsWith(payload, '/api/posts')])
    expect(calls.length).toBeGreaterThan(3_000)
    expect(await walk(app, calls)).toEqual([])
    expect(await countRows(app.test.app)).toEqual(before)
  })

  test('control: the same walk finds a sort that is put into the SQL as it came', async () => {
    const calls = payloads.map((payload) => ({ path: `/planted?sort=${encode(payload)}` }))
    const problems = await walk(app, calls)
    expect(problems.some((problem) => problem.startsWith('in a statement'))).toBe(true)
  })
})

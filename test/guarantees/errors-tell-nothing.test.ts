// Every refusal and failure, in each reply format: in the application's form, and without a word about code, machine or database.

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RoutePlugin } from 'plinth'
import { blog } from '../support/blog.ts'
import { rawRequest } from '../support/http-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { testDatabase } from '../support/postgres.ts'
import { type Call, describeCall, type Reply } from './support/caller.ts'
import { codeOf, errorProblems, type ReplyFormat } from './support/error-reply.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

const sql = 'select password from users where id = $1 -- at Object.<anonymous> (/home/app/api/routes/x.ts:12:7)'

/** Custom routes that fail in every way we know of. */
const failing: RoutePlugin = (fastify, { app }) => {
  const fails = (path: string, fail: () => unknown) => fastify.get(`/fails/${path}`, async () => fail())
  fails('error', () => {
    throw new Error(sql, { cause: new Error('ECONNREFUSED 127.0.0.1:5432') })
  })
  fails('text', () => {
    throw sql as unknown as Error
  })
  fails('nothing', () => {
    throw undefined as unknown as Error
  })
  fails('client-error', () => {
    throw Object.assign(new Error(sql), { statusCode: 422 })
  })
  fails('odd-status', () => {
    throw Object.assign(new Error(sql), { statusCode: 999 })
  })
  fails('code', () => {
    throw Object.assign(new Error(sql), { code: 'FST_ERR_SOMETHING', statusCode: 500 })
  })
  fails('rejection', () => Promise.reject(new TypeError("Cannot read properties of undefined (reading 'x')")))
  fails('statement', () => app.db.query('select * from no_such_table where secret = $1', ['canary']))
  fails('cast', () => app.db.query(`select $1::integer`, ['canary']))
  fails('slow-statement', () => app.db.query('select pg_sleep(20)'))
  fails('slow', () => new Promise(() => {}))
  fastify.get('/fails/twice', (_request, reply) => {
    reply.code(200).send({ ok: true })
    throw new Error(sql)
  })
}

/** What programs answer that were never told. */
const talkative: RoutePlugin = (fastify, { app }) => {
  fastify.get('/talkative/database', async (_request, reply) => {
    try {
      return await app.db.query('select * from no_such_table where secret = $1', ['x'])
    } catch (error) {
      return reply.code(500).send({ success: false, data: null, code: 'OOPS', details: [], error: String((error as Error).cause) })
    }
  })
  fastify.get('/talkative/stack', (_request, reply) => {
    const error = new Error('oops')
    return reply.code(500).send({ success: false, data: null, code: 'OOPS', details: [], error: error.stack })
  })
  fastify.get('/talkative/*', (request, reply) =>
    reply.code(404).send({ message: `Route GET:${request.url} not found`, error: 'Not Found', statusCode: 404 }),
  )
}

const canary = 'xCanaryQz'
const headers = {
  'user-agent': canary,
  cookie: `a=${canary}`,
  authorization: `Bearer ${canary}`,
  referer: `http://a/${canary}`,
  'x-forwarded-for': canary,
  'x-request-id': `${canary}-from-nobody`,
  'accept-language': canary,
}

const post = (body: unknown, more: Partial<Call> = {}): Call => ({ method: 'POST', path: '/api/posts', body, ...more })

/** At least one request for every status and nearly every code. */
const refusals: readonly Call[] = [
  { path: '/' },
  { path: `/${canary}?${canary}=${canary}#${canary}` },
  { path: `/api/${canary}` },
  { path: `/api/posts/1/${canary}` },
  { path: `/<script>alert('${canary}')</script>` },
  { path: `/..%2f..%2f${canary}` },
  { method: 'PUT', path: '/api/posts' },
  { method: 'POST', path: '/api/posts/1' },
  { method: 'PROPFIND', path: `/api/posts?${canary}` },
  { path: '/%zz' },
  { path: '/api/posts?a=%zz' },
  { path: '/api/posts?a=%00' },
  { path: `/api/posts?search=${'x'.repeat(9_000)}` },
  { path: '/api/posts/999999' },
  { path: '/api/posts/abc' },
  { path: '/api/comments/not-a-uuid' },
  { path: '/api/ratings/1/nobody' },
  { path: '/api/posts?nothing=1' },
  { path: '/api/posts?sort=id&sort=id' },
  { path: '/api/posts?page[size]=0' },
  { path: '/api/posts?page[number]=1000001&page[size]=200' },
  { path: '/api/posts?page[after]=forged' },
  { path: '/api/posts?filter[nmae]=1' },
  { path: '/api/posts?filter[title][like]=1' },
  { path: '/api/posts?filter[featured][gt]=true' },
  { path: '/api/posts?filter[id]=one' },
  { path: '/api/posts?filter[author.secret]=1' },
  { path: '/api/posts?sort=labels' },
  { path: '/api/posts?include=nobody' },
  { path: '/api/posts?include=author.posts.author.posts.author.posts' },
  { path: '/api/tags?search=x' },
  { path: '/api/posts?fields=secret' },
  { path: '/api/posts?fields[author]=id' },
  { path: `/api/posts?${Array.from({ length: 60 }, (_, index) => `filter[or][${index}][id]=1`).join('&')}` },
  post('{"title":'),
  post(Buffer.from('{"title":"\xff"}', 'latin1')),
  post('{"title":"t","title":"u"}'),
  post('{"__proto__":1}'),
  post(undefined),
  post('[]x'),
  post({}),
  post({ title: null }),
  post({ title: 'x'.repeat(201) }),
  post({ title: 't', nmae: 1 }),
  post({ title: 't', id: 1 }),
  post({ title: 't', views: 'many' }),
  post({ title: 't', author_id: 999_999 }),
  post([{ title: 't' }, { title: 1 }]),
  post(Array.from({ length: 1_001 }, () => ({ title: 't' }))),
  post({ title: 't' }, { headers: { 'content-type': 'text/plain' } }),
  post({ title: 't' }, { headers: { 'content-encoding': 'gzip' } }),
  post(JSON.stringify('x'.repeat(1_200_000))),
  { method: 'POST', path: '/api/tags', body: { name: 'red' } },
  { method: 'POST', path: '/api/tags', body: [{ name: 'blue' }, { name: 'red' }] },
  { method: 'POST', path: '/api/tags', body: { name: randomBytes(8_000).toString('hex') } },
  { method: 'POST', path: '/api/ratings', body: { post_id: 1, critic: 'critic 1', stars: 2 } },
  { method: 'PATCH', path: '/api/posts/1', body: { id: 2 } },
  { method: 'PATCH', path: '/api/posts/1', body: { title: 'u' }, headers: { 'if-match': '"other"' } },
  {
    method: 'PATCH',
    path: '/api/posts',
    body: [
      { id: 1, title: 'u' },
      { id: 1, title: 'v' },
    ],
  },
  { method: 'PATCH', path: '/api/posts', body: [{ id: 999_999, title: 'u' }] },
  { method: 'PATCH', path: '/api/posts', body: [{ title: 'u' }] },
  { method: 'DELETE', path: '/api/posts', body: { id: 1 } },
  { method: 'DELETE', path: '/api/posts', body: [999_999] },
  { method: 'DELETE', path: '/api/ratings', body: [{ post_id: 1 }] },
  { method: 'DELETE', path: '/api/posts/999999' },
  { method: 'DELETE', path: '/api/authors/1' },
  { method: 'POST', path: '/api/comments/00000000-0000-0000-0000-000000000000/restore' },
  ...['error', 'text', 'nothing', 'client-error', 'odd-status', 'code', 'rejection', 'statement', 'cast', 'slow-statement', 'slow'].map(
    (name) => ({ path: `/fails/${name}` }),
  ),
  { method: 'POST', path: '/api/comments', body: { post_id: 1, text: 'refused by the trigger' } },
  { method: 'PATCH', path: '/api/ratings/2/critic%202', body: { note: 'the column is gone' } },
]

/** Bytes that never become a request. */
const broken: readonly string[] = [
  `${canary}\r\n\r\n`,
  `GET /${canary} HTTP/9.9\r\nHost: a\r\n\r\n`,
  `GET /${canary} HTTP/1.1\r\nConnection: close\r\n\r\n`,
  `GET /api/posts HTTP/1.1\r\nHost: a\r\n${canary} : x\r\n\r\n`,
  `${canary.toUpperCase()} /${canary} HTTP/1.1\r\nHost: a\r\n\r\n`,
  `GET /api/posts HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
  `POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Length: ${canary}\r\n\r\n`,
  'POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
]

/** Changes below the application that its models know nothing of. */
const sabotage = `
  create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'select secret from vault where path = ''/home/x.ts'' and %', new.text;
  end $$;
  create trigger refuse before insert on comments for each row execute function refuse();
  alter table ratings rename column note to gone;
`

async function sabotaged(app: LiveApp): Promise<void> {
  await fillBlog(app.test)
  for (const statement of sabotage.split(/;\n {2}(?=create trigger|alter)/)) await app.test.app.db.query(statement)
}

async function rawReply(port: number, bytes: string): Promise<Reply> {
  const { status, headers: received, body, elapsedMs } = await rawRequest(port, bytes)
  return { status, headers: received, text: body, elapsedMs, json: () => JSON.parse(body) as unknown }
}

describe.each(['envelope', 'bare', 'problem'] as const)('I12: errors in the format %s', (format: ReplyFormat) => {
  let app: LiveApp

  beforeAll(async () => {
    const environment = { HANDLER_TIMEOUT: '1s', DB_STATEMENT_TIMEOUT: '500ms' }
    app = await liveApp(blog({}, { replies: format, routes: [failing] }), environment)
    await sabotaged(app)
  })
  afterAll(() => app.stop())

  test('every refusal and failure is in form and tells nothing', async () => {
    const replies = await Promise.all(
      refusals.map(async (call) => ({ call, reply: await app.send({ ...call, headers: { ...headers, ...call.headers } }) })),
    )
    for (const { call, reply } of replies) {
      expect(reply.status, describeCall(call)).toBeGreaterThanOrEqual(400)
      expect(errorProblems(reply, format, [canary]), describeCall(call)).toEqual([])
    }
    const statuses = new Set(replies.map(({ reply }) => reply.status))
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([400, 404, 405, 409, 412, 413, 414, 415, 422, 500, 503])
    expect(new Set(replies.map(({ reply }) => codeOf(reply))).size).toBeGreaterThan(35)
  })

  test('so is what never becomes a request', async () => {
    for (const bytes of broken) {
      const reply = await rawReply(app.port, bytes)
      expect(reply.status, bytes.slice(0, 60)).toBeGreaterThanOrEqual(400)
      expect(errorProblems(reply, format, [canary]), bytes.slice(0, 60)).toEqual([])
    }
  })

  test('a handler that fails after it has answered harms nobody', async () => {
    expect((await app.send({ path: '/fails/twice' })).text).not.toContain('password')
    expect((await app.send({ path: '/health' })).status).toBe(200)
  })

  test('a write that fails has changed nothing', async () => {
    expect(await app.test.app.db.query('select count(*)::int as count from comments')).toEqual([{ count: 3 }])
  })
})

describe('I12: errors without a database', () => {
  test.each(['envelope', 'bare', 'problem'] as const)(
    'in the format %s every operation is a 503 that tells nothing, and works again afterwards',
    async (format) => {
      const proxy = await startTcpProxy(Number(new URL(testDatabase().url).port))
      const url = new URL(testDatabase().url)
      url.port = String(proxy.port)
      const app = await liveApp(blog({}, { replies: format }), {}, url.href)
      await fillBlog(app.test)
      await proxy.refuse()
      const calls: readonly Call[] = [
        { path: '/api/posts' },
        { path: '/api/posts/1' },
        { path: '/api/posts?include=author&count=exact' },
        post({ title: 't' }),
        post([{ title: 't' }]),
        { method: 'DELETE', path: '/api/posts/1' },
      ]
      for (const call of calls) {
        const reply = await app.send(call)
        expect([reply.status, reply.headers['retry-after'], errorProblems(reply, format)], describeCall(call)).toEqual([503, '1', []])
      }
      await proxy.accept()
      await expect.poll(async () => (await app.send({ path: '/api/posts' })).status, { timeout: 10_000 }).toBe(200)
      await app.stop()
      await proxy.close()
    },
  )
})

describe('I12: controls', () => {
  let app: LiveApp

  beforeAll(async () => {
    app = await liveApp(blog({}, { routes: [talkative] }))
  })
  afterAll(() => app.stop())

  test.each([
    ['database', "PostgreSQL's own words"],
    ['stack', 'a stack'],
    [canary, `repeats "${canary}"`],
    [canary, 'is not in the form'],
  ])('a reply that shows what /talkative/%s shows is caught: %s', async (name, problem) => {
    const reply = await app.send({ path: `/talkative/${name}` })
    expect(errorProblems(reply, 'envelope', [canary]).join('\n')).toContain(problem)
  })
})

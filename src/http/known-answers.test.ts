import { type IncomingHttpHeaders, request as httpRequest, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import { rawRequest, testServer, type TestServer } from '../../test/support/http-server.ts'

interface Known extends TestServer {
  readonly port: number
  /** How often the handler was asked. */
  handled(): number
  /** Whether what was kept is still right. */
  right: boolean
}

const text = '{"name":"Zoë"}'

/** `/known/:id` is answered with the same each time, and says so. */
async function serving(env: Record<string, string> = {}, { body = Buffer.from(text), status = 200, open = true } = {}): Promise<Known> {
  const server = testServer(env)
  let handled = 0
  const known: Known = { ...server, port: 0, right: true, handled: () => handled }
  if (open) server.app.knownAnswers.open(server.app)
  server.app.route({
    method: ['GET', 'HEAD', 'POST'],
    url: '/known/:id',
    handler: (request, reply) => {
      handled += 1
      reply.code(status).header('content-type', 'application/json; charset=utf-8').header('etag', '"a"').send(body)
      server.app.knownAnswers.keep(request, reply, body, { isRight: () => known.right, sent: () => undefined })
    },
  })
  onTestFinished(() => server.app.close())
  return Object.assign(known, { port: await server.listen() })
}

interface Reply {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function ask({ port }: Known, options: RequestOptions = {}, body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ port, host: '127.0.0.1', path: '/known/1', ...options }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => resolve({ status: incoming.statusCode, headers: incoming.headers, text: Buffer.concat(chunks).toString() }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function requestLines({ lines }: TestServer): TestServer['lines'] {
  return lines.filter(({ message }) => message === 'request')
}

function withoutOwn({ headers, ...reply }: Reply): unknown {
  return { ...reply, headers: { ...headers, date: undefined, 'x-request-id': undefined } }
}

test('an address that was answered once is answered without its handler: the same bytes and headers, with an id of its own', async () => {
  const server = await serving()
  const usual = await ask(server)
  const known = await ask(server)
  expect(server.handled()).toBe(1)
  expect(withoutOwn(known)).toEqual(withoutOwn(usual))
  expect(known.headers['x-request-id']).not.toBe(usual.headers['x-request-id'])
  expect(known.text).toBe(text)
})

test('it is counted and has its access line like the others', async () => {
  const server = await serving()
  const ids = [await ask(server), await ask(server)].map(({ headers }) => headers['x-request-id'])
  await expect.poll(() => requestLines(server).length).toBe(2)
  const [usual, known] = requestLines(server)
  expect(known).toEqual({ ...usual, time: expect.any(String), durationMs: expect.any(Number), requestId: ids[1] })
  expect(await server.metrics.text()).toMatch(/_count\{method="GET",route="\/known\/:id",status="200"\} 2/)
})

test.each<[what: string, options: RequestOptions, body?: string]>([
  ['another address', { path: '/known/1?' }],
  ['HEAD', { method: 'HEAD' }],
  ['another method', { method: 'POST', headers: { 'content-type': 'application/json' } }, '{}'],
  ['a condition', { headers: { 'if-none-match': '"a"' } }],
  ['a version of the route', { headers: { 'accept-version': '1' } }],
  ['a token, which may be wrong', { headers: { authorization: 'Bearer a' } }],
  ['an origin', { headers: { origin: 'https://app.example.com' } }],
  ['a body', { headers: { 'content-length': 2, 'content-type': 'application/json' } }, '{}'],
])('%s goes the usual way', async (_what, options, body) => {
  const server = await serving()
  await ask(server)
  await ask(server, options, body)
  expect(server.handled()).toBe(2)
})

test('what the usual way refuses stays refused', async () => {
  const server = await serving()
  await ask(server)
  expect((await rawRequest(server.port, 'GET /known/1 HTTP/1.1\r\nConnection: close\r\n\r\n')).status).toBe(400)
  expect((await rawRequest(server.port, 'GET /known/1 HTTP/1.0\r\nHost: a\r\n\r\n')).status).toBe(200)
  expect(server.handled()).toBe(2)
})

test('an answer that is not right any more is made anew, and the new one is kept', async () => {
  const server = await serving()
  await ask(server)
  server.right = false
  await ask(server)
  server.right = true
  await ask(server)
  expect(server.handled()).toBe(2)
})

test.each([
  ['is longer than 8 KB', { body: Buffer.from(JSON.stringify('x'.repeat(9_000))) }],
  ['is no text', { body: Buffer.from([0x22, 0xff, 0x22]) }],
  ['is no success', { status: 203 }],
  ['comes before hooks are complete', { open: false }],
])('what %s is not kept', async (_what, options) => {
  const server = await serving({}, options)
  await ask(server)
  await ask(server)
  expect(server.handled()).toBe(2)
})

let runs = 0
const hook = (_request: unknown, _reply: unknown, done: () => void): void => {
  runs += 1
  done()
}

test.each<[what: string, add: (app: FastifyInstance) => unknown]>([
  ['a hook of the server itself', (app) => app.addHook('onRequest', hook)],
  [
    'a hook of a plugin that extends the server',
    (app) => app.register(Object.assign(async (server: FastifyInstance) => void server.addHook('onRequest', hook), extending)),
  ],
])('%s sees every request', async (_what, add) => {
  const server = testServer()
  server.app.knownAnswers.open(server.app)
  await add(server.app)
  server.app.get('/known', (request, reply) => {
    reply.send(Buffer.from(text))
    server.app.knownAnswers.keep(request, reply, Buffer.from(text), { isRight: () => true, sent: () => undefined })
  })
  onTestFinished(() => server.app.close())
  const port = await server.listen()
  runs = 0
  for (const _ of 'ab') await ask({ ...server, port } as Known, { path: '/known' })
  expect(runs).toBe(2)
})

const extending = { [Symbol.for('skip-override')]: true }

test('a hook of a plugin for its own routes changes nothing for the others', async () => {
  const server = testServer()
  server.app.knownAnswers.open(server.app)
  let handled = 0
  server.app.get('/known', (request, reply) => {
    handled += 1
    reply.send(Buffer.from(text))
    server.app.knownAnswers.keep(request, reply, Buffer.from(text), { isRight: () => true, sent: () => undefined })
  })
  await server.app.register(async (plugin) => {
    plugin.addHook('onRequest', hook)
  })
  onTestFinished(() => server.app.close())
  const port = await server.listen()
  for (const _ of 'ab') await ask({ ...server, port } as Known, { path: '/known' })
  expect(handled).toBe(1)
})

test.each([
  ['behind two proxies, one of them trusted', '127.0.0.1', '203.0.113.9, 198.51.100.7', '198.51.100.7'],
  ['behind two that are trusted', '127.0.0.1,198.51.100.0/24', '203.0.113.9 ,198.51.100.7', '203.0.113.9'],
  ['behind one that is not', '10.0.0.0/8', '203.0.113.9', '127.0.0.1'],
])('the address of a client %s is the one that Fastify finds', async (_what, TRUSTED_PROXIES, forwarded, ip) => {
  const server = await serving({ TRUSTED_PROXIES })
  for (const _ of 'ab') await ask(server, { headers: { 'x-forwarded-for': forwarded } })
  await expect.poll(() => requestLines(server).map(({ ip }) => ip)).toEqual([ip, ip])
  expect(server.handled()).toBe(1)
})

test('requests that come before the answers to others are answered in order', async () => {
  const server = await serving()
  const get = (path: string, rest = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`
  await ask(server)
  const { text: all } = await rawRequest(server.port, get('/known/1') + get('/nowhere') + get('/known/1', 'Connection: close\r\n'))
  expect([...all.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '404', '200'])
  expect(server.handled()).toBe(2)
})

test('while the server drains every answer says so', async () => {
  const server = await serving()
  await ask(server)
  server.app.inFlight.closeConnections()
  expect((await ask(server)).headers.connection).toBe('close')
})

test('A9: a client that asks on and takes nothing is cut off', async () => {
  const server = await serving({ REPLY_TIMEOUT: '300ms' }, { body: Buffer.from(JSON.stringify('x'.repeat(8_000))) })
  await ask(server)
  const socket = connect(server.port, '127.0.0.1').pause()
  onTestFinished(() => void socket.destroy())
  let closed = false
  socket.on('error', () => {}).on('close', () => (closed = true))
  const linger = vi.spyOn(server.app.inFlight, 'linger')
  while (linger.mock.calls.length === 0) {
    const answered = requestLines(server).length
    socket.write('GET /known/1 HTTP/1.1\r\nHost: a\r\n\r\n')
    await vi.waitFor(() => expect(requestLines(server).length).toBeGreaterThan(answered), { interval: 1 })
  }
  expect([server.handled(), server.app.inFlight.size]).toEqual([1, 1])
  await expect.poll(() => server.app.inFlight.size, { timeout: 10_000 }).toBe(0)
  socket.resume()
  await expect.poll(() => closed, { timeout: 10_000 }).toBe(true)
})

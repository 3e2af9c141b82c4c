// Known answers whose rightness has to be asked elsewhere: what becomes of a request that waits outside of Fastify meanwhile.

import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { rawRequest, testServer, type TestServer } from '../../test/support/http-server.ts'
import { silentLog } from '../core/log.ts'
import { drainServer } from './drain.ts'

interface Holding extends TestServer {
  readonly port: number
  /** How often the handler was asked. */
  handled(): number
  /** How often a known answer was sent. */
  sent(): number
  /** Who waits to be told whether the answer is right, in order. */
  readonly waiting: { readonly request: IncomingMessage; readonly tell: PromiseWithResolvers<boolean> }[]
}

const text = '{"name":"Zoë"}'

/** `/known` was answered once, with `text`; from then on each request waits until the test tells it. */
async function holding(env: Record<string, string> = {}): Promise<Holding> {
  const server = testServer(env)
  const counts = { handled: 0, sent: 0 }
  const waiting: Holding['waiting'] = []
  const isRight = (request: IncomingMessage): Promise<boolean> => {
    const tell = Promise.withResolvers<boolean>()
    waiting.push({ request, tell })
    return tell.promise
  }
  server.app.knownAnswers.open(server.app)
  server.app.get('/known', (request, reply) => {
    counts.handled += 1
    reply.header('content-type', 'application/json; charset=utf-8').send(Buffer.from(text))
    server.app.knownAnswers.keep(request, reply, Buffer.from(text), { isRight, sent: () => (counts.sent += 1) })
  })
  server.app.get('/other', () => 'other')
  onTestFinished(() => server.app.close())
  const port = await server.listen()
  const holds = { ...server, port, handled: () => counts.handled, sent: () => counts.sent, waiting }
  await ask(holds).reply
  return holds
}

interface Reply {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function ask({ port }: Pick<Holding, 'port'>, agent: Agent | false = false): { readonly reply: Promise<Reply>; leave(): void } {
  const outgoing = httpRequest({ port, host: '127.0.0.1', path: '/known', agent })
  const reply = new Promise<Reply>((resolve, reject) => {
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => resolve({ status: incoming.statusCode, headers: incoming.headers, text: Buffer.concat(chunks).toString() }))
    })
    outgoing.on('error', reject)
  })
  outgoing.end()
  return { reply, leave: () => outgoing.destroy() }
}

/** The next request that waits. */
async function held(server: Holding): Promise<Holding['waiting'][number]> {
  await expect.poll(() => server.waiting.length).toBeGreaterThan(0)
  return server.waiting.shift() as Holding['waiting'][number]
}

function requestLines({ lines }: TestServer): TestServer['lines'] {
  return lines.filter(({ message }) => message === 'request')
}

test('when the answer is right it is sent without the handler, and counted with the time that asking took', async () => {
  const server = await holding()
  const { reply } = ask(server)
  const { tell } = await held(server)
  await sleep(30)
  tell.resolve(true)
  expect(await reply).toMatchObject({ status: 200, text })
  expect([server.handled(), server.sent()]).toEqual([1, 1])
  await expect.poll(() => requestLines(server).length).toBe(2)
  expect(requestLines(server)[1]).toMatchObject({ status: 200, route: '/known', requestId: (await reply).headers['x-request-id'] })
  expect(requestLines(server)[1]?.['durationMs']).toBeGreaterThan(25)
})

test.each([
  ['is not right', (tell: PromiseWithResolvers<boolean>) => tell.resolve(false)],
  ['cannot be asked about', (tell: PromiseWithResolvers<boolean>) => tell.reject(new Error('away'))],
])('an answer that %s is made the usual way, and its time begins when the request came', async (_what, say) => {
  const server = await holding()
  const { reply } = ask(server)
  const { tell } = await held(server)
  await sleep(30)
  say(tell)
  expect(await reply).toMatchObject({ status: 200, text })
  expect([server.handled(), server.sent(), server.app.inFlight.size]).toEqual([2, 0, 0])
  await expect.poll(() => requestLines(server).length).toBe(2)
  expect(requestLines(server)[1]?.['durationMs']).toBeGreaterThan(25)
})

test('a request that waits is in flight and worked on, until it is answered', async () => {
  const server = await holding()
  const { inFlight } = server.app
  for (const isRight of [true, false]) {
    const { reply } = ask(server)
    const { tell } = await held(server)
    expect([inFlight.size, inFlight.working]).toEqual([1, 1])
    tell.resolve(isRight)
    await reply
    expect([inFlight.size, inFlight.working]).toEqual([0, 0])
  }
})

test('requests that wait keep others out when there are as many as may be', async () => {
  const server = await holding({ IN_FLIGHT_LIMIT: '1' })
  const { reply } = ask(server)
  const { tell } = await held(server)
  expect((await ask(server).reply).status).toBe(503)
  tell.resolve(true)
  expect((await reply).status).toBe(200)
})

test('a server that stops waits for it, and its answer closes the connection', async () => {
  const server = await holding()
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const { reply } = ask(server, agent)
  const { tell } = await held(server)
  let stopped = false
  const stopping = drainServer(server.app, { drainMs: 0, shutdownMs: 5_000 }, silentLog()).then(() => (stopped = true))
  await expect.poll(() => server.app.inFlight.closing).toBe(true)
  await sleep(100)
  expect(stopped).toBe(false)
  tell.resolve(true)
  expect(await reply).toMatchObject({ status: 200, text, headers: { connection: 'close' } })
  await stopping
})

test('when its client has gone meanwhile it is recorded as any other, and nothing stays in flight', async () => {
  const server = await holding({ HANDLER_TIMEOUT: '100ms' })
  const { reply, leave } = ask(server)
  const { tell, request } = await held(server)
  leave()
  await expect(reply).rejects.toThrow()
  await expect.poll(() => request.socket.destroyed).toBe(true)
  tell.resolve(true)
  await expect.poll(() => requestLines(server).map(({ status }) => status)).toEqual([200, 499])
  expect([server.sent(), server.app.inFlight.size, server.app.inFlight.working]).toEqual([0, 0, 0])
})

test('a hook that is added while it waits sees it', async () => {
  const server = await holding()
  const { reply } = ask(server)
  const { tell } = await held(server)
  // Fastify itself takes no more hooks once it listens; whoever gets around that is not left out either.
  try {
    server.app.addHook('onSend', (_request, _reply, payload, done) => done(null, payload))
  } catch {}
  tell.resolve(true)
  expect((await reply).text).toBe(text)
  expect([server.handled(), server.sent()]).toEqual([2, 0])
})

test.each([true, false])('requests behind it on its connection are answered after it (right: %s)', async (isRight) => {
  const server = await holding()
  const get = (path: string, rest = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`
  const reply = rawRequest(server.port, get('/known') + get('/other') + get('/known', 'Connection: close\r\n'))
  const { tell } = await held(server)
  await expect.poll(() => server.app.inFlight.size).toBe(3)
  tell.resolve(isRight)
  const bodies = (await reply).text.split(/HTTP\/1\.1 200/).map((one) => one.split('\r\n\r\n')[1])
  expect(bodies.slice(1)).toEqual([text, 'other', text].map((body) => Buffer.from(body).toString('latin1')))
  expect(server.handled()).toBe(isRight ? 2 : 3)
})

test('garbage behind it is refused, and the answer is not written behind that', async () => {
  const server = await holding()
  const socket = connect(server.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString())).on('error', () => {})
  socket.write('GET /known HTTP/1.1\r\nHost: a\r\n\r\n')
  const { tell } = await held(server)
  socket.write('garbage\r\n\r\n')
  await expect.poll(() => received).toContain('400 Bad Request')
  tell.resolve(true)
  await expect.poll(() => server.app.inFlight.size, { timeout: 10_000 }).toBe(0)
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400'])
  expect(server.sent()).toBe(0)
})

import { once } from 'node:events'
import { Agent, request as send } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type RawReply, rawRequest, type TestServer, testServer } from '../../test/support/http-server.ts'
import { LoopDelay } from './loop-delay.ts'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  /** Whether the connection had carried a request before. */
  readonly reused: boolean
}

async function listening(env: Record<string, string>): Promise<{ server: TestServer; ask: Ask; port: number; release: () => void }> {
  const server = testServer(env)
  const held = Promise.withResolvers<void>()
  server.app.get('/held', async () => held.promise.then(() => ({ held: true })))
  server.app.post('/items', async (request) => request.body)
  server.app.get('/ok', async () => ({ ok: true }))
  server.app.get('/busy', async () => {
    for (const until = performance.now() + 4; performance.now() < until;);
    await sleep(20)
    return { ok: true }
  })
  server.app.get('/health/live', { config: { quiet: true } }, async () => ({ status: 'ok' }))
  const port = await server.listen()
  const agent = new Agent({ keepAlive: true })
  onTestFinished(async () => {
    held.resolve()
    agent.destroy()
    await server.app.close()
  })
  return { server, port, ask: asker(port, agent), release: held.resolve }
}

type Ask = (path: string, body?: string) => Promise<Answer>

function asker(port: number, agent: Agent): Ask {
  return (path, body) =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }
      const outgoing = send({ port, host: '127.0.0.1', agent, path, method: body === undefined ? 'GET' : 'POST', headers }, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
            reused: outgoing.reusedSocket,
          }),
        )
      })
      outgoing.on('error', reject).end(body)
    })
}

const refusals = (server: TestServer): unknown[] =>
  server.lines.map(({ message }) => message).filter((message) => /refused/.test(String(message)))

test('what is over the limit gets 503 at once, those let in are answered, and probes always', async () => {
  const { server, ask, release } = await listening({ IN_FLIGHT_LIMIT: '2' })
  const held = [ask('/held'), ask('/held')]
  await expect.poll(() => server.app.inFlight.working).toBe(2)
  const refused = await ask('/ok')
  expect(refused).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1', 'x-content-type-options': 'nosniff', 'content-type': 'application/json; charset=utf-8' },
  })
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'HTTP_OVERLOADED', requestId: refused.headers['x-request-id'] })
  expect(await ask('/health/live')).toMatchObject({ status: 200 })
  release()
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200])
  expect(await ask('/ok')).toMatchObject({ status: 200 })
  const text = await server.metrics.text()
  expect(text).toContain('plinth_requests_refused_total{reason="in_flight"} 1')
  expect(text).toContain('http_requests_total{method="GET",route="unknown",status="503"} 1')
})

test('the log has a line when it begins and one when it is over, not one per refusal', async () => {
  const { server, ask, release } = await listening({ IN_FLIGHT_LIMIT: '1' })
  const held = ask('/held')
  await expect.poll(() => server.app.inFlight.working).toBe(1)
  for (let count = 0; count < 20; count += 1) await ask('/ok')
  expect(refusals(server)).toEqual(['too many requests at once: the surplus is refused'])
  release()
  await held
  await expect.poll(() => refusals(server).at(-1), { timeout: 10_000 }).toBe('no request is refused any more')
  expect(server.lines.find(({ refused }) => refused !== undefined)).toMatchObject({ refused: 20 })
})

test('the connection of a refused request is usable, also with its body unread', async () => {
  const { server, ask, release } = await listening({ IN_FLIGHT_LIMIT: '1' })
  const held = ask('/held')
  await expect.poll(() => server.app.inFlight.working).toBe(1)
  expect(await ask('/items', JSON.stringify({ text: 'x'.repeat(100_000) }))).toMatchObject({ status: 503 })
  release()
  await held
  expect(await ask('/items', '{"a":1}')).toMatchObject({ status: 200, body: '{"a":1}', reused: true })
})

test('clients that are slow to send keep nobody out', async () => {
  const { server, port, ask } = await listening({ IN_FLIGHT_LIMIT: '2' })
  const slow = Array.from({ length: 10 }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('POST /items HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a"')
    return socket
  })
  await expect.poll(() => server.app.inFlight.size).toBe(10)
  expect(await ask('/ok')).toMatchObject({ status: 200 })
  expect(await ask('/items', '{"a":1}')).toMatchObject({ status: 200 })
  for (const socket of slow) socket.write(':1}')
  await expect.poll(() => [server.app.inFlight.size, server.app.inFlight.working]).toEqual([0, 0])
  for (const socket of slow) socket.destroy()
})

test('a body that nobody reads, of a GET, lets nobody past the limit, nor past its time', async () => {
  const { server, port, ask } = await listening({ IN_FLIGHT_LIMIT: '2', HANDLER_TIMEOUT: '300ms' })
  const get = (length: number): Promise<RawReply> =>
    rawRequest(port, `GET /held HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n{}`)
  const held = [get(2), get(200_000)]
  await expect.poll(() => server.app.inFlight.working).toBe(2)
  expect((await ask('/ok')).status).toBe(503)
  expect((await Promise.all(held)).map(({ status, body }) => [status, (JSON.parse(body) as { code: string }).code])).toEqual([
    [503, 'HTTP_TIMEOUT'],
    [503, 'HTTP_TIMEOUT'],
  ])
})

test('clients that leave make no room for others while their handlers run', async () => {
  const { server, port, ask, release } = await listening({ IN_FLIGHT_LIMIT: '2', HANDLER_TIMEOUT: '2s' })
  const gone = () => expect(rawRequest(port, 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n', 50)).rejects.toThrow('did not close')
  await Promise.all([gone(), gone()])
  // The requests are looked after twice a second here.
  await sleep(1_100)
  expect([server.app.inFlight.working, (await ask('/ok')).status]).toEqual([2, 503])
  release()
  await expect.poll(() => server.app.inFlight.working).toBe(0)
  expect((await ask('/ok')).status).toBe(200)
  expect(server.lines.filter(({ route }) => route === '/held').map(({ status }) => status)).toEqual([499, 499])
})

/** Sends the head of a request with a body of so many bytes, and the first of them. */
function beginPost(port: number, length: number, sent: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`POST /items HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`)
  socket.write(' '.repeat(sent))
  return socket
}

async function answerOn(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString().split('\r\n')[0] ?? ''
}

test('bodies on their way have bounded memory: the youngest are refused, the oldest and small ones are taken', async () => {
  const { server, port, ask } = await listening({ ARRIVING_LIMIT: '1MB' })
  const oldest = [beginPost(port, 500_002, 400_000), beginPost(port, 500_002, 400_000)]
  await expect.poll(() => server.app.inFlight.size).toBe(2)
  const young = Array.from({ length: 5 }, () => beginPost(port, 900_000, 800_000))
  expect(await Promise.all(young.map(answerOn))).toEqual(young.map(() => 'HTTP/1.1 503 Service Unavailable'))
  for (const socket of young) socket.destroy()
  await expect.poll(async () => (await ask('/items', '{"a":1}')).status).toBe(200)
  for (const socket of oldest) socket.write(`${' '.repeat(100_000)}[]`)
  expect(await Promise.all(oldest.map(answerOn))).toEqual(oldest.map(() => 'HTTP/1.1 200 OK'))
  for (const socket of oldest) socket.destroy()
  expect(await server.metrics.text()).toMatch(/plinth_requests_refused_total\{reason="bodies"\} [5-9]/)
  expect(server.app.inFlight.working).toBe(0)
})

test('a body counts by what has come of it: large ones that are only announced keep nobody out', async () => {
  const { server, port, ask } = await listening({ ARRIVING_LIMIT: '64KB' })
  const slow = Array.from({ length: 50 }, () => beginPost(port, 1_000_000, 100))
  await expect.poll(() => server.app.inFlight.size).toBe(50)
  await sleep(200)
  expect(await ask('/items', '{"a":1}')).toMatchObject({ status: 200 })
  expect(server.app.inFlight.size).toBe(50)
  for (const socket of slow) socket.destroy()
})

test('while the event loop is late fewer are let in, and all again when it is in time', async () => {
  const { server, ask } = await listening({ IN_FLIGHT_LIMIT: '500', LOOP_DELAY_LIMIT: '10ms' })
  let going = true
  const statuses = new Set<number>()
  const lane = async (): Promise<void> => {
    while (going) statuses.add((await ask('/busy')).status)
  }
  const lanes = Array.from({ length: 100 }, lane)
  await expect.poll(() => statuses, { timeout: 10_000 }).toEqual(new Set([200, 503]))
  going = false
  await Promise.all(lanes)
  const text = await server.metrics.text()
  expect(text).toMatch(/plinth_requests_refused_total\{reason="event_loop"\} [1-9]/)
  expect(text).toContain('plinth_requests_refused_total{reason="in_flight"} 0')
  await expect
    .poll(async () => (await ask('/ok'), server.metrics.text()), { timeout: 15_000, interval: 100 })
    .toContain('plinth_requests_in_flight{number="most"} 500')
})

test.each([120, 1_500])('one turn of %i ms alone lets nobody out', async (turnMs) => {
  const delay = new LoopDelay(100, 50, () => 100)
  onTestFinished(() => delay.close())
  delay.watch()
  await sleep(60)
  for (const until = performance.now() + turnMs; performance.now() < until;);
  await sleep(100)
  expect(delay.most).toBe(100)
})

test('a process that has become idle lets all in again, without being asked', async () => {
  let working = 10
  const delay = new LoopDelay(100, 20, () => working)
  onTestFinished(() => delay.close())
  delay.watch()
  for (let turn = 0; turn < 8; turn++) {
    await sleep(55)
    for (const until = performance.now() + 100; performance.now() < until;);
  }
  expect(delay.most).toBeLessThan(20)
  working = 0
  await expect.poll(() => delay.most, { timeout: 10_000 }).toBe(100)
})

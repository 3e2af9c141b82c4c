import { request as httpRequest, Agent } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { startChildServer, type ChildServer } from '../../test/support/child-server.ts'
import { testServer } from '../../test/support/http-server.ts'
import { silentLog } from '../core/log.ts'
import { drainServer } from './drain.ts'

const children: ChildServer[] = []

afterEach(() => {
  for (const { child } of children.splice(0)) child.kill('SIGKILL')
})

async function child(settings: Record<string, string> = {}): Promise<ChildServer> {
  const server = await startChildServer(settings)
  children.push(server)
  return server
}

interface Answer {
  readonly status: number
  readonly connection: string | undefined
  readonly body: string
}

function ask(port: number, path: string, agent: Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, path, agent }, (incoming) => {
      let body = ''
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString()))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, connection: incoming.headers.connection, body }))
      incoming.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

describe('A1: a stop loses no request', () => {
  test('requests in flight are finished, their connections closed, and the process ends with 0', async () => {
    const server = await child()
    const agent = new Agent({ keepAlive: true })
    await ask(server.port, '/ok', agent)
    const answers = Array.from({ length: 20 }, () => ask(server.port, '/slower', agent))
    await sleep(100)
    server.child.kill('SIGTERM')
    for (const answer of await Promise.all(answers)) expect(answer).toEqual({ status: 200, connection: 'close', body: '{"finished":true}' })
    expect(await server.exited).toBe(0)
    agent.destroy()
  })

  test('while it drains, new connections are still served; when there are no more, answers on old ones close them', async () => {
    const kept = new Agent({ keepAlive: true })
    const server = await child({ DRAIN_TIME: '300ms' })
    server.child.kill('SIGTERM')
    await sleep(100)
    // Whoever is told to come again on a new connection may come just when no more are accepted.
    expect(await ask(server.port, '/ok', kept)).toMatchObject({ status: 200, connection: 'keep-alive' })
    await sleep(300)
    expect(await ask(server.port, '/ok', kept)).toMatchObject({ status: 200, connection: 'close' })
    expect(await server.exited).toBe(0)
    await expect(ask(server.port, '/ok')).rejects.toThrow('ECONNREFUSED')
  })

  test('clients that keep asking while a process is replaced see no failure: 0 of all', async () => {
    const first = await child({ DRAIN_TIME: '300ms' })
    const second = await child({ DRAIN_TIME: '300ms' })
    const counts = { asked: 0, failed: 0 }
    let done = false
    // Like a proxy with two upstreams that stops using one as soon as that one says `Connection: close`.
    const upstreams = new Set([first.port, second.port])
    const client = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (!done) {
        for (const port of upstreams) {
          counts.asked += 1
          const answer = await ask(port, '/slow', agent).catch(() => undefined)
          if (answer?.status !== 200) counts.failed += 1
          if (answer?.connection === 'close') upstreams.delete(port)
        }
      }
      agent.destroy()
    }
    const clients = Array.from({ length: 16 }, client)
    await sleep(300)
    first.child.kill('SIGTERM')
    expect(await first.exited).toBe(0)
    await sleep(200)
    done = true
    await Promise.all(clients)
    expect(counts.asked).toBeGreaterThan(100)
    expect(counts.failed).toBe(0)
  })

  test('control: the same clients see failures when the process is killed', async () => {
    const server = await child()
    const answers = Array.from({ length: 20 }, () => ask(server.port, '/slower').catch(() => undefined))
    await sleep(100)
    server.child.kill('SIGKILL')
    expect((await Promise.all(answers)).filter((answer) => answer === undefined)).toHaveLength(20)
  })

  test('a request that does not end is closed when the time is over, and named in the log', async () => {
    const server = await child({ SHUTDOWN_TIMEOUT: '100ms' })
    const answer = ask(server.port, '/slower').catch((error: Error) => error.message)
    await sleep(100)
    server.child.kill('SIGTERM')
    expect(await answer).toMatch(/hang up|ECONNRESET/)
    expect(await server.exited).toBe(0)
    expect(server.output()).toContain('GET /slower')
  })

  test('an idle connection does not hold the stop up', async () => {
    const server = await child({ SHUTDOWN_TIMEOUT: '20s' })
    const agent = new Agent({ keepAlive: true })
    await ask(server.port, '/ok', agent)
    const start = performance.now()
    server.child.kill('SIGTERM')
    await server.exited
    expect(performance.now() - start).toBeLessThan(2_000)
    agent.destroy()
  })

  test('a second signal ends the process at once', async () => {
    const server = await child({ SHUTDOWN_TIMEOUT: '20s' })
    const answer = ask(server.port, '/endless').catch(() => undefined)
    await sleep(50)
    server.child.kill('SIGINT')
    await sleep(1_100)
    server.child.kill('SIGINT')
    expect(await server.exited).toBe(130)
    await answer
  })

  test('one Ctrl+C that arrives several times is one: what has begun is finished', async () => {
    const server = await child({ SHUTDOWN_TIMEOUT: '20s' })
    const answer = ask(server.port, '/slower')
    await sleep(50)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) {
      server.child.kill(signal)
      await sleep(50)
    }
    expect((await answer).status).toBe(200)
    expect(await server.exited).toBe(0)
  })
})

test('a connection that was accepted before the listener closed is served', async () => {
  const { app, listen } = testServer()
  app.get('/ok', (_request, reply) => reply.send('ok'))
  const port = await listen()
  const socket = connect(port, '127.0.0.1')
  const text = new Promise<string>((resolve) => {
    let received = ''
    socket.on('data', (chunk) => (received += chunk.toString()))
    socket.on('close', () => resolve(received))
  })
  socket.write('GET /ok HTTP/1.1\r\nHost: a\r\n\r\n')
  await drainServer(app, { drainMs: 0, shutdownMs: 2_000 }, silentLog())
  expect(await text).toMatch(/^HTTP\/1\.1 200 .*\bok$/is)
  await app.close()
})

test('one that retires accepts nothing more, answers on the connections it has, and then closes those that are idle', async () => {
  const { app, listen } = testServer()
  app.get('/ok', (_request, reply) => reply.send('ok'))
  const port = await listen()
  const [used, idle] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })]
  for (const agent of [used, idle]) await ask(port, '/ok', agent)
  const drained = drainServer(app, { drainMs: 0, shutdownMs: 100 }, silentLog(), { retiring: true })
  await sleep(300)
  await expect(ask(port, '/ok')).rejects.toThrow('ECONNREFUSED')
  expect(await ask(port, '/ok', used)).toMatchObject({ status: 200, connection: 'close' })
  await drained
  await expect(ask(port, '/ok', idle)).rejects.toThrow(/ECONNREFUSED|hang up/)
  await app.close()
})

test('a server that never listened is drained too: it waits for what was injected', async () => {
  const { app } = testServer()
  app.get('/slow', async () => {
    await sleep(50)
    return 'done'
  })
  await app.ready()
  const answer = app.inject('/slow')
  await sleep(10)
  await drainServer(app, { drainMs: 0, shutdownMs: 2_000 }, silentLog())
  expect(app.inFlight.size).toBe(0)
  expect((await answer).body).toBe('done')
  await app.close()
})

describe('A12: a crash is contained', () => {
  test('a throw in a handler is a 500 for one request, and the process goes on', async () => {
    const server = await child()
    expect((await ask(server.port, '/throws')).status).toBe(500)
    expect((await ask(server.port, '/ok')).status).toBe(200)
    expect(server.child.exitCode).toBeNull()
  })

  test.each([
    ['/rejects', 'unhandledRejection', 'nobody waits for this'],
    ['/throws-later', 'uncaughtException', 'in a timer'],
  ])('%s is logged as fatal, requests in flight are finished, and the process ends with 1', async (path, origin, message) => {
    const server = await child()
    const [own, other] = await Promise.all([ask(server.port, path), ask(server.port, '/slower')])
    expect([own.status, other.status]).toEqual([200, 200])
    expect(await server.exited).toBe(1)
    const fatal = server
      .output()
      .split('\n')
      .find((line) => line.includes('"level":"fatal"'))
    expect(JSON.parse(fatal ?? '{}')).toMatchObject({
      origin,
      err: { message, stack: expect.stringContaining('http-process.ts') as string },
    })
  })

  test('a crash while a request hangs ends the process all the same', async () => {
    const server = await child({ SHUTDOWN_TIMEOUT: '50ms' })
    await Promise.allSettled([ask(server.port, '/rejects'), ask(server.port, '/slower')])
    expect(await server.exited).toBe(1)
  })
})

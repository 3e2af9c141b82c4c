import { afterEach, describe, expect, test } from 'vitest'
import { testServer, type TestServer } from '../../test/support/http-server.ts'
import type { HealthCheck } from '../core/module.ts'
import type { PeerAnswer } from '../core/processes/messages.ts'
import type { Peers, Responder } from '../core/processes/peers.ts'
import { addHealthRoutes } from './health.ts'

const open: TestServer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ app }) => app.close()))
})

function server(checks: HealthCheck[] = [], env: Record<string, string> = {}, privateOnly = false): TestServer {
  const made = testServer(env)
  addHealthRoutes(made.app, { checks, metrics: made.metrics, version: '1.2.3', privateOnly })
  open.push(made)
  return made
}

const healthy: HealthCheck = { name: 'database', check: async () => ({ ok: true, pool: { size: 10 } }) }
const broken: HealthCheck = {
  name: 'database',
  check: async () => {
    throw new Error('canary at 10.0.0.7')
  },
}

test.each(['/health', '/health/live'])('%s is ok while the process serves, whatever it depends on', async (url) => {
  const reply = await server([broken]).app.inject(url)
  expect([reply.statusCode, reply.body, reply.headers['cache-control']]).toEqual([200, '{"status":"ok"}', 'no-store'])
})

describe('/health/ready', () => {
  test('is ok when everything required is', async () => {
    expect((await server([healthy]).app.inject('/health/ready')).body).toBe('{"status":"ok"}')
  })

  test('is a 503 that names what fails, without its error', async () => {
    const reply = await server([healthy, { ...broken, name: 'search' }]).app.inject('/health/ready')
    expect([reply.statusCode, reply.body]).toEqual([503, '{"status":"unavailable","failing":["search"]}'])
  })

  test('does not depend on what the application can serve without', async () => {
    expect((await server([{ ...broken, name: 'cache', required: false }]).app.inject('/health/ready')).statusCode).toBe(200)
  })

  test('A6: waits for a check that hangs no longer than a second', async () => {
    const start = performance.now()
    expect((await server([{ name: 'database', check: () => new Promise(() => {}) }]).app.inject('/health/ready')).statusCode).toBe(503)
    expect(performance.now() - start).toBeLessThan(1_500)
  })

  test('is a 503 while the process drains', async () => {
    const { app } = server([healthy])
    await app.ready()
    app.inFlight.drain()
    const reply = await app.inject('/health/ready')
    expect([reply.statusCode, reply.body]).toEqual([503, '{"status":"draining"}'])
  })

  test('stays ok while it drains alone, because others serve at the same address', async () => {
    const { app } = server([healthy])
    await app.ready()
    app.inFlight.drain({ retiring: true })
    expect((await app.inject('/health/ready')).body).toBe('{"status":"ok"}')
  })

  test('asks each dependency once for many probes at the same time', async () => {
    let asked = 0
    const { app } = server([{ name: 'database', check: async () => ({ ok: (asked += 1) > 0 }) }])
    await Promise.all(Array.from({ length: 20 }, () => app.inject('/health/ready')))
    expect(asked).toBe(1)
  })
})

describe('/health/details', () => {
  test('shows each dependency with what it reports and how long it took', async () => {
    const reply = await server([healthy, { ...broken, name: 'cache', required: false }]).app.inject('/health/details')
    expect(reply.json()).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      node: process.version,
      checks: {
        database: { ok: true, required: true, pool: { size: 10 }, latencyMs: expect.any(Number) as number },
        cache: { ok: false, required: false, error: 'did not answer' },
      },
    })
    expect(reply.body).not.toContain('canary')
  })

  test('lists the processes at the same address, also one that says nothing', async () => {
    const made = testServer()
    open.push(made)
    const answers: PeerAnswer[] = [{ worker: 0, answer: { pid: 1, restarts: 4 } }, { worker: 1 }]
    let tell: Responder = () => undefined
    const peers: Peers = {
      worker: 2,
      respond: (_question, responder) => void (tell = responder),
      ask: async () => [...answers, { worker: 2, answer: tell(undefined) }],
    }
    addHealthRoutes(made.app, { checks: [], metrics: made.metrics, privateOnly: false, peers })
    const own = { worker: 2, pid: process.pid, state: 'serving', requestsInFlight: 1, memoryBytes: expect.any(Number) as number }
    expect((await made.app.inject('/health/details')).json()).toMatchObject({
      status: 'ok',
      worker: 2,
      primary: { pid: 1, restarts: 4 },
      workers: [{ worker: 1, state: 'silent' }, own],
    })
    made.app.inFlight.drain({ retiring: true })
    expect((await made.app.inject('/health/details')).json()).toMatchObject({ workers: [{}, { state: 'draining' }] })
  })

  test('is a 404 for strangers where it is private, and so are the metrics', async () => {
    const { app } = server([healthy], { TRUSTED_PROXIES: 'loopback' }, true)
    for (const url of ['/health/details', '/metrics']) {
      expect((await app.inject({ url, headers: { 'x-forwarded-for': '198.51.100.9' } })).statusCode).toBe(404)
      expect((await app.inject({ url, headers: { 'x-forwarded-for': '10.1.2.3' } })).statusCode).toBe(200)
    }
    expect((await app.inject({ url: '/health/ready', headers: { 'x-forwarded-for': '198.51.100.9' } })).statusCode).toBe(200)
  })
})

test('/metrics is in the format of Prometheus', async () => {
  const { app } = server()
  await app.inject('/health')
  const reply = await app.inject('/metrics')
  expect(reply.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(reply.body).toContain('http_requests_total{method="GET",route="/health",status="200"} 1')
})

test('probes leave no line in the log above debug', async () => {
  const { app, lines } = server([healthy])
  for (const url of ['/health', '/health/ready', '/metrics']) await app.inject(url)
  expect(lines.map((line) => line.level)).toEqual(['debug', 'debug', 'debug'])
})

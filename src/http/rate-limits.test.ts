import type { InjectOptions } from 'fastify'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type TestLimits, type TestServer, testServer } from '../../test/support/http-server.ts'
import type { RouteRateLimit } from './rate-limits.ts'

/** The clock of the counts, in seconds; every test begins in the middle of nowhere. */
let seconds = 0
beforeEach(() => void (seconds = 1_000))

function server(env: Record<string, string> = {}, limits: TestLimits = {}): TestServer {
  const made = testServer(env, { now: () => seconds * 1_000, ...limits })
  onTestFinished(() => made.app.close())
  return made
}

/** A server with one route, `GET /`. */
function limited(rateLimit: RouteRateLimit, env: Record<string, string> = {}): TestServer {
  const made = server(env)
  made.app.get('/', { config: { rateLimit } }, () => 'done')
  return made
}

/** The statuses of requests one after the other. */
async function statuses({ app }: TestServer, count: number, request: InjectOptions = {}): Promise<number[]> {
  const found: number[] = []
  for (let number = 0; number < count; number += 1) found.push((await app.inject({ url: '/', ...request })).statusCode)
  return found
}

const from = (remoteAddress: string): InjectOptions => ({ remoteAddress })

test('what is over the limit is refused, and every answer says what is left and when to come again', async () => {
  const { app } = limited('2/1m')
  const first = await app.inject('/')
  expect([first.statusCode, first.body]).toEqual([200, 'done'])
  expect(first.headers).toMatchObject({
    'ratelimit-policy': '"address-1m";q=2;w=60',
    ratelimit: expect.stringMatching(/^"address-1m";r=1;t=6[012]$/),
    'ratelimit-limit': '2',
    'ratelimit-remaining': '1',
    'ratelimit-reset': expect.stringMatching(/^6[012]$/),
  })
  expect(first.headers['retry-after']).toBeUndefined()
  await app.inject('/')
  seconds += 20
  const third = await app.inject('/')
  expect(third.statusCode).toBe(429)
  expect(third.json()).toMatchObject({ code: 'HTTP_RATE_LIMITED', message: 'There were too many requests: 2/1m are allowed.' })
  const wait = Number(third.headers['retry-after'])
  expect(wait).toBeGreaterThanOrEqual(40)
  expect(wait).toBeLessThanOrEqual(42)
  expect(third.headers).toMatchObject({ 'ratelimit-remaining': '0', 'ratelimit-reset': String(wait), 'x-request-id': expect.any(String) })
  seconds += wait
  expect((await app.inject('/')).statusCode).toBe(200)
})

test('the window slides: where a minute ends, nobody gets the limit twice', async () => {
  const made = limited('5/1m')
  seconds = 60 * 1_000 - 1
  expect(await statuses(made, 6)).toEqual([200, 200, 200, 200, 200, 429])
  seconds += 2
  expect(await statuses(made, 2)).toEqual([429, 429])
  seconds += 61
  expect(await statuses(made, 6)).toEqual([200, 200, 200, 200, 200, 429])
})

test('several limits hold together, and what the shorter one refuses does not use up the longer one', async () => {
  const made = limited('3/1h, 2/1s')
  expect(await statuses(made, 5)).toEqual([200, 200, 429, 429, 429])
  seconds += 2
  const third = await made.app.inject('/')
  expect(third.statusCode).toBe(200)
  expect(third.headers).toMatchObject({
    'ratelimit-policy': '"address-1s";q=2;w=1, "address-1h";q=3;w=3600',
    ratelimit: expect.stringMatching(/^"address-1s";r=1;t=[12], "address-1h";r=0;t=\d{4}$/),
    // The one of which least is left.
    'ratelimit-limit': '3',
  })
  seconds += 2
  const fourth = await made.app.inject('/')
  expect(fourth.statusCode).toBe(429)
  expect(Number(fourth.headers['retry-after'])).toBeGreaterThan(3_000)
})

describe('by address', () => {
  test('every address has its own count, and of IPv6 every network of 64 bits', async () => {
    const made = limited('1/1m')
    expect(await statuses(made, 2, from('192.0.2.1'))).toEqual([200, 429])
    expect(await statuses(made, 1, from('::ffff:192.0.2.1'))).toEqual([429])
    expect(await statuses(made, 1, from('192.0.2.2'))).toEqual([200])
    expect(await statuses(made, 1, from('2001:db8:1:2::1'))).toEqual([200])
    expect(await statuses(made, 1, from('2001:db8:1:2:ffff:ffff:ffff:ffff'))).toEqual([429])
    expect(await statuses(made, 1, from('2001:db8:1:3::1'))).toEqual([200])
  })

  test('X-Forwarded-For of a client that is no proxy of ours is not believed', async () => {
    const made = limited('1/1m')
    const spoofed = (address: string): InjectOptions => ({ ...from('198.51.100.7'), headers: { 'x-forwarded-for': address } })
    expect(await statuses(made, 1, spoofed('203.0.113.1'))).toEqual([200])
    expect(await statuses(made, 1, spoofed('203.0.113.2'))).toEqual([429])
  })

  test('behind proxies the nearest address counts that is not one of them, whatever the client wrote before it', async () => {
    const made = limited('1/1m', { TRUSTED_PROXIES: 'loopback, 10.0.0.0/8' })
    const via = (chain: string): InjectOptions => ({ ...from('127.0.0.1'), headers: { 'x-forwarded-for': chain } })
    expect(await statuses(made, 1, via('203.0.113.1, 198.51.100.7, 10.1.1.1'))).toEqual([200])
    expect(await statuses(made, 1, via('203.0.113.2, 198.51.100.7, 10.2.2.2'))).toEqual([429])
    expect(await statuses(made, 1, via('10.9.9.9, 127.0.0.1, 198.51.100.7, 10.2.2.2'))).toEqual([429])
    expect(await statuses(made, 1, via('198.51.100.8'))).toEqual([200])
    // The proxy itself, without a client.
    expect(await statuses(made, 2, from('127.0.0.1'))).toEqual([200, 429])
  })

  test('attempts that are refused for who makes them are counted', async () => {
    const made = limited('2/1m')
    made.app.addHook('onRequest', (_request, reply) => reply.code(401).send())
    expect(await statuses(made, 3)).toEqual([401, 401, 429])
  })
})

describe('by caller', () => {
  /** Who is named in a header; found out by a hook, as whoever authenticates does it. */
  function signedIn(rateLimit: RouteRateLimit): TestServer {
    const made = server()
    made.app.addHook('onRequest', async ({ exchange, headers: { user } }) => {
      if (exchange !== null && typeof user === 'string') exchange.caller = { ...exchange.caller, kind: 'user', id: user }
    })
    made.app.get('/', { config: { rateLimit } }, () => 'done')
    return made
  }
  const as = (user: string, address = '192.0.2.1'): InjectOptions => ({ remoteAddress: address, headers: { user } })

  test('a caller is counted wherever they come from, and nobody by their address', async () => {
    const made = signedIn('1/1m by caller')
    expect(await statuses(made, 2, as('ann'))).toEqual([200, 429])
    expect(await statuses(made, 1, as('ann', '192.0.2.9'))).toEqual([429])
    expect(await statuses(made, 1, as('bob'))).toEqual([200])
    expect(await statuses(made, 2, from('192.0.2.1'))).toEqual([200, 429])
  })

  test('by both, both are told and either refuses', async () => {
    const made = signedIn(['3/1m', '2/1m by caller'])
    const first = await made.app.inject({ url: '/', ...as('ann') })
    expect(first.headers['ratelimit-policy']).toBe('"address-1m";q=3;w=60, "caller-1m";q=2;w=60')
    expect(first.headers['ratelimit']).toMatch(/^"address-1m";r=2;t=\d+, "caller-1m";r=1;t=\d+$/)
    expect(first.headers['ratelimit-limit']).toBe('2')
    expect(await statuses(made, 1, as('ann'))).toEqual([200])
    expect(await statuses(made, 2, as('bob'))).toEqual([200, 429])
    expect(await statuses(made, 1, as('ann', '192.0.2.9'))).toEqual([429])
  })
})

test('a function says whose request it is, and which ones are not limited', async () => {
  const made = limited({ max: 1, per: '1m', by: ({ headers }) => headers['x-key'] as string | undefined })
  expect(await statuses(made, 2, { headers: { 'x-key': 'a' } })).toEqual([200, 429])
  expect(await statuses(made, 1, { headers: { 'x-key': 'b' } })).toEqual([200])
  expect(await statuses(made, 3)).toEqual([200, 200, 200])
})

test('several limits by one function are told apart by their windows, and those by another are its own', async () => {
  const [key, site] = ['x-key', 'x-site'].map(
    (name) =>
      ({ headers }: { headers: Record<string, unknown> }) =>
        headers[name] as string,
  )
  const rateLimit = [
    { max: 3, per: '1m', by: key },
    { max: 9, per: '1h', by: key },
    { max: 2, per: '1m', by: site },
  ] as RouteRateLimit
  const made = limited(rateLimit)
  const { headers } = await made.app.inject({ url: '/', headers: { 'x-key': 'a', 'x-site': 'b' } })
  expect(headers['ratelimit']).toMatch(/^"custom0-1m";r=2;t=\d+, "custom0-1h";r=8;t=\d+, "custom1-1m";r=1;t=\d+$/)
  expect(await statuses(made, 2, { headers: { 'x-key': 'a', 'x-site': 'b' } })).toEqual([200, 429])
  expect(await statuses(made, 1, { headers: { 'x-key': 'c', 'x-site': 'b' } })).toEqual([429])
})

test('limits of one name share a count, other routes have one each', async () => {
  const made = server()
  const rateLimit = { max: 1, per: '1m', name: 'sign-in' }
  made.app.post('/password', { config: { rateLimit } }, () => 'done')
  made.app.post('/passkey', { config: { rateLimit } }, () => 'done')
  made.app.post('/other', { config: { rateLimit: '1/1m' } }, () => 'done')
  expect(await statuses(made, 1, { method: 'POST', url: '/password' })).toEqual([200])
  expect(await statuses(made, 1, { method: 'POST', url: '/passkey' })).toEqual([429])
  expect(await statuses(made, 2, { method: 'POST', url: '/other' })).toEqual([200, 429])
})

test('HEAD counts as GET, and a query or a slash at the end makes no other route', async () => {
  const made = server()
  made.app.get('/a/:id', { config: { rateLimit: '3/1m' } }, () => 'done')
  expect(await statuses(made, 1, { method: 'HEAD', url: '/a/1' })).toEqual([200])
  expect(await statuses(made, 1, { url: '/a/2?b=1' })).toEqual([200])
  expect(await statuses(made, 1, { url: '/a/3/' })).toEqual([200])
  expect(await statuses(made, 1, { url: '/a/4' })).toEqual([429])
})

describe('a limit of all routes together', () => {
  test('counts also what is not there, and no preflights, machine endpoints and routes that say otherwise', async () => {
    const made = server({ CORS_ORIGINS: 'https://app.example.com' }, { standard: '2/1m' })
    const { app } = made
    app.get('/', () => 'done')
    app.get('/free', { config: { rateLimit: false } }, () => 'done')
    app.get('/own', { config: { rateLimit: '1/1m' } }, () => 'done')
    app.get('/health', { config: { quiet: true } }, () => 'done')
    const preflight = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' }
    expect(await statuses(made, 3, { method: 'OPTIONS', headers: preflight })).toEqual([204, 204, 204])
    expect(await statuses(made, 1)).toEqual([200])
    expect(await statuses(made, 2, { url: '/absent' })).toEqual([404, 429])
    expect(await statuses(made, 1)).toEqual([429])
    expect(await statuses(made, 3, { url: '/free' })).toEqual([200, 200, 200])
    expect(await statuses(made, 2, { url: '/own' })).toEqual([200, 429])
    expect(await statuses(made, 3, { url: '/health' })).toEqual([200, 200, 200])
  })

  test('holds by caller for what is not there, too', async () => {
    const made = server({}, { standard: '1/1m by caller' })
    expect(await statuses(made, 2, { url: '/absent' })).toEqual([404, 429])
  })

  test('lets pages of other origins read what is left', async () => {
    const { app } = server({ CORS_ORIGINS: 'https://app.example.com' }, { standard: '2/1m' })
    app.get('/', () => 'done')
    const { headers } = await app.inject({ url: '/', headers: { origin: 'https://app.example.com' } })
    expect(String(headers['access-control-expose-headers']).split(', ')).toEqual(
      expect.arrayContaining(['Retry-After', 'RateLimit', 'RateLimit-Policy', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset']),
    )
  })
})

test('a refused request does no work: its body is not read and its handler not called', async () => {
  const made = server()
  let [bodies, handled] = [0, 0]
  made.app.addHook('preValidation', async () => void (bodies += 1))
  for (const url of ['/early', '/late'])
    made.app.post(url, { config: { rateLimit: { max: 1, per: '1m', by: url === '/early' ? 'address' : 'caller' } } }, () => (handled += 1))
  for (const url of ['/early', '/late']) expect(await statuses(made, 2, { method: 'POST', url, payload: { a: 1 } })).toEqual([200, 429])
  expect([bodies, handled]).toEqual([2, 2])
})

test('refusals are counted, and logged once in a while', async () => {
  const made = limited('1/1m')
  await statuses(made, 20)
  expect(await made.metrics.text()).toContain('plinth_requests_limited_total{limit="GET / 1/1m by address"} 19')
  const lines = made.lines.filter(({ message }) => message === 'requests over a rate limit are refused')
  expect(lines).toEqual([expect.objectContaining({ level: 'warn', limit: 'GET / 1/1m by address', refused: 1, address: '127.0.0.1' })])
})

test('every mistake in a limit is found at start', async () => {
  const { app } = server({}, { standard: 'often' })
  app.get('/a', { config: { rateLimit: '1/1500ms' } }, () => 'done')
  app.post('/b', { config: { rateLimit: { max: 0, per: '1m', by: 'user' } as never } }, () => 'done')
  const error = await app.ready().then(undefined, (thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'HTTP_INVALID_RATE_LIMITS' })
  expect((error as Error).message.split('\n').slice(1)).toEqual([
    expect.stringContaining('rateLimit: "often" is not a limit'),
    expect.stringContaining('GET /a: config.rateLimit: per is a time in whole seconds'),
    expect.stringContaining('POST /b: config.rateLimit: max is a whole number'),
    expect.stringContaining('POST /b: config.rateLimit: by is "address" or "caller", or a function, not "user"'),
  ])
})

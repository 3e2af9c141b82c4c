import { afterEach, describe, expect, test } from 'vitest'
import { rawRequest, testServer, type TestServer } from '../../test/support/http-server.ts'
import { AppError } from '../core/errors.ts'
import { currentRequestId } from '../core/context.ts'

const open: TestServer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ app }) => app.close()))
})

/** A server with a few routes of every temper. */
function server(env: Record<string, string> = {}): TestServer {
  const made = testServer(env)
  const { app } = made
  app.get('/items', (_request, reply) => reply.send({ items: [] }))
  app.get('/items/:id', (request, reply) => reply.send(request.params))
  app.post('/items', (request, reply) => reply.code(201).send(request.body ?? { body: 'none' }))
  app.delete('/items/:id', (_request, reply) => reply.code(204).send())
  app.get('/page', (_request, reply) => reply.header('cache-control', 'public, max-age=60').type('text/html').send('<p>'))
  app.get('/broken', async () => {
    throw new Error('select canary from users', { cause: new Error('at 10.0.0.7') })
  })
  app.get('/throws-nothing-sensible', async () => {
    throw 'a string' as unknown as Error
  })
  app.get('/refuses', async () => {
    throw new AppError('SHOP_SOLD_OUT', 409, 'Sold out.', 'Come back tomorrow.', { headers: { 'x-extra': '1' } })
  })
  open.push(made)
  return made
}

describe('every answer', () => {
  test('carries a request id, and headers under which nothing is sniffed, framed, cached or loaded', async () => {
    const { app } = server()
    for (const url of ['/items', '/nothing', '/broken', '/%zz', '/refuses']) {
      const { headers } = await app.inject({ url })
      expect(headers, url).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-request-id': expect.stringMatching(/^[\w-]{8,}$/) as string,
      })
    }
  })

  test('keeps what its route has set itself', async () => {
    expect((await server().app.inject('/page')).headers['cache-control']).toBe('public, max-age=60')
  })

  test('does not say what software made it', async () => {
    const { headers } = await server().app.inject('/items')
    expect(headers).not.toHaveProperty('server')
    expect(headers).not.toHaveProperty('x-powered-by')
  })

  test('has an id of its own, the same as in its log line and its error body', async () => {
    const { app, lines } = server()
    const [one, two] = [await app.inject('/broken'), await app.inject('/broken')]
    const id = one.headers['x-request-id']
    expect(id).not.toBe(two.headers['x-request-id'])
    expect(one.json()).toMatchObject({ requestId: id })
    expect(lines.filter((line) => line.requestId === id).map((line) => line.message)).toEqual(['request failed', 'request'])
  })
})

describe('an incoming X-Request-Id', () => {
  const headers = { 'x-request-id': 'from-the-proxy-1' }

  test('is kept when it comes from a trusted proxy', async () => {
    const { app } = server({ TRUSTED_PROXIES: 'loopback' })
    expect((await app.inject({ url: '/items', headers })).headers['x-request-id']).toBe('from-the-proxy-1')
  })

  test.each(['short', 'x'.repeat(129), 'with space inside', 'quote"inside', 'ümlaut-long'])(
    'is replaced when it is not sane: %s',
    async (id) => {
      const { app } = server({ TRUSTED_PROXIES: 'loopback' })
      expect((await app.inject({ url: '/items', headers: { 'x-request-id': id } })).headers['x-request-id']).not.toBe(id)
    },
  )

  test('is replaced when it comes from anybody else', async () => {
    const { app } = server({ TRUSTED_PROXIES: '10.0.0.0/8' })
    expect((await app.inject({ url: '/items', headers })).headers['x-request-id']).not.toBe('from-the-proxy-1')
  })
})

test('the address of the caller is believed from a trusted proxy only', async () => {
  const headers = { 'x-forwarded-for': '198.51.100.9' }
  const [trusting, careful] = [server({ TRUSTED_PROXIES: 'loopback' }), server()]
  await trusting.app.inject({ url: '/items', headers })
  await careful.app.inject({ url: '/items', headers })
  expect(trusting.lines.at(-1)).toMatchObject({ ip: '198.51.100.9' })
  expect(careful.lines.at(-1)).toMatchObject({ ip: '127.0.0.1' })
})

describe('addresses', () => {
  test('a trailing slash is accepted', async () => {
    expect((await server().app.inject('/items/')).statusCode).toBe(200)
  })

  test('one that does not exist is a 404 that does not repeat it', async () => {
    const reply = await server().app.inject('/<script>canary</script>?x=canary')
    expect(reply.statusCode).toBe(404)
    expect(reply.json()).toMatchObject({ code: 'HTTP_NOT_FOUND' })
    expect(reply.body).not.toContain('canary')
  })

  test.each([
    ['PUT', '/items', 'GET, HEAD, POST, OPTIONS'],
    ['PATCH', '/items/7', 'GET, HEAD, DELETE, OPTIONS'],
    ['TRACE', '/items', 'GET, HEAD, POST, OPTIONS'],
    ['PROPFIND', '/items/7?a=b', 'GET, HEAD, DELETE, OPTIONS'],
    ['TRACE', '/nothing', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
  ])('%s %s is a 405 that lists the methods there are', async (method, url, allow) => {
    const reply = await server().app.inject({ method: method as 'GET', url })
    expect([reply.statusCode, reply.headers.allow]).toEqual([405, allow])
    expect(reply.json()).toMatchObject({ code: 'HTTP_METHOD_NOT_ALLOWED', hint: `It has ${allow}.` })
  })

  test('OPTIONS answers with the methods of the address, and 404 where there is none', async () => {
    const { app } = server()
    const reply = await app.inject({ method: 'OPTIONS', url: '/items/7' })
    expect([reply.statusCode, reply.headers.allow, reply.body]).toEqual([204, 'GET, HEAD, DELETE, OPTIONS', ''])
    expect((await app.inject({ method: 'OPTIONS', url: '/nothing' })).statusCode).toBe(404)
  })

  test.each(['/items?a=%', '/items?a=%zz', '/items?a=%C3%28', '/items?a=%ED%A0%80', '/%', '/items/%E0%A4%A'])(
    'I3: %s has a broken encoding: 400',
    async (url) => {
      const reply = await server().app.inject(url)
      expect([reply.statusCode, reply.json<{ code: string }>().code]).toEqual([400, 'HTTP_INVALID_URL'])
    },
  )

  test.each(['/items?a=%00', '/items/a%00b', '/items/%00'])('I3: %s has a NUL: 400', async (url) => {
    expect((await server().app.inject(url)).json()).toMatchObject({
      code: 'HTTP_INVALID_URL',
      message: 'The address of the request has a NUL character.',
    })
  })

  test('control: a sound encoding is decoded', async () => {
    expect((await server().app.inject('/items/%C3%A9%20%2F?a=%C3%A9')).json()).toEqual({ id: 'é /' })
  })

  test('a long parameter is nothing special', async () => {
    expect((await server().app.inject(`/items/${'k'.repeat(3_000)}`)).statusCode).toBe(200)
  })

  test('I5: one that is longer than the limit is a 414', async () => {
    const reply = await server({ URL_LIMIT: '1KB' }).app.inject(`/items?q=${'x'.repeat(1_100)}`)
    expect([reply.statusCode, reply.json<{ message: string }>().message]).toEqual([
      414,
      'The address of the request is longer than 1024 bytes.',
    ])
  })

  test('I6: keys of a query reach no prototype', async () => {
    await server().app.inject('/items?__proto__[admin]=1&a[__proto__]=1&constructor[prototype][admin]=1')
    expect('admin' in {}).toBe(false)
  })
})

describe('failures', () => {
  test('I12: an unexpected error is a 500 that tells nothing, and a log line with its cause', async () => {
    const { app, lines } = server()
    const reply = await app.inject('/broken')
    expect(reply.statusCode).toBe(500)
    expect(reply.json()).toMatchObject({ code: 'CORE_INTERNAL', message: 'The server could not complete the request.' })
    expect(reply.body).not.toMatch(/canary|10\.0\.0\.7|server\.test|at /)
    expect(lines.find((line) => line.level === 'error')).toMatchObject({
      method: 'GET',
      route: '/broken',
      err: { message: 'select canary from users', cause: { message: 'at 10.0.0.7' } },
    })
  })

  test('something thrown that is no error is a 500 too', async () => {
    expect((await server().app.inject('/throws-nothing-sensible')).statusCode).toBe(500)
  })

  test("an application's own refusal keeps its status, text and headers, and is logged for debugging only", async () => {
    const { app, lines } = server()
    const reply = await app.inject('/refuses')
    expect([reply.statusCode, reply.headers['x-extra']]).toEqual([409, '1'])
    expect(reply.json()).toMatchObject({ code: 'SHOP_SOLD_OUT', message: 'Sold out.', hint: 'Come back tomorrow.' })
    expect(lines.filter((line) => line.message !== 'request').map((line) => line.level)).toEqual(['debug'])
  })

  test("a plugin's client error keeps its status; its text is shown only when it is meant for clients", async () => {
    const { app } = server()
    app.get('/teapot', async () => {
      throw Object.assign(new Error('canary'), { statusCode: 418 })
    })
    app.get('/exposed', async () => {
      throw Object.assign(new Error('Too many tries.'), { statusCode: 429, expose: true })
    })
    expect((await app.inject('/teapot')).body).not.toContain('canary')
    expect((await app.inject('/teapot')).json()).toMatchObject({ code: 'HTTP_REJECTED', message: "I'm a Teapot." })
    expect((await app.inject('/exposed')).json()).toMatchObject({ message: 'Too many tries.' })
  })

  test('A6: an answer that takes too long is a 503 with Retry-After, and what comes later is dropped', async () => {
    const { app } = server({ HANDLER_TIMEOUT: '100ms' })
    let finished = false
    // Goes on after its answer only: without the time-out nothing would come.
    const answered = Promise.withResolvers<void>()
    app.get('/slow', async () => {
      await answered.promise
      finished = true
      return { late: true }
    })
    const reply = await app.inject('/slow')
    answered.resolve()
    expect([reply.statusCode, reply.headers['retry-after'], reply.json<{ code: string }>().code]).toEqual([503, '1', 'HTTP_TIMEOUT'])
    await expect.poll(() => finished).toBe(true)
    expect((await app.inject('/items')).statusCode).toBe(200)
  })

  test('a route can have a time-out of its own', async () => {
    const { app } = server({ HANDLER_TIMEOUT: '100ms' })
    app.get('/report', { handlerTimeout: 5_000 }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return { done: true }
    })
    expect((await app.inject('/report')).json()).toEqual({ done: true })
  })
})

describe('the schema of a custom route', () => {
  const schema = {
    body: {
      type: 'object',
      required: ['name'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', minLength: 1 },
        price: { type: 'number' },
        lines: { type: 'array', items: { type: 'object', properties: { count: { type: 'integer' }, size: { enum: ['s', 'm'] } } } },
      },
    },
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: { limit: { type: 'integer', default: 10 }, tags: { type: 'array', items: { type: 'string' } } },
    },
  }

  function withSchema() {
    const made = server()
    made.app.post('/orders', { schema }, (request, reply) => reply.send({ body: request.body, query: request.query }))
    return made.app
  }

  test.each([
    [{}, 'name', '"name" is required.'],
    [{ name: 'a', prise: 1 }, 'prise', '"prise" is not known here.'],
    [{ name: 'a', price: '1' }, 'price', '"price" must be number.'],
    [{ name: false }, 'name', '"name" must be string.'],
    [{ name: 'a', lines: [{ count: 1 }, { count: 1.5 }] }, 'lines[1].count', '"lines[1].count" must be integer.'],
    [{ name: 'a', lines: [{ size: 'xl' }] }, 'lines[0].size', '"lines[0].size" must be equal to one of the allowed values: s, m.'],
  ])('I7: a body is not converted, and %j is refused with the name of the field', async (payload, field, message) => {
    const reply = await withSchema().inject({ method: 'POST', url: '/orders', payload })
    expect(reply.statusCode).toBe(400)
    expect(reply.json()).toMatchObject({
      code: 'HTTP_INVALID_INPUT',
      message: 'The body of the request is not valid.',
      details: [{ field, message }],
    })
  })

  test('an unknown field is answered with the nearest known one', async () => {
    const reply = await withSchema().inject({ method: 'POST', url: '/orders', payload: { name: 'a', prise: 1 } })
    expect(reply.json()).toMatchObject({ details: [{ hint: 'Perhaps you meant "price".' }] })
  })

  test('I7: a query is converted to its declared types, and an unknown parameter is refused', async () => {
    const app = withSchema()
    expect((await app.inject({ method: 'POST', url: '/orders?limit=5&tags=a', payload: { name: 'a' } })).json()).toEqual({
      body: { name: 'a' },
      query: { limit: 5, tags: ['a'] },
    })
    expect((await app.inject({ method: 'POST', url: '/orders?limit=five', payload: { name: 'a' } })).json()).toMatchObject({
      message: 'The query of the request is not valid.',
      details: [{ field: 'limit' }],
    })
    expect((await app.inject({ method: 'POST', url: '/orders?limti=5', payload: { name: 'a' } })).json()).toMatchObject({
      details: [{ field: 'limti', hint: 'Perhaps you meant "limit".' }],
    })
  })

  test('I8: a parameter that is there twice is refused unless a list is declared', async () => {
    const app = withSchema()
    expect((await app.inject({ method: 'POST', url: '/orders?limit=5&limit=6', payload: { name: 'a' } })).statusCode).toBe(400)
    expect((await app.inject({ method: 'POST', url: '/orders?tags=a&tags=b', payload: { name: 'a' } })).json()).toMatchObject({
      query: { tags: ['a', 'b'] },
    })
  })

  test('shared schemas can be referred to', async () => {
    const { app } = server()
    app.addSchema({ $id: 'name', type: 'string', minLength: 2 })
    app.post('/named', { schema: { body: { type: 'object', properties: { name: { $ref: 'name#' } } } } }, (request, reply) =>
      reply.send(request.body),
    )
    expect((await app.inject({ method: 'POST', url: '/named', payload: { name: 'x' } })).statusCode).toBe(400)
    expect((await app.inject({ method: 'POST', url: '/named', payload: { name: 'xy' } })).json()).toEqual({ name: 'xy' })
  })
})

describe('CORS', () => {
  const origin = 'https://app.example.com'

  test('is off by default', async () => {
    const { headers } = await server().app.inject({ url: '/items', headers: { origin } })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control') || name === 'vary')).toEqual([])
  })

  test('S12: lets exactly the listed origins read', async () => {
    const { app } = server({ CORS_ORIGINS: `${origin}, http://localhost:8000`, CORS_CREDENTIALS: 'true' })
    expect((await app.inject({ url: '/items', headers: { origin } })).headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'Origin',
    })
    for (const other of [
      'https://app.example.com.evil.com',
      'https://evil.com',
      'null',
      'http://app.example.com',
      `${origin}:8443`,
      'https://APP.example.com',
      '*',
    ]) {
      const { headers } = await app.inject({ url: '/items', headers: { origin: other } })
      expect(headers, other).not.toHaveProperty('access-control-allow-origin')
      expect(headers.vary).toBe('Origin')
    }
  })

  test('answers a preflight with the methods of the address', async () => {
    const { app } = server({ CORS_ORIGINS: origin })
    const reply = await app.inject({ method: 'OPTIONS', url: '/items', headers: { origin, 'access-control-request-method': 'POST' } })
    expect(reply.statusCode).toBe(204)
    expect(reply.headers).toMatchObject({
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-allow-headers': expect.stringMatching(/Authorization.*X-Tenant/) as string,
      'access-control-max-age': '7200',
    })
    const foreign = await app.inject({
      method: 'OPTIONS',
      url: '/items',
      headers: { origin: 'https://evil.com', 'access-control-request-method': 'POST' },
    })
    expect(foreign.headers).not.toHaveProperty('access-control-allow-methods')
  })

  test('also on errors, so that a page can read them', async () => {
    const { app } = server({ CORS_ORIGINS: origin })
    expect((await app.inject({ url: '/nothing', headers: { origin } })).headers['access-control-allow-origin']).toBe(origin)
  })

  test('* lets everybody read, without credentials', async () => {
    const { headers } = await server({ CORS_ORIGINS: '*' }).app.inject({ url: '/items', headers: { origin } })
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
  })
})

describe('what is recorded', () => {
  test('one line for each request, with its route and without the secrets of its query', async () => {
    const { app, lines } = server()
    await app.inject('/items/7?token=canary&page=2')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      level: 'info',
      method: 'GET',
      url: '/items/7?token=[hidden]&page=2',
      route: '/items/:id',
      status: 200,
      ip: '127.0.0.1',
      durationMs: expect.any(Number) as number,
      message: 'request',
    })
  })

  test('requests are counted by route, and all unknown addresses together', async () => {
    const { app, metrics } = server()
    for (const url of ['/items/1', '/items/2', '/a', '/b', '/%zz']) await app.inject(url)
    await app.inject({ method: 'HEAD', url: '/items/1' })
    const text = await metrics.text()
    expect(text).toContain('http_requests_total{method="GET",route="/items/:id",status="200"} 2')
    expect(text).toContain('http_requests_total{method="HEAD",route="/items/:id",status="200"} 1')
    expect(text).toContain('http_requests_total{method="GET",route="unknown",status="404"} 2')
    expect(text).toContain('http_requests_total{method="GET",route="unknown",status="400"} 1')
  })

  test('everything that runs for a request knows its id', async () => {
    const { app, lines } = server()
    app.post('/deep', async (request) => {
      await new Promise((resolve) => setImmediate(resolve))
      app.log.info('deep inside')
      return { id: currentRequestId(), same: currentRequestId() === request.id }
    })
    const reply = await app.inject({ method: 'POST', url: '/deep', payload: { a: 1 } })
    expect(reply.json()).toEqual({ id: reply.headers['x-request-id'], same: true })
    expect(lines[0]).toMatchObject({ message: 'deep inside', requestId: reply.headers['x-request-id'] })
  })

  test('a client that leaves before its answer is recorded as such, and nothing waits for it', async () => {
    const { app, lines, listen } = server({ HANDLER_TIMEOUT: '200ms' })
    app.get('/slow', () => new Promise((resolve) => setTimeout(() => resolve({ late: true }), 300)))
    const port = await listen()
    await expect(rawRequest(port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n', 50)).rejects.toThrow('did not close')
    await expect.poll(() => lines.find((line) => line.route === '/slow')?.status).toBe(499)
    expect(app.inFlight.size).toBe(0)
  })
})

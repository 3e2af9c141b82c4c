import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rawRequest, testServer, type TestServer } from '../../test/support/http-server.ts'

let server: TestServer

beforeEach(() => {
  server = testServer({ BODY_LIMIT: '64KB' })
  server.app.post('/echo', (request, reply) => reply.send({ body: request.body ?? 'none' }))
  server.app.post('/large', { bodyLimit: 1_000_000 }, (request, reply) => reply.send({ length: (request.body as string).length }))
})
afterEach(() => server.app.close())

async function post(payload: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return server.app.inject({ method: 'POST', url: '/echo', payload, headers })
}

test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json'])(
  '%s is read',
  async (type) => {
    expect((await post('{"a":"é"}', { 'content-type': type })).json()).toEqual({ body: { a: 'é' } })
  },
)

test.each(['"text"', '7', 'null', 'false', '[]'])('I1: %s at the top is read like any other JSON', async (text) => {
  expect((await post(text)).json()).toEqual({ body: (JSON.parse(text) as unknown) ?? 'none' })
})

test('an empty body is no body, also when it is announced as JSON', async () => {
  expect((await post('')).json()).toEqual({ body: 'none' })
  expect((await post('', {})).json()).toEqual({ body: 'none' })
})

test.each([
  ['I1: broken', '{"a":', 'it ends where a value should be (byte 5)'],
  ['I3: NUL', '{"a":"\\u0000"}', 'a string has a NUL character (byte 6)'],
  ['I3: half a pair', '{"a":"\\ud800"}', 'a string has half of a surrogate pair (byte 12)'],
  ['I4: nested', '['.repeat(65), 'it is nested more than 64 deep (byte 64)'],
  ['I4: twice', '{"a":1,"a":2}', 'the key "a" is there twice (byte 10)'],
  ['I6: prototype', '{"__proto__":{"admin":1}}', 'the key "__proto__" is not allowed (byte 13)'],
])('%s JSON is a 400 that says what and where', async (_name, body, problem) => {
  const reply = await post(body)
  expect(reply.statusCode).toBe(400)
  expect(reply.json()).toMatchObject({ code: 'HTTP_INVALID_JSON', message: `The body is not acceptable JSON: ${problem}.` })
})

test('I3: bytes that are not UTF-8 are a 400', async () => {
  const reply = await post(Buffer.from('{"a":"caf\xe9"}', 'latin1'))
  expect([reply.statusCode, reply.json<{ message: string }>().message]).toEqual([
    400,
    'The body is not acceptable JSON: it is not UTF-8 (byte 9).',
  ])
})

test('I4: a body that is too deep or too wide is refused in less than 20 ms', async () => {
  await post('[]')
  for (const body of [
    '['.repeat(60_000),
    `[${'0,'.repeat(12_000)}0]`,
    `{${Array.from({ length: 2_000 }, (_, index) => `"k${index}":0`).join()}}`,
  ]) {
    const before = process.threadCpuUsage()
    expect((await post(body)).statusCode).toBe(400)
    const { user, system } = process.threadCpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(20)
  }
})

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'text/json',
  'nonsense',
  'application/jsonp',
])('%s is a 415', async (type) => {
  const reply = await post('{"a":1}', { 'content-type': type })
  expect([reply.statusCode, reply.json<{ code: string }>().code]).toEqual([415, 'HTTP_UNSUPPORTED_MEDIA_TYPE'])
})

test('a body without a type, and one that is compressed, are a 415', async () => {
  expect((await post('{"a":1}', {})).statusCode).toBe(415)
  const compressed = await post('{"a":1}', { 'content-type': 'application/json', 'content-encoding': 'gzip' })
  expect([compressed.statusCode, compressed.json<{ hint: string }>().hint]).toEqual([415, 'Send the body without Content-Encoding.'])
})

describe('I5: sizes', () => {
  test('a body over the limit is a 413, and a route may allow more', async () => {
    const body = JSON.stringify('x'.repeat(70_000))
    expect([(await post(body)).statusCode, (await post(body)).json<{ code: string }>().code]).toEqual([413, 'HTTP_BODY_TOO_LARGE'])
    const large = await server.app.inject({ method: 'POST', url: '/large', payload: body, headers: { 'content-type': 'application/json' } })
    expect(large.json()).toEqual({ length: 70_000 })
  })

  test('a body over the limit is refused on the wire before it has all been sent, and the connection is closed', async () => {
    const port = await server.listen()
    const head = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
    const announced = await rawRequest(port, `${head}Content-Length: 1000000000\r\n\r\n{`)
    expect([announced.status, announced.headers.connection]).toEqual([413, 'close'])
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    expect((await rawRequest(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`)).status).toBe(413)
  })

  test('a body that is shorter than announced gets no answer from a handler', async () => {
    server.app.post('/count', () => {
      throw new Error('never')
    })
    const port = await server.listen()
    await expect(
      rawRequest(port, 'POST /count HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{', 100),
    ).rejects.toThrow('did not close')
    expect(server.lines.filter((line) => line.level === 'error')).toEqual([])
  })
})

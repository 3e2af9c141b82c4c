// What is larger than the limits is refused with 413, 414 or 431, and the connection is closed or ready for the next request.

import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { rawRequest } from '../support/http-server.ts'
import { codeOf, errorProblems } from './support/error-reply.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'

const limits = { BODY_LIMIT: '64KB', HEADER_LIMIT: '8KB', URL_LIMIT: '2KB' }

let app: LiveApp
/** The same application with limits that nothing here reaches. */
let generous: LiveApp

beforeAll(async () => {
  app = await liveApp(blog(), limits)
  generous = await liveApp(blog(), { BODY_LIMIT: '8MB', HEADER_LIMIT: '256KB', URL_LIMIT: '128KB' })
  await fillBlog(app.test)
  await fillBlog(generous.test)
})
afterAll(() => Promise.all([app.stop(), generous.stop()]))

const ok = 'GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
const body = (bytes: number): string => JSON.stringify({ title: 't', body: 'x'.repeat(bytes - 24) })
const create = (text: string): string =>
  `POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`

/** Requests over a limit, with the status they get. Each is complete, so that a second one can follow it. */
const tooLarge: Readonly<Record<string, readonly [bytes: string, status: number]>> = {
  'a body': [create(body(70_000)), 413],
  'a body in chunks': [
    `POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n${'['.repeat(70_000)}\r\n0\r\n\r\n`,
    413,
  ],
  'an address': [`GET /api/posts?search=${'x'.repeat(3_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  'a key in the path': [`GET /api/ratings/1/${'x'.repeat(3_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  'an address nobody has': [`GET /${'x'.repeat(3_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  'an address over the limit of headers too': [`GET /api/posts?search=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  'one header': [`GET /api/posts HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(10_000)}\r\n\r\n`, 431],
  'many headers': [
    `GET /api/posts HTTP/1.1\r\nHost: a\r\n${Array.from({ length: 700 }, (_, index) => `X-${index}: yyyyyyyyyy\r\n`).join('')}\r\n`,
    431,
  ],
  cookies: [`GET /api/posts HTTP/1.1\r\nHost: a\r\nCookie: ${'a=b; '.repeat(2_000)}\r\n\r\n`, 431],
}

/** Writes both requests one after the other and counts the answers; the server must close in time. */
async function answersOf(port: number, first: string): Promise<number[]> {
  const socket = connect(port, '127.0.0.1')
  const received = await readAll(socket, first)
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

function readAll(socket: Socket, first: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('The server did not close the connection.')), 5_000)
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', () => {}) // a reset is a way to close, too; what came before it counts
    socket.on('close', () => (clearTimeout(late), resolve(text)))
    socket.write(first)
    socket.write(ok)
  })
}

describe('I5: sizes', () => {
  test.each(Object.entries(tooLarge))('%s over the limit is refused in our format', async (_name, [bytes, status]) => {
    const reply = await rawRequest(app.port, bytes.replace('\r\n', '\r\nConnection: close\r\n'))
    const asReply = { ...reply, text: reply.body, json: () => JSON.parse(reply.body) as unknown }
    expect(reply.status).toBe(status)
    expect(errorProblems(asReply, 'envelope')).toEqual([])
    expect(codeOf(asReply)).toMatch(/^HTTP_(?:BODY_TOO_LARGE|URL_TOO_LONG|HEADERS_TOO_LARGE)$/)
  })

  test.each(Object.entries(tooLarge))(
    'after %s the connection is closed, or the next request on it is answered',
    async (_name, [bytes, status]) => {
      expect([[status], [status, 200]]).toContainEqual(await answersOf(app.port, bytes))
    },
  )

  test('a refused body has changed nothing, and other connections never notice', async () => {
    const count = async () => (await app.test.app.resource('posts').list({ count: 'exact' })).total
    const before = await count()
    const [, reply] = await Promise.all([rawRequest(app.port, create(body(70_000))), app.send({ path: '/api/posts' })])
    expect([reply.status, await count()]).toEqual([200, before])
  })

  test('at the limit all is well', async () => {
    const reply = await app.send({ method: 'POST', path: '/api/posts', body: body(60_000) })
    expect(reply.status).toBe(201)
    expect((await app.send({ path: `/api/posts?filter[title]=${'x'.repeat(1_900)}` })).status).toBe(200)
    expect((await app.send({ path: '/api/posts', headers: { 'x-long': 'x'.repeat(7_000) } })).status).toBe(200)
  })

  test('lists of parameters, conditions, includes, fields, sort keys and bulk items have their limits too', async () => {
    const many = (count: number, make: (index: number) => string): string =>
      Array.from({ length: count }, (_, index) => make(index)).join('&')
    const queries = [
      many(250, (index) => `a${index}=1`),
      many(51, (index) => `filter[or][${index}][id]=1`),
      `sort=${Array(11).fill('id').join(',')}`,
      `page[size]=100000`,
      `page[number]=2000000`,
      `include=${Array.from({ length: 5 }, () => 'author').join('.')}`,
      `search=${'x'.repeat(501)}`,
    ]
    for (const query of queries) expect((await generous.send({ path: `/api/posts?${query}` })).status, query.slice(0, 40)).toBe(400)
    const items = Array.from({ length: 1_001 }, () => ({ title: 't' }))
    const bulk = await generous.send({ method: 'POST', path: '/api/posts', body: items })
    expect([bulk.status, codeOf(bulk)]).toEqual([400, 'WRITE_TOO_MANY_ITEMS'])
  })

  test('control: without the limits the same requests pass', async () => {
    for (const [name, [bytes, status]] of Object.entries(tooLarge)) {
      expect((await rawRequest(generous.port, bytes.replace('\r\n', '\r\nConnection: close\r\n'))).status, name).not.toBe(status)
    }
  })
})

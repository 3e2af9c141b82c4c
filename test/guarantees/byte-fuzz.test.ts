// I10: bytes that are no request, or hardly one, are answered or cut off: never with a 5xx, never after more than two seconds,
// and the server goes on. The seed is in the report; a failing request is made as short as possible and kept in a file.

import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RoutePlugin } from 'plinth'
import { blog } from '../support/blog.ts'
import { amount, report, seed } from './support/amount.ts'
import { inLanes } from './support/caller.ts'
import { fillBlog, liveApp, type LiveApp } from './support/live-app.ts'
import { mutated, shrunk } from './support/mutate.ts'
import { randomFrom } from './support/random.ts'

const hangMs = 2_000
const body = JSON.stringify([
  { title: 'a', price: '1.5', labels: ['x', null], extra: { a: [1, { b: null }] }, published_at: '2026-01-01T00:00:00Z' },
])

const templates = [
  'GET /api/posts?filter[author.name]=Ada&filter[or][0][id]=1&sort=-id&include=author,tags&fields=id&page[size]=5 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /api/posts/1?include=comments.author HTTP/1.1\r\nHost: a\r\nIf-None-Match: "x", W/"y"\r\nAccept: */*\r\n\r\n',
  `POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  `POST /api/posts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  'PATCH /api/posts/2 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nIf-Match: *\r\nContent-Length: 13\r\n\r\n{"title":"b"}',
  'DELETE /api/ratings/1/critic%201 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'PUT /api/tags/1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"name":"red"}',
  'OPTIONS /api/posts HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n',
  'GET /docs HTTP/1.1\r\nHost: a\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n',
].map((text) => Buffer.from(text))

/** Sends bytes and the end of them; what is wrong with what comes back, if anything. */
function problemWith(port: number, bytes: Buffer): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    const late = setTimeout(() => finish(`no end after ${hangMs} ms`), hangMs)
    const finish = (problem: string | undefined): void => {
      clearTimeout(late)
      socket.destroy()
      resolve(problem)
    }
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.on('error', ({ message }) => finish(message.includes('ECONNREFUSED') ? 'nobody listens any more' : undefined))
    socket.on('close', () => finish(/^HTTP\/1\.1 5\d\d/m.exec(text)?.[0]))
    socket.end(bytes)
  })
}

async function fuzz(app: LiveApp, count: number): Promise<string[]> {
  const random = randomFrom(seed)
  const problems: string[] = []
  await inLanes(Array.from({ length: count }).keys(), 16, async () => {
    const bytes = mutated(templates, random)
    const problem = await problemWith(app.port, bytes)
    if (problem !== undefined && problems.length < 5) problems.push(await describeFailure(app, bytes, problem))
  })
  return problems
}

async function describeFailure(app: LiveApp, bytes: Buffer, problem: string): Promise<string> {
  const shortest = await shrunk(bytes, async (candidate) => (await problemWith(app.port, candidate)) !== undefined)
  const file = join('.plinth', 'fuzz', `${seed}-${shortest.length}.bin`)
  await mkdir(join('.plinth', 'fuzz'), { recursive: true })
  await writeFile(file, shortest)
  return `${problem} for ${JSON.stringify(shortest.toString('latin1'))} (${file}, seed ${seed})`
}

/** What must be found: a route that breaks on a byte it does not expect. */
const planted: RoutePlugin = (fastify) => {
  fastify.get('/docs-of/:name', (request) => {
    if (/[^a-z]/.test((request.params as { name: string }).name)) throw new Error('planted')
    return {}
  })
}

describe('I10: any bytes at all', () => {
  let app: LiveApp

  beforeAll(async () => {
    app = await liveApp(blog({}, { routes: [planted] }))
    await fillBlog(app.test)
  })
  afterAll(() => app.stop())

  test('are refused or answered in time, and the server goes on', { timeout: 900_000 }, async () => {
    const count = amount(2_000, 100_000)
    const started = performance.now()
    expect(await fuzz(app, count)).toEqual([])
    expect((await app.send({ path: '/health' })).status).toBe(200)
    expect((await app.send({ path: '/api/posts?page[size]=1' })).status).toBe(200)
    report(`I10: ${count} broken requests, seed ${seed}, ${Math.round((performance.now() - started) / 1000)} s: no 5xx, no hang`)
  })

  test('control: a route that breaks on an unexpected byte is found, and the request is made short', async () => {
    const bytes = Buffer.from('GET /docs-of/abcdefghi7jklmno HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n')
    const fails = async (candidate: Buffer): Promise<boolean> => (await problemWith(app.port, candidate)) !== undefined
    expect(await fails(bytes)).toBe(true)
    expect((await shrunk(bytes, fails)).length).toBeLessThan(bytes.length / 2)
  })
})

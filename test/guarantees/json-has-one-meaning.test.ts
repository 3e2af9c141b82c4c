// Bodies over a socket, into a jsonb column and out again: what is JSON is stored, what is not is a 400.

import type { RoutePlugin } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { accepted, disputed, refused, refusedBytes } from '../support/json-cases.ts'
import { errorProblems } from './support/error-reply.ts'
import { liveApp, type LiveApp } from './support/live-app.ts'

/** A parser as they come: commas at the end are forgiven, bytes that are not UTF-8 replaced. */
const forgiving: RoutePlugin = (fastify) => {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body).replaceAll(/,\s*([\]}])/g, '$1')))
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }))
    }
  })
  fastify.post('/forgiving', (request, reply) => reply.code(201).send({ data: request.body }))
}

let app: LiveApp

beforeAll(async () => {
  app = await liveApp(blog({}, { routes: [forgiving] }))
})
afterAll(() => app.stop())

const inExtra = (text: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from('{"title":"t","extra":'), Buffer.from(text as string), Buffer.from('}')])

/** Sends each body; says which ones did not get `wanted`. */
async function surprises(path: string, bodies: readonly Buffer[], wanted: (status: number) => boolean): Promise<string[]> {
  const found: string[] = []
  for (const body of bodies) {
    const reply = await app.send({ method: 'POST', path, body })
    if (!wanted(reply.status)) found.push(`${reply.status} for ${body.toString('latin1').slice(0, 100)}`)
    found.push(...errorProblems(reply, 'envelope'))
  }
  return found
}

/** JSON has one zero for PostgreSQL, and so has the comparison. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown

describe('I1: JSON', () => {
  const wrongBytes = refusedBytes.map(([, latin1]) => Buffer.from(latin1, 'latin1'))

  test('there are as many cases as promised', () => {
    expect(accepted.length + refused.length + refusedBytes.length + disputed.length).toBeGreaterThan(300)
  })

  test.each(accepted)('%j is stored and comes back with the same meaning', async (text) => {
    const reply = await app.send({ method: 'POST', path: '/api/posts', body: inExtra(text) })
    expect(reply.status).toBe(201)
    expect((reply.json() as { data: { extra: unknown } }).data.extra).toEqual(plain(JSON.parse(text)))
  })

  test('what is not JSON is a 400, as a whole body and as the value of a field', async () => {
    const bodies = [...refused.map((text) => Buffer.from(text)), ...wrongBytes]
    const isRefused = (status: number): boolean => status === 400
    expect(await surprises('/api/posts', bodies, isRefused)).toEqual([])
    expect(await surprises('/api/posts', bodies.map(inExtra), isRefused)).toEqual([])
  })

  test('what readers disagree about is never a failure of ours', async () => {
    const bodies = disputed.map((text) => Buffer.from(text, 'latin1'))
    expect(await surprises('/api/posts', [...bodies, ...bodies.map(inExtra)], (status) => status < 500)).toEqual([])
  })

  test('control: a forgiving parser is caught', async () => {
    const found = await surprises('/forgiving', [...refused.map((text) => Buffer.from(text)), ...wrongBytes], (status) => status === 400)
    expect(found).toEqual(expect.arrayContaining(['201 for [1,]', '201 for {"a":1,}', '201 for ["caf\xe9"]']))
  })
})

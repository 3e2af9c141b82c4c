// The OpenAPI document is a contract in both directions: what it allows is taken, what it forbids is refused, and every answer is in it.

import type { AppDefinition, RoutePlugin } from 'plinth'
import { describe, expect, onTestFinished, test } from 'vitest'
import { blog } from '../support/blog.ts'
import { fuzzContract, type FuzzReport } from './contract-fuzzer.ts'
import { amount, report, seed } from './support/amount.ts'
import { formProblems, type ReplyFormat } from './support/error-reply.ts'
import { everyKind } from './support/every-kind.ts'
import { fillBlog, liveApp } from './support/live-app.ts'

const timeoutMs = 240_000

async function fuzz(definition: AppDefinition, requests: number, format: ReplyFormat = 'envelope'): Promise<FuzzReport> {
  const app = await liveApp(definition)
  onTestFinished(() => app.stop())
  if (definition.options.name === 'blog') await fillBlog(app.test)
  const found = await fuzzContract(app, { requests, seed, alsoCheck: (reply) => formProblems(reply, format) })
  report(`I2: ${found.requests} requests to ${definition.options.name}, replies ${format}, seed ${seed}: ${found.findings.length} findings`)
  return found
}

/** Operations that were asked at least ten times and never answered with success: then little of them was tried. */
function neverUsed({ answers }: FuzzReport): string[] {
  const asked = [...answers].filter(([, counts]) => [...counts.values()].reduce((sum, count) => sum + count, 0) >= 10)
  return asked.filter(([, counts]) => ![...counts.keys()].some((status) => status < 300)).map(([operation]) => operation)
}

describe('I2: the contract', () => {
  test.each([
    ['relations, soft delete and search', blog({}, { replies: 'envelope' }), 'envelope', amount(350, 3_000)],
    ['a column of every kind', everyKind({ replies: 'problem' }), 'problem', amount(350, 3_000)],
    ['bare replies', blog({}, { replies: 'bare' }), 'bare', amount(150, 500)],
  ] as const)(
    '%s: every answer is as documented, what is allowed is taken, what is forbidden refused',
    async (_name, definition, format, requests) => {
      const found = await fuzz(definition, requests, format)
      expect(found.findings).toEqual([])
      expect(neverUsed(found)).toEqual([])
    },
    timeoutMs,
  )

  test('as many requests as promised are made in the long form', () => {
    expect(amount(5_000, 3_000 + 3_000 + 500)).toBeGreaterThanOrEqual(5_000)
  })
})

const answer = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'], additionalProperties: false }
const body = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false }

/** Routes that do something else than what they say. */
const planted: Readonly<Record<string, RoutePlugin>> = {
  'the status 202 is not documented': (fastify) => {
    fastify.get('/planted', { schema: { response: { 200: answer } } }, (_request, reply) =>
      Object.assign(reply, { statusCode: 202 }).send({ ok: true }),
    )
  },
  "the reply must have required property 'ok'": (fastify) => {
    fastify.get('/planted', { schema: { response: { 200: answer } } }, (_request, reply) =>
      reply.type('application/json').send('{"okay":true}'),
    )
  },
  'although the body must NOT have additional properties': (fastify) => {
    const validatorCompiler = () => () => true
    fastify.post('/planted', { validatorCompiler, schema: { body, response: { 200: answer } } }, (_request, reply) =>
      reply.send({ ok: true }),
    )
  },
  'although the request is as documented': (fastify) => {
    fastify.post('/planted', { schema: { body: { ...body, required: [] }, response: { 200: answer } } }, (request, reply) =>
      (request.body as { name?: string }).name === undefined
        ? Promise.reject(Object.assign(new Error(), { validation: [], statusCode: 400 }))
        : reply.send({ ok: true }),
    )
  },
  'a failure: 500': (fastify) => {
    fastify.post('/planted', { schema: { body, response: { 200: answer } } }, (request, reply) =>
      reply.send({ ok: (request.body as { name: string }).name.at(0)?.length === 1 || fail() }),
    )
  },
  '200 as text/plain is not documented': (fastify) => {
    fastify.get('/planted', { schema: { response: { 200: answer } } }, (_request, reply) => reply.type('text/plain').send('{"ok":true}'))
  },
}

function fail(): never {
  throw new Error('planted')
}

describe('I2: controls', () => {
  test.each(Object.entries(planted))('%s: is found when it is planted', async (finding, plugin) => {
    const { findings } = await fuzz(everyKind({ routes: [plugin] }), 200)
    expect(findings.join('\n')).toContain(finding)
  })

  test('an operation that never succeeds is noticed', async () => {
    const closed: RoutePlugin = (fastify) => {
      fastify.get('/planted', { schema: { response: { 200: answer } } }, (_request, reply) => reply.callNotFound())
    }
    expect(neverUsed(await fuzz(everyKind({ routes: [closed] }), 200))).toEqual(expect.arrayContaining(['getPlanted']))
  })
})

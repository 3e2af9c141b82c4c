// The OpenAPI document is a contract in both directions: what it allows is taken, what it forbids is refused, and every answer is in it.

import { type AppDefinition, anyone, defineApp, defineResource, type RoutePlugin } from 'plinth'
import { describe, expect, onTestFinished, test } from 'vitest'
import { blog, tags } from '../support/blog.ts'
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

/** Operations that never answered with success: of those little was tried. */
function neverUsed({ answers }: FuzzReport): string[] {
  return [...answers].filter(([, counts]) => ![...counts.keys()].some((status) => status < 300)).map(([operation]) => operation)
}

describe('I2: the contract', () => {
  let sum = 0

  test.each([
    ['relations, soft delete and search', blog({}, { replies: 'envelope' }), 'envelope', amount(400, 3_500)],
    ['a column of every kind', everyKind({ replies: 'problem' }), 'problem', amount(300, 3_000)],
    ['bare replies', blog({}, { replies: 'bare' }), 'bare', amount(150, 600)],
  ] as const)(
    '%s: every answer is as documented, what is allowed is taken, what is forbidden refused',
    async (_name, definition, format, requests) => {
      const found = await fuzz(definition, requests, format)
      sum += found.requests
      expect(found.findings).toEqual([])
      expect(neverUsed(found).length).toBeLessThan(found.answers.size / 4)
    },
    timeoutMs,
  )

  test('as many requests were made as promised', () => {
    expect(sum).toBeGreaterThanOrEqual(amount(700, 5_000))
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
    const options = { schema: { body, response: { 200: answer } }, validatorCompiler: () => () => true }
    fastify.post('/planted', options, (_request, reply) => reply.send({ ok: true }))
  },
  'although the request is as documented': (fastify) => {
    fastify.post('/planted', { schema: { body: { ...body, required: [] }, response: { 200: answer } } }, (request, reply) =>
      (request.body as { name?: string }).name === undefined
        ? Promise.reject(Object.assign(new Error(), { validation: [], statusCode: 400 }))
        : reply.send({ ok: true }),
    )
  },
  'a failure: 500': (fastify) => {
    fastify.post('/planted', { schema: { body, response: { 200: answer } } }, (request, reply) => {
      if ((request.body as { name: string }).name.length > 3) throw new Error('planted')
      return reply.send({ ok: true })
    })
  },
  '200 as text/plain is not documented': (fastify) => {
    fastify.get('/planted', { schema: { response: { 200: answer } } }, (_request, reply) => reply.type('text/plain').send('{"ok":true}'))
  },
}

/** As little as an application can be, with one route that does not keep its word. */
const small = (plugin: RoutePlugin): AppDefinition =>
  defineApp({
    name: 'small',
    models: { tags },
    resources: [defineResource(tags, { access: { read: anyone, write: anyone } })],
    routes: [plugin],
  })

describe('I2: controls', () => {
  test.each(Object.entries(planted))('%s: is found when it is planted', async (finding, plugin) => {
    const { findings } = await fuzz(small(plugin), 300)
    expect(findings.join('\n')).toContain(finding)
  })

  test('an operation that never succeeds is noticed', async () => {
    const closed: RoutePlugin = (fastify) => {
      fastify.get('/planted', { schema: { response: { 200: answer } } }, (_request, reply) => reply.callNotFound())
    }
    expect(neverUsed(await fuzz(small(closed), 200))).toEqual(expect.arrayContaining(['getPlanted']))
  })
})

// Endpoints for machines: health, metrics and the document itself. They never use the application's reply format, but refusals do.

import { refusalReplies } from './openapi-errors.ts'
import { example, jsonBody, type Part, type Parts, refTo } from './openapi-parts.ts'
import { headersOf } from './openapi-replies.ts'

export const machineTag = 'system'

export function machinePaths(): Parts {
  return {
    '/health': { get: probe('health', 'Whether the process answers', alive()) },
    '/health/live': { get: probe('live', 'Whether the process lives', alive()) },
    '/health/ready': { get: probe('ready', 'Whether requests may be sent here', { ...alive(), 503: notReady() }) },
    '/health/details': { get: probe('healthDetails', 'What the process depends on', details()) },
    '/metrics': { get: probe('metrics', 'Counters and timings', metrics()) },
    '/openapi.json': { get: { ...probe('openapi', 'This document', document()), parameters: [refTo('parameters', 'IfNoneMatch')] } },
  }
}

function probe(operationId: string, summary: string, responses: Parts): Part {
  return { operationId, summary, tags: [machineTag], responses }
}

function alive(): Parts {
  return { 200: reply('Yes.', statusSchema(['ok']), { status: 'ok' }), ...always('InvalidAddress') }
}

/** Refusals that need no database. */
function always(name: 'InvalidAddress' | 'NotForYou'): Parts {
  const { 503: _unavailable, ...replies } = refusalReplies(name)
  return replies
}

function notReady(): Part {
  const schema = statusSchema(['unavailable', 'draining'], {
    failing: { type: 'array', items: { type: 'string' }, description: 'What does not answer.' },
  })
  return {
    ...reply('No: something it needs is away, or it is about to stop.', schema, { status: 'unavailable', failing: ['database'] }),
    headers: headersOf({ 'Retry-After': 'RetryAfter' }),
  }
}

function details(): Parts {
  const checks = { database: { ok: true, required: true, latencyMs: 0.4 } }
  const value = {
    status: 'ok',
    version: '1.0.0',
    node: 'v24.0.0',
    uptimeSeconds: 3600,
    memoryBytes: 104_857_600,
    requestsInFlight: 1,
    checks,
  }
  return {
    200: reply('All that is required answers.', detailsSchema, value),
    503: reply('Something that is required does not.', detailsSchema),
    ...always('NotForYou'),
  }
}

const check: Part = {
  type: 'object',
  properties: { ok: { type: 'boolean' }, required: { type: 'boolean' }, latencyMs: { type: 'number' }, error: { type: 'string' } },
  required: ['ok', 'required', 'latencyMs'],
}

function processSchema(more: Parts): Part {
  const properties = { pid: { type: 'integer' }, uptimeSeconds: { type: 'integer' }, memoryBytes: { type: 'integer' }, ...more }
  return { type: 'object', properties }
}

const detailsSchema: Part = {
  type: 'object',
  properties: {
    status: { enum: ['ok', 'unavailable'] },
    version: { type: 'string' },
    node: { type: 'string' },
    uptimeSeconds: { type: 'integer' },
    memoryBytes: { type: 'integer' },
    requestsInFlight: { type: 'integer' },
    checks: { type: 'object', additionalProperties: check },
    worker: { type: 'integer', description: 'Which of several processes answers; absent where there is one.' },
    primary: processSchema({ restarts: { type: 'integer', description: 'Workers that ended by themselves and were replaced.' } }),
    workers: {
      type: 'array',
      items: processSchema({
        worker: { type: 'integer' },
        state: { enum: ['serving', 'draining', 'silent'] },
        requestsInFlight: { type: 'integer' },
      }),
    },
  },
  required: ['status', 'node', 'uptimeSeconds', 'memoryBytes', 'requestsInFlight', 'checks'],
}

function metrics(): Parts {
  const content = {
    'text/plain': { schema: { type: 'string' }, example: 'http_requests_total{method="GET",route="/health",status="200"} 1' },
  }
  return { 200: { description: 'In the text format of Prometheus.', headers: headersOf(), content }, ...always('NotForYou') }
}

function document(): Parts {
  const schema = { type: 'object', properties: { openapi: { const: '3.1.0' } }, required: ['openapi'] }
  const found = { description: 'In OpenAPI 3.1.', headers: headersOf({ ETag: 'ETag' }), content: jsonBody(schema) }
  return { 200: found, 304: { description: 'Unchanged.', headers: headersOf({ ETag: 'ETag' }) }, ...always('InvalidAddress') }
}

function reply(description: string, schema: Part, value?: unknown): Part {
  return {
    description,
    headers: headersOf(),
    content: jsonBody(schema, value === undefined ? undefined : { reply: example(description, value) }),
  }
}

function statusSchema(words: readonly string[], more: Parts = {}): Part {
  return { type: 'object', properties: { status: { enum: words }, ...more }, required: ['status'] }
}

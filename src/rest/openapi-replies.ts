// How replies are framed in the document: what the three reply formats put around records, and the headers of replies.

import type { ResourceNames } from './openapi-names.ts'
import { type Part, type Parts, refTo, schemaRef } from './openapi-parts.ts'
import type { ReplyFormat } from './reply-format.ts'

/** Schemas of the replies that carry records, by what is in them. */
export interface ReplySchemas {
  readonly record: Part
  readonly records: Part
  readonly page: Part
}

export function replySchemas(format: ReplyFormat, { one }: ResourceNames): ReplySchemas {
  if (format.name === 'envelope')
    return { record: schemaRef(`${one}Reply`), records: schemaRef(`${one}BulkReply`), page: schemaRef(`${one}Page`) }
  return { record: schemaRef(one), records: { type: 'array', items: schemaRef(one) }, page: schemaRef(`${one}Page`) }
}

/** The components behind `replySchemas`. */
export function replyComponents(format: ReplyFormat, { one, manyInWords }: ResourceNames): Parts {
  const records: Part = { type: 'array', items: schemaRef(one) }
  if (format.name !== 'envelope') return { [`${one}Page`]: { ...records, description: `A page of ${manyInWords}.` } }
  return {
    [`${one}Reply`]: envelopeOf(schemaRef(one), emptyMeta),
    [`${one}BulkReply`]: envelopeOf(records, emptyMeta),
    [`${one}Page`]: { ...envelopeOf(records, schemaRef('PageMeta')), description: `A page of ${manyInWords}.` },
  }
}

const emptyMeta: Part = { type: 'object', description: 'Empty here.' }

function envelopeOf(data: Part, meta: Part): Part {
  return {
    type: 'object',
    properties: { success: { const: true }, data, meta },
    required: ['success', 'data', 'meta'],
    additionalProperties: false,
  }
}

export const pageMeta: Part = {
  type: 'object',
  description: 'Where a page is in its list.',
  properties: {
    page: {
      type: 'object',
      properties: {
        size: { type: 'integer', minimum: 1, description: 'Most records of a page.' },
        count: { type: 'integer', minimum: 0, description: 'Records on this page.' },
        number: { type: 'integer', minimum: 1, description: 'Only when the page was asked for by `page[number]`.' },
        has_more: { type: 'boolean' },
        next: { type: 'string', description: '`page[after]` of the next page. Absent on the last one, and with `page[number]`.' },
      },
      required: ['size', 'count', 'has_more'],
      additionalProperties: false,
    },
    total: { type: 'integer', minimum: 0, description: 'Records on all pages, when they were counted.' },
  },
  required: ['page'],
  additionalProperties: false,
}

export const headers: Parts = {
  RequestId: { description: "Names the request in the server's log.", schema: { type: 'string' }, example: '5PzKQ2aX-1f' },
  ETag: {
    description: 'Version of what was sent: for `If-None-Match`, and of a whole record for `If-Match`.',
    schema: { type: 'string', pattern: '^"[^"]*"$' },
    example: '"2jmj7l5rSw0yVb_vlWAYkK_YBwk"',
  },
  CacheControl: { description: 'How long the reply may be kept, and by whom.', schema: { type: 'string' } },
  Location: { description: 'Path of the new record.', schema: { type: 'string', format: 'uri-reference' } },
  Link: {
    description: 'The next page: `<path?page%5Bafter%5D=…>; rel="next"` (RFC 8288). Absent on the last page.',
    schema: { type: 'string' },
  },
  TotalCount: { description: 'Records on all pages, when they were counted.', schema: { type: 'integer', minimum: 0 } },
  Pagination: {
    description: 'Where the page is in its list, as JSON.',
    content: { 'application/json': { schema: schemaRef('PageMeta') } },
  },
  IdempotencyReplayed: {
    description: 'Present when the answer is that of an earlier request with the same `Idempotency-Key`.',
    schema: { type: 'string', const: 'true' },
  },
  RateLimit: {
    description: 'What is left: of each limit its name, `r` requests, and `t` seconds until it is more.',
    schema: { type: 'string' },
    example: '"address-1m";r=599;t=60',
  },
  RateLimitPolicy: {
    description: 'The limits: of each its name, and `q` requests in `w` seconds.',
    schema: { type: 'string' },
    example: '"address-1m";q=600;w=60',
  },
  RateLimitLimit: { description: 'Requests of the limit of which least is left.', schema: { type: 'integer', minimum: 1 }, example: 600 },
  RateLimitRemaining: { description: 'How many of them are left.', schema: { type: 'integer', minimum: 0 }, example: 599 },
  RateLimitReset: { description: 'Seconds until it is more.', schema: { type: 'integer', minimum: 1 }, example: 60 },
  RetryAfter: { description: 'Seconds to wait before another try.', schema: { type: 'integer', minimum: 0 }, example: 1 },
}

/** Headers of a reply, by their names on the wire; every reply has its request's id. */
export function headersOf(wanted: Readonly<Record<string, keyof typeof headers>> = {}): Parts {
  return Object.fromEntries(
    Object.entries({ ...wanted, 'X-Request-Id': 'RequestId' }).map(([wire, name]) => [wire, refTo('headers', name)]),
  )
}

/** Of every answer of an operation with a rate limit. */
export const rateHeaders: Readonly<Record<string, keyof typeof headers>> = {
  RateLimit: 'RateLimit',
  'RateLimit-Policy': 'RateLimitPolicy',
  'RateLimit-Limit': 'RateLimitLimit',
  'RateLimit-Remaining': 'RateLimitRemaining',
  'RateLimit-Reset': 'RateLimitReset',
}

/** Of what a read answers. */
export const readHeaders: Readonly<Record<string, keyof typeof headers>> = { ETag: 'ETag', 'Cache-Control': 'CacheControl' }

/** Headers of what a write answers. */
export function writeHeaders(wanted: Readonly<Record<string, keyof typeof headers>> = {}): Parts {
  return headersOf({ ...wanted, 'Idempotency-Replayed': 'IdempotencyReplayed' })
}

/** What a page says in headers: the two formats without an envelope have its place in the list there. */
export function pageHeaders(format: ReplyFormat): Parts {
  const everywhere = { ...readHeaders, Link: 'Link' }
  if (format.name === 'envelope') return headersOf(everywhere)
  return headersOf({ ...everywhere, 'X-Total-Count': 'TotalCount', 'X-Pagination': 'Pagination' })
}

// Conditional requests: entity tags of what is sent, and what the caller says it already has.

import { jsonType } from '../http/answer.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { etagOf } from '../resource/shape/etag.ts'

/** Sends a body with its entity tag, or 304 when the caller has it. */
export function sendWithEtag(request: HttpRequest, reply: HttpReply, body: Buffer, etag: string = etagOf(body)): HttpReply {
  reply.header('etag', etag)
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.header('content-type', jsonType).send(body)
}

/** `If-None-Match` compares weakly (RFC 9110, 13.1.2): a proxy that compresses may have added `W/`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

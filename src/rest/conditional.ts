// Conditional requests: entity tags of what is sent, and what the caller says it already has.

import { jsonType } from '../http/answer.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { etagOf } from '../resource/shape/etag.ts'
import { matchesWeakly } from '../support/entity-tags.ts'

/** Sends a body with its entity tag, or 304 when the caller has it. */
export function sendWithEtag(request: HttpRequest, reply: HttpReply, body: Buffer, etag: string = etagOf(body)): HttpReply {
  reply.header('etag', etag)
  const known = request.headers['if-none-match']
  if (known !== undefined && matchesWeakly(known, etag)) return reply.code(304).send()
  return reply.header('content-type', jsonType).send(body)
}

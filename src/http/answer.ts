// An answer as data: what a handler decided, before anything of it is sent.

import type { HttpReply } from './route.ts'

export interface Answer {
  readonly status: number
  /** By lower-case name; the headers of every answer are not among them. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent: no body. */
  readonly body?: Buffer
}

export const jsonType = 'application/json; charset=utf-8'

export function jsonAnswer(status: number, body: Buffer, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': jsonType, ...headers }, body }
}

export function sendAnswer(reply: HttpReply, { status, headers, body }: Answer): HttpReply {
  return reply.code(status).headers(headers).send(body)
}

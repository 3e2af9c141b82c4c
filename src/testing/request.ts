// Requests to an application under test, without a socket.

import type { InjectOptions } from 'fastify'
import type { App } from '../app/create.ts'

export interface TestRequest {
  /** Any that Node knows; default `GET`. */
  readonly method?: InjectOptions['method']
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, instead of `body`; say what it is with `content-type`. */
  readonly raw?: string | Buffer
}

/** A reply with its body parsed. */
export interface TestReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly text: string
  /** The JSON of the reply; undefined for everything else. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into bodies whose shape it is about to check
  readonly body: any
}

export async function send(app: App, { method = 'GET', path, headers = {}, body, raw }: TestRequest): Promise<TestReply> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const reply = await app.inject({ method, url: path, headers: { ...type, ...headers }, ...(payload === undefined ? {} : { payload }) })
  const json = reply.headers['content-type']?.includes('json') === true && reply.body !== ''
  return { status: reply.statusCode, headers: reply.headers, text: reply.body, body: json ? JSON.parse(reply.body) : undefined }
}

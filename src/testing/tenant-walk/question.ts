// One thing that is asked of the application, and the same about something that is not there: both have to be answered alike.

import type { App } from '../../app/create.ts'
import type { Actor } from './actors.ts'

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Question {
  readonly about: Request
  /** The same about what is nowhere. */
  readonly missing?: Request
  /** Texts that are in the first request, and in their places in the second. */
  readonly named?: readonly (readonly [foreign: string, missing: string])[]
  /** The first may not be done: it names the other tenant. */
  readonly isRefused?: boolean
  /** Most records that there are for the one who asks. */
  readonly most?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>
  readonly text: string
}

/** Headers that differ from one answer to the next, whatever is in them. */
const passing = ['date', 'x-request-id', 'content-length', 'etag', 'retry-after', 'location', 'x-cache']
let asked = 0

/** @throws Error when the application limits how often it may be called: the walk would see nothing */
export async function ask(app: App, { headers }: Actor, { method, path, headers: more, body }: Request): Promise<Answer> {
  asked += 1
  const remoteAddress = `10.${(asked >> 16) & 255}.${(asked >> 8) & 255}.${asked & 255}`
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const reply = await app.inject({ method, url: path, headers: { ...headers, ...type, ...more }, remoteAddress, ...payload })
  if (reply.statusCode === 429) throw new Error(`${method} ${path} is called too often. Lift rate limits for the walk: RATE_LIMIT=off.`)
  return { status: reply.statusCode, headers: reply.headers, text: reply.body }
}

/** An answer as it is compared: without what is different each time, and with what was named in it left out. */
export function essence({ method }: Request, { status, headers, text }: Answer, names: readonly string[]): string {
  const id = headers['x-request-id']?.toString() ?? ''
  const kept = Object.entries(headers).filter(([name]) => !passing.includes(name) && !name.startsWith('ratelimit'))
  // A record that was written has times and keys of its own.
  const isWritten = method !== 'GET' && status < 300
  const plain = JSON.stringify([status, kept, isWritten ? '' : text])
  return [id, ...names].filter((name) => name !== '').reduce((said, name) => said.replaceAll(name, '…'), plain)
}

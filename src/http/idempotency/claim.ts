// What a request with an Idempotency-Key claims: to be the one request of this caller with this key.
// @see the IETF draft "The Idempotency-Key HTTP Header Field"

import { hash } from 'node:crypto'
import type { Callers } from '../callers.ts'
import type { HttpRequest } from '../route.ts'
import { asBuffer, isStream } from './bytes.ts'
import { idempotencyErrors } from './errors.ts'

export interface Claim {
  /** The caller: keys of two callers have nothing to do with each other. */
  readonly scope: string
  readonly key: string
  /** SHA-256 in hexadecimal of what was asked for. */
  readonly fingerprint: string
}

const longestKey = 255

/**
 * @returns undefined without the header
 * @throws  AppError `IDEMPOTENCY_INVALID_KEY` (400), `IDEMPOTENCY_STREAM` (500)
 */
export function claimOf(request: HttpRequest, callers: Callers): Claim | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  // Node joins repeated headers with a comma and a space, so two keys are refused here too.
  if (typeof key !== 'string' || key.length > longestKey || !/^[!-~]+$/.test(key)) throw idempotencyErrors.INVALID_KEY(longestKey)
  return { scope: callers.scopeOf(request), key, fingerprint: fingerprintOf(request) }
}

/** Method, address and body. JSON counts by what it says, not by its white space. */
function fingerprintOf({ method, url, body }: HttpRequest): string {
  const start = Buffer.from(`${method} ${url}\n`)
  return hash('sha256', Buffer.concat([start, bytesOf(body)]), 'hex')
}

function bytesOf(body: unknown): Buffer {
  if (body === undefined) return Buffer.alloc(0)
  if (body instanceof Uint8Array) return asBuffer(body)
  if (isStream(body)) throw idempotencyErrors.STREAM('request')
  return Buffer.from(JSON.stringify(body))
}

// Cursors: the order values of the last record of a page, signed, so that nobody can make PostgreSQL compare what we did not hand out.

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { resourceErrors } from './errors.ts'
import type { OrderKey } from './plan.ts'

export type CursorKey = KeyObject

/** Bytes of the signature that are kept; 96 bits cannot be guessed over HTTP. */
const signatureBytes = 12
/** Order values of one index row (PostgreSQL caps those near 2.7 kB) fit; a URL and a Link header have room for it. */
const mostCharacters = 4096

export function cursorKey(secret: string): CursorKey {
  return createSecretKey(Buffer.from(`cursor:${secret}`))
}

/** What a cursor is bound to: a list and its order. */
export function orderSignature(resource: string, order: readonly OrderKey[]): string {
  return `${resource}|${order.map(orderName).join(',')}`
}

function orderName(key: OrderKey): string {
  const sign = key.descending ? '-' : ''
  if (key.by === 'rank') return `${sign}(rank)`
  return sign + [...key.path.map((step) => step.relation.name), key.field.name].join('.')
}

/** Undefined where the order values are too long to be carried around: texts that no index could hold. */
export function encodeCursor(key: CursorKey, binding: string, values: readonly (string | null)[]): string | undefined {
  const payload = Buffer.from(JSON.stringify(values))
  const cursor = `${payload.toString('base64url')}.${sign(key, binding, payload).toString('base64url')}`
  return cursor.length > mostCharacters ? undefined : cursor
}

/** @throws RESOURCE_INVALID_CURSOR for anything that `encodeCursor` did not make with the same key and binding */
export function decodeCursor(key: CursorKey, binding: string, cursor: string): readonly (string | null)[] {
  const [payloadText = '', signatureText = '', ...rest] = cursor.length > mostCharacters ? [] : cursor.split('.')
  const payload = Buffer.from(payloadText, 'base64url')
  const signature = Buffer.from(signatureText, 'base64url')
  const expected = sign(key, binding, payload)
  if (rest.length > 0 || signature.length !== signatureBytes || !timingSafeEqual(signature, expected)) {
    throw resourceErrors.INVALID_CURSOR().with({ field: 'page[after]' })
  }
  return JSON.parse(payload.toString()) as (string | null)[]
}

function sign(key: CursorKey, binding: string, payload: Buffer): Buffer {
  return createHmac('sha256', key).update(binding).update('\n').update(payload).digest().subarray(0, signatureBytes)
}

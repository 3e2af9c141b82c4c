// Parsed JSON bodies → writes. Only the outermost form is looked at here; fields are the engine's business.

import { keyFields } from '../resource/get-statement.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { BulkRequest, RecordKey, RecordValues } from '../resource/request.ts'
import { restErrors } from './errors.ts'

export function isBulk(body: unknown): body is readonly RecordValues[] {
  return Array.isArray(body)
}

/** `[1, 2]`, or `[{ order_id: 1, product_id: 2 }]` where the key has several parts. */
export function readKeys(resource: CompiledResource, body: unknown): BulkRequest {
  if (!isBulk(body)) throw restErrors.INVALID_BODY('An array of keys is expected.', keyHint(resource))
  return { operation: 'delete', keys: body.map((item) => readKey(resource, item)) }
}

function readKey(resource: CompiledResource, item: unknown): RecordKey {
  const fields = keyFields(resource)
  if (fields.length === 1) return [keyText(resource, item)]
  return fields.map((field) => keyText(resource, (item as Record<string, unknown> | null)?.[field.name]))
}

function keyText(resource: CompiledResource, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw restErrors.INVALID_BODY('A key is missing or is not a plain value.', keyHint(resource))
}

function keyHint(resource: CompiledResource): string {
  const fields = keyFields(resource)
  return fields.length === 1 ? 'Write [1, 2, 3].' : `Write [{ ${fields.map((field) => `"${field.name}": …`).join(', ')} }].`
}

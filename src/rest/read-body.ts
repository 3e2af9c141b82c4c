// Parsed JSON bodies → writes. Only the outermost form and the keys are looked at here; fields are the engine's business.

import type { Field } from '../model/model.ts'
import { parseField } from '../model/parse-field.ts'
import { keyFields } from '../resource/get-statement.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { BulkRequest, RecordKey, RecordValues } from '../resource/request.ts'
import { writeErrors } from '../resource/write-errors.ts'
import { eachItem } from '../resource/write-failures.ts'
import { restErrors } from './errors.ts'

export function isBulk(body: unknown): body is readonly RecordValues[] {
  return Array.isArray(body)
}

/** Records with their keys: `[{ id: 1, name: 'new' }]`. */
export function readChanges(resource: CompiledResource, body: unknown): BulkRequest {
  if (!isBulk(body)) throw restErrors.INVALID_BODY('An array of records is expected.', `Write ${keyExample(resource, ', …')}.`)
  return { operation: 'patch', items: body }
}

/** `[1, 2]`, or `[{ order_id: 1, product_id: 2 }]` where the key has several parts. */
export function readKeys(resource: CompiledResource, body: unknown): BulkRequest {
  const several = keyFields(resource).length > 1
  if (!isBulk(body))
    throw restErrors.INVALID_BODY('An array of keys is expected.', `Write ${several ? keyExample(resource) : '[1, 2, 3]'}.`)
  return { operation: 'delete', keys: eachItem(body, (item) => readKey(resource, item)) }
}

function readKey(resource: CompiledResource, item: unknown): RecordKey {
  const [first, ...others] = keyFields(resource)
  if (first !== undefined && others.length === 0) return [keyText(first, item)]
  const values = typeof item === 'object' && item !== null ? (item as RecordValues) : {}
  return keyFields(resource).map((field) => keyText(field, Object.hasOwn(values, field.name) ? values[field.name] : undefined))
}

/** The type is checked while it is known: of a text nobody can tell whether it was a number. */
function keyText(field: Field, value: unknown): string {
  const parsed = value === undefined ? { problem: 'is needed to find the record', hint: undefined } : parseField(field, value)
  if ('problem' in parsed) throw writeErrors.INVALID_KEY(field.name, parsed.problem, parsed.hint).with({ field: field.name })
  return String(value)
}

function keyExample(resource: CompiledResource, more = ''): string {
  const parts = keyFields(resource).map((field) => `"${field.name}": …`)
  return `[{ ${parts.join(', ')}${more} }]`
}

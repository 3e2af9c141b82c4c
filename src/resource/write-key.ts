// Primary key values as callers give them → PostgreSQL text.

import { parseField, parseFilterText } from '../model/parse-field.ts'
import { resourceErrors } from './errors.ts'
import { isRecord } from './is-record.ts'
import type { RecordKey, RecordValues } from './request.ts'
import { writeErrors } from './write-errors.ts'
import type { Writer } from './writer.ts'

/**
 * The key of an address.
 *
 * @throws AppError `RESOURCE_INVALID_VALUE`, as a read of this address, when a part cannot be a value of its column
 */
export function addressKey({ table }: Writer, key: RecordKey): RecordKey {
  return table.key.map((field, i) => {
    const parsed = parseFilterText(field, key[i] ?? '')
    if ('problem' in parsed) throw resourceErrors.INVALID_VALUE(field.name, parsed.problem, parsed.hint).with({ field: field.name })
    return parsed.value
  })
}

/**
 * The key that stands among the values of a record.
 *
 * @throws AppError `WRITE_INVALID_KEY` when a part is missing or cannot be a value of its column
 */
export function ownKey({ table }: Writer, values: RecordValues): RecordKey {
  if (!isRecord(values)) throw writeErrors.NOT_AN_OBJECT()
  return table.key.map((field) => {
    const value = Object.hasOwn(values, field.name) ? values[field.name] : undefined
    if (value === undefined || value === null)
      throw writeErrors.INVALID_KEY(field.name, 'is needed to find the record').with({ field: field.name })
    const parsed = parseField(field, value)
    if ('problem' in parsed) throw writeErrors.INVALID_KEY(field.name, parsed.problem, parsed.hint).with({ field: field.name })
    return parsed.value
  })
}

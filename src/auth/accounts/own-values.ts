// Values of the application's own columns that come with a sign-up.

import type { ErrorDetail } from '../../core/errors.ts'
import type { Field } from '../../model/model.ts'
import { parseField } from '../../model/parse-field.ts'
import { accountErrors } from '../account-errors.ts'
import type { OwnValues } from './users.ts'

/** @throws AppError AUTH_INVALID_SIGN_UP with a detail for each field that is wrong */
export function ownValues(fields: readonly Field[], given: Readonly<Record<string, unknown>>): OwnValues {
  const details: ErrorDetail[] = []
  const values: Record<string, string | null> = {}
  for (const field of fields) {
    const value = given[field.name]
    if (value === undefined) continue
    if (value === null && field.nullable) {
      values[field.name] = null
      continue
    }
    const parsed = parseField(field, value)
    if ('value' in parsed) values[field.name] = parsed.value
    else details.push({ field: field.name, code: 'AUTH_INVALID_SIGN_UP', message: `"${field.name}" ${parsed.problem}.` })
  }
  if (details.length > 0) throw accountErrors.INVALID_SIGN_UP().with({ details })
  return values
}

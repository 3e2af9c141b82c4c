// Why the engine refuses to write. Values are never repeated here unless the caller has to find them among others.

import { defineErrors } from '../core/errors.ts'

const named = (fields: readonly string[]): string => fields.map((field) => `"${field}"`).join(', ')
const bracketed = (names: readonly string[]): string => (names.length === 0 ? '' : ` (${named(names)})`)
const items = (count: number): string => (count === 1 ? '1 item' : `${count} items`)

/** Why a precondition does not hold. */
const unmet = {
  changed: {
    message: 'The record has changed since you read it.',
    hint: 'Fetch it again, without fields or include, and repeat the change with the new ETag.',
  },
  exists: {
    message: 'The record is there already.',
    hint: 'Change it with If-Match, or leave If-None-Match out.',
  },
  several: {
    message: 'If-Match names one version of one record, and this request is about several.',
    hint: 'Change the records one by one.',
  },
}
type Unmet = keyof typeof unmet

export const writeErrors = defineErrors('WRITE', {
  INVALID: {
    status: 400,
    summary: 'A record cannot be written as it was sent. `details` lists every field that is wrong.',
    message: (fields: readonly string[]) =>
      fields.length === 1 ? `The field ${named(fields)} is not right.` : `${fields.length} fields are not right: ${named(fields)}.`,
  },
  NOT_AN_OBJECT: {
    status: 400,
    summary: 'A record was sent that is not a JSON object.',
    message: () => 'A record is a JSON object.',
    hint: () => 'Send { "field": value, … }.',
  },
  UNKNOWN_FIELD: {
    status: 400,
    summary: 'A property was sent that is no field of the resource.',
    message: (field: string, resource: string, _near?: string) => `"${field}" is not a field of "${resource}".`,
    hint: (_field: string, _resource: string, near?: string) => (near === undefined ? undefined : `Perhaps you meant "${near}".`),
  },
  READ_ONLY_FIELD: {
    status: 400,
    summary: 'A property was sent for a field that callers cannot set.',
    message: (field: string) => `"${field}" is read-only.`,
    hint: () => 'Leave it out.',
  },
  REQUIRED: {
    status: 400,
    summary: 'A field without a default is missing.',
    message: (field: string) => `"${field}" is required.`,
  },
  NOT_NULL: {
    status: 400,
    summary: 'Null was sent for a field that always has a value.',
    message: (field: string) => `"${field}" cannot be null.`,
  },
  INVALID_VALUE: {
    status: 400,
    summary: 'A value does not fit its field.',
    message: (field: string, problem: string, _hint?: string) => `"${field}" ${problem}.`,
    hint: (_field: string, _problem: string, hint?: string) => hint,
  },
  KEY_CHANGED: {
    status: 400,
    summary: 'The body names another record than the address does. Keys cannot be changed.',
    message: (field: string) => `"${field}" is not the one in the address.`,
    hint: () => 'Leave it out, or create a new record.',
  },
  INVALID_KEY: {
    status: 400,
    summary: 'A primary key value is missing, or cannot be a value of its column.',
    message: (field: string, problem: string, _hint?: string) => `"${field}" ${problem}.`,
    hint: (_field: string, _problem: string, hint?: string) => hint,
  },
  PRECONDITION_FAILED: {
    status: 412,
    summary: 'The record is not the version that If-Match names, or is there although If-None-Match says that it must not be.',
    message: (why: Unmet) => unmet[why].message,
    hint: (why: Unmet) => unmet[why].hint,
  },
  PRECONDITION_REQUIRED: {
    status: 428,
    summary: 'The resource takes changes of a record only with If-Match.',
    message: () => 'A change of this record needs If-Match.',
    hint: () => 'Fetch the record, and send its ETag as If-Match with the change.',
  },
  CONFLICT: {
    status: 409,
    summary: 'Another record has the same value in a field that must be unique.',
    message: (fields: readonly string[], constraint: string, _softDelete = false) =>
      fields.length === 0
        ? `Another record stands against the constraint "${constraint}".`
        : `Another record has the same ${named(fields)}.`,
    hint: (fields: readonly string[], _constraint: string, softDelete = false) =>
      fields.length === 0
        ? undefined
        : `Choose another value, or change the record that has it.${softDelete ? ' It may be a deleted one: restore it.' : ''}`,
  },
  MISSING_REFERENCE: {
    status: 409,
    summary: 'A foreign key points to a record that does not exist.',
    message: (fields: readonly string[], value: string, target: string) => `${named(fields)}: there is no ${value} in "${target}".`,
    hint: (fields: readonly string[], _value: string, target: string) =>
      `Create it in "${target}" first, or choose another ${named(fields)}.`,
  },
  STILL_REFERENCED: {
    status: 409,
    summary: 'Other records point to the one that should go.',
    message: (table: string | undefined) => `${table === undefined ? 'Other records' : `Records of "${table}"`} still refer to this one.`,
    hint: (table: string | undefined) => `Delete or change ${table === undefined ? 'them' : `those of "${table}"`} first.`,
  },
  CHECK_FAILED: {
    status: 400,
    summary: 'A record breaks a check constraint.',
    message: (constraint: string | undefined, fields: readonly string[]) =>
      `${constraint === undefined ? 'A check' : `The check "${constraint}"`} refuses this ${fields.length === 0 ? 'record' : named(fields)}.`,
  },
  EXCLUDED: {
    status: 409,
    summary: 'A record overlaps with another one where an exclusion constraint forbids it.',
    message: (constraint: string | undefined, fields: readonly string[]) =>
      `Another record stands against this one${bracketed([...(constraint === undefined ? [] : [constraint]), ...fields])}.`,
  },
  REPEATED: {
    status: 400,
    summary: 'A bulk request names the same record twice.',
    message: (first: number) => `Item ${first} is the same record.`,
    hint: () => 'Say everything about a record in one item.',
  },
  BULK_INVALID: {
    status: 400,
    summary: 'Items of a bulk request are wrong; nothing was changed. `details` lists each with its index.',
    message: (count: number) => `${items(count)} cannot be written; nothing was changed.`,
  },
  BULK_FORBIDDEN: {
    status: 403,
    summary: 'Items of a bulk request are not for the caller to write so; nothing was changed. `details` lists each with its index.',
    message: (count: number) => `${items(count)} cannot be written by you; nothing was changed.`,
  },
  BULK_NOT_FOUND: {
    status: 404,
    summary: 'Items of a bulk request name records that do not exist; nothing was changed. `details` lists each with its index.',
    message: (count: number) => `${items(count)} cannot be found; nothing was changed.`,
  },
  BULK_CONFLICT: {
    status: 409,
    summary: 'Items of a bulk request are in conflict with other records; nothing was changed. `details` lists each with its index.',
    message: (count: number) => `${items(count)} cannot be written because of other records; nothing was changed.`,
  },
  TOO_MANY_ITEMS: {
    status: 400,
    summary: 'A bulk request has more items than the resource takes at once.',
    message: (count: number, most: number) => `A bulk request has at most ${most} items; this one has ${count}.`,
    hint: () => 'Send several requests.',
  },
  HOOK_FAILED: {
    status: 500,
    summary: 'A hook of the application threw something that is no AppError; the write was rolled back. The log has the cause.',
    message: () => 'The server could not complete the request.',
  },
})

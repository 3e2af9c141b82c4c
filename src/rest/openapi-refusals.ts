// What can go wrong, in groups of codes that one operation answers alike. The document has a shared reply for each group.

/** A shared reply of the document. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 409 | 412 | 413 | 414 | 415 | 422 | 428 | 429 | 500 | 503 | 'default'
  readonly summary: string
  /** Codes of the error tables, also those that only stand in `details`. */
  readonly codes: readonly string[]
}

const queryCodes = ['HTTP_INVALID_URL', 'REST_UNKNOWN_PARAMETER', 'REST_REPEATED_PARAMETER', 'REST_INVALID_PARAMETER', 'REST_INVALID_QUERY']

/** What only PostgreSQL can tell: values of types that it knows and we do not, and ranges that end before they begin. */
const valueCodes = ['DB_INVALID_VALUE', 'DB_OUT_OF_RANGE']

const shapeCodes = [
  'RESOURCE_UNKNOWN_FIELD',
  'RESOURCE_UNKNOWN_RELATION',
  'RESOURCE_INVALID_VALUE',
  'RESOURCE_INCLUDE_TOO_DEEP',
  'RESOURCE_TOO_MANY_INCLUDES',
  'RESOURCE_INCLUDE_TOO_LARGE',
  'RESOURCE_REPLY_TOO_LARGE',
]

const listCodes = [
  'RESOURCE_UNKNOWN_OPERATOR',
  'RESOURCE_TOO_MANY_CONDITIONS',
  'RESOURCE_NOT_SORTABLE',
  'RESOURCE_SORT_TOO_LONG',
  'RESOURCE_NOT_SEARCHABLE',
  'RESOURCE_INVALID_PAGE',
  'RESOURCE_INVALID_CURSOR',
]

/** Of every write. */
const keyCodes = ['IDEMPOTENCY_INVALID_KEY', 'IDEMPOTENCY_ANSWER_TOO_LARGE']

const bodyCodes = [
  'HTTP_INVALID_JSON',
  'HTTP_INCOMPLETE_BODY',
  ...keyCodes,
  'REST_UNKNOWN_PARAMETER',
  'WRITE_INVALID',
  'WRITE_NOT_AN_OBJECT',
  'WRITE_UNKNOWN_FIELD',
  'WRITE_READ_ONLY_FIELD',
  'WRITE_REQUIRED',
  'WRITE_NOT_NULL',
  'WRITE_INVALID_VALUE',
  'WRITE_CHECK_FAILED',
  'DB_CHECK',
  'DB_NOT_NULL',
  'DB_INVALID_VALUE',
  'DB_OUT_OF_RANGE',
  'DB_TOO_LONG',
]

const bulkCodes = ['WRITE_BULK_INVALID', 'WRITE_TOO_MANY_ITEMS', 'WRITE_INVALID_KEY', 'WRITE_REPEATED', 'REST_INVALID_BODY']

const conflictCodes = [
  'IDEMPOTENCY_IN_PROGRESS',
  'WRITE_CONFLICT',
  'WRITE_MISSING_REFERENCE',
  'WRITE_STILL_REFERENCED',
  'WRITE_EXCLUDED',
  'DB_UNIQUE',
  'DB_FOREIGN_KEY',
  'DB_EXCLUSION',
  'DB_RAISED',
]

const databaseCodes = [
  'DB_UNAVAILABLE',
  'DB_TIMEOUT',
  'DB_OVERLOADED',
  'DB_LOCKED',
  'DB_SERIALIZATION',
  'DB_READ_ONLY',
  'DB_SCHEMA_CHANGED',
]

/** By the name of the component. */
export const refusals = {
  InvalidQuery: { status: 400, summary: 'The query is wrong.', codes: [...queryCodes, ...shapeCodes, ...listCodes, ...valueCodes] },
  InvalidRead: { status: 400, summary: 'The key or the query is wrong.', codes: [...queryCodes, ...shapeCodes, ...valueCodes] },
  InvalidKey: {
    status: 400,
    summary: 'The key in the path, or the Idempotency-Key, is wrong.',
    codes: ['HTTP_INVALID_URL', 'REST_UNKNOWN_PARAMETER', 'RESOURCE_INVALID_VALUE', ...keyCodes],
  },
  InvalidBody: {
    status: 400,
    summary: 'The body does not fit. `details` names every field that is wrong.',
    codes: [...bodyCodes, 'WRITE_KEY_CHANGED', 'RESOURCE_INVALID_VALUE'],
  },
  InvalidBulk: {
    status: 400,
    summary: 'The body does not fit; nothing was changed. `details` names every field that is wrong, in bulk with the `index` of its item.',
    codes: [...bodyCodes, ...bulkCodes],
  },
  InvalidAddress: { status: 400, summary: 'The address has a broken percent-encoding.', codes: ['HTTP_INVALID_URL'] },
  InvalidInput: {
    status: 400,
    summary: 'The request does not fit the schema of the route. `details` names what is wrong.',
    codes: ['HTTP_INVALID_INPUT', 'HTTP_INVALID_JSON', 'HTTP_INVALID_URL'],
  },
  SignInRequired: {
    status: 401,
    summary: 'Nobody has signed in, or the token that was shown is not accepted.',
    codes: ['AUTH_REQUIRED', 'AUTH_INVALID_TOKEN'],
  },
  Forbidden: {
    status: 403,
    summary: 'The caller may not do this, or not with this record.',
    codes: ['AUTH_FORBIDDEN', 'AUTH_TENANT_REQUIRED', 'AUTH_NOT_A_MEMBER', 'WRITE_BULK_FORBIDDEN'],
  },
  NotFound: { status: 404, summary: 'There is no such record.', codes: ['RESOURCE_NOT_FOUND'] },
  BulkNotFound: { status: 404, summary: 'Some of the records do not exist; nothing was changed.', codes: ['WRITE_BULK_NOT_FOUND'] },
  NotForYou: { status: 404, summary: 'The caller is not on a private network.', codes: ['HTTP_NOT_FOUND'] },
  Conflict: { status: 409, summary: 'Other records stand against it, or the same request is being worked on.', codes: conflictCodes },
  BulkConflict: {
    status: 409,
    summary: 'Other records stand against some of the items, or the same request is being worked on; nothing was changed.',
    codes: ['WRITE_BULK_CONFLICT', ...conflictCodes],
  },
  PreconditionFailed: {
    status: 412,
    summary: '`If-Match` names another version of the record, or `If-None-Match` the one there is.',
    codes: ['WRITE_PRECONDITION_FAILED'],
  },
  PreconditionRequired: { status: 428, summary: '`If-Match` is missing.', codes: ['WRITE_PRECONDITION_REQUIRED'] },
  BodyTooLarge: { status: 413, summary: 'The body is too large.', codes: ['HTTP_BODY_TOO_LARGE'] },
  AddressTooLong: { status: 414, summary: 'The address with its query is too long.', codes: ['HTTP_URL_TOO_LONG'] },
  UnsupportedMediaType: { status: 415, summary: 'The body is not sent as JSON.', codes: ['HTTP_UNSUPPORTED_MEDIA_TYPE'] },
  KeyReused: {
    status: 422,
    summary: 'The Idempotency-Key was sent with another request before.',
    codes: ['IDEMPOTENCY_KEY_REUSED'],
  },
  KeyInProgress: {
    status: 409,
    summary: 'The first request with this Idempotency-Key is still being worked on.',
    codes: ['IDEMPOTENCY_IN_PROGRESS'],
  },
  RateLimited: { status: 429, summary: 'Sent more often than its rate limit allows.', codes: ['HTTP_RATE_LIMITED'] },
  Failed: {
    status: 500,
    summary: 'Something failed inside. The log has it under the `X-Request-Id`.',
    codes: ['CORE_INTERNAL', 'WRITE_HOOK_FAILED', 'IDEMPOTENCY_NOT_INSTALLED', 'FENCE_NOT_INSTALLED'],
  },
  Unavailable: {
    status: 503,
    summary: 'The database is away or too busy. Try again in a moment.',
    codes: [...databaseCodes, 'FENCE_TIMEOUT', 'FENCE_MOVED', 'HTTP_TIMEOUT'],
  },
  Refused: {
    status: 'default',
    summary: "Any other refusal, in the same form: what HTTP itself refuses, and what the application's own code says.",
    codes: ['HTTP_MALFORMED_REQUEST', 'HTTP_REQUEST_TIMEOUT', 'HTTP_HEADERS_TOO_LARGE'],
  },
} as const satisfies Readonly<Record<string, Refusal>>

export type RefusalName = keyof typeof refusals

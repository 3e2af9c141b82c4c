// Refusals as the document's shared replies, in the application's format. The examples are made by the tables that make the errors.

import { authErrors } from '../auth/errors.ts'
import { policyErrors } from '../auth/policy-errors.ts'
import { tenantErrors } from '../auth/tenants/tenant-errors.ts'
import { fenceErrors } from '../cache/fenced/errors.ts'
import { type AppError, coreErrors, declaredErrors } from '../core/errors.ts'
import { dbErrors } from '../db/errors.ts'
import { idempotencyErrors } from '../http/idempotency/errors.ts'
import { httpErrors } from '../http/errors.ts'
import { resourceErrors } from '../resource/errors.ts'
import { writeErrors } from '../resource/write-errors.ts'
import { restErrors } from './errors.ts'
import { example, type Part, type Parts, refTo, schemaRef } from './openapi-parts.ts'
import { type Refusal, type RefusalName, refusals } from './openapi-refusals.ts'
import { headersOf, rateHeaders } from './openapi-replies.ts'
import type { ReplyFormat } from './reply-format.ts'

/** What the examples are about. */
export interface ErrorSubject {
  readonly resource: string
  readonly field: string
}

/** The shared replies by component name. */
export function refusalComponents(format: ReplyFormat, subject: ErrorSubject): Parts {
  const examples = exampleErrors(subject)
  return Object.fromEntries(
    Object.entries(refusals).map(([name, refusal]) => [name, refusalReply(format, refusal, examples[name as RefusalName])]),
  )
}

/** Replies of an operation by status. What can happen everywhere is always among them. */
export function refusalReplies(...names: readonly RefusalName[]): Parts {
  const all: readonly RefusalName[] = [...names, 'Failed', 'Unavailable', 'Refused']
  return Object.fromEntries(all.map((name) => [refusals[name].status, refTo('responses', name)]))
}

const mayRetry: ReadonlySet<Refusal['status']> = new Set([409, 429, 503])

function refusalReply(format: ReplyFormat, { status, summary, codes }: Refusal, errors: readonly AppError[]): Part {
  const examples = Object.fromEntries(errors.map((error) => [error.code, example(error.code, bodyOf(format, error))]))
  const content = { schema: schemaRef('Error'), ...(errors.length === 0 ? {} : { examples }) }
  return {
    description: `${summary}\n\n${codes.map(codeLine).join('\n')}`,
    headers: headersOf({ ...(mayRetry.has(status) ? { 'Retry-After': 'RetryAfter' } : {}), ...(status === 429 ? rateHeaders : {}) }),
    content: { [errorType(format)]: content },
  }
}

/** A code with its sentence of the error reference. */
function codeLine(code: string): string {
  const found = declaredErrors().find((declared) => declared.code === code)
  if (found === undefined) throw new Error(`No room declares the error code ${code}.`)
  return `- \`${code}\`: ${found.summary}`
}

const exampleRequest = '5PzKQ2aX-1f'

function bodyOf(format: ReplyFormat, error: AppError): unknown {
  return JSON.parse(format.error(error, exampleRequest).body)
}

function errorType(format: ReplyFormat): string {
  return format.error(coreErrors.INTERNAL(), exampleRequest).contentType.replace(/;.*/, '')
}

function exampleErrors({ resource, field }: ErrorSubject): Readonly<Record<RefusalName, readonly AppError[]>> {
  const misspelt = `${field}x`
  const unknownField = writeErrors.UNKNOWN_FIELD(misspelt, resource, field).with({ field: misspelt })
  const conflict = writeErrors.CONFLICT([field], `${resource}_${field}_unique`).with({ field })
  const missing = resourceErrors.NOT_FOUND(resource)
  const unknownParameter = restErrors.UNKNOWN_PARAMETER('serach', 'search').with({ field: 'serach' })
  return {
    InvalidQuery: [resourceErrors.UNKNOWN_FIELD(misspelt, resource, field).with({ field: `filter[${misspelt}]` }), unknownParameter],
    InvalidRead: [resourceErrors.UNKNOWN_FIELD(misspelt, resource, field).with({ field: 'fields' })],
    InvalidKey: [resourceErrors.INVALID_VALUE('id', 'must be a whole number').with({ field: 'id' })],
    InvalidBody: [
      writeErrors.INVALID([misspelt]).with({ details: [unknownField.toDetail()] }),
      httpErrors.INVALID_JSON('a comma is missing (byte 17)'),
    ],
    InvalidBulk: [
      writeErrors.INVALID([misspelt]).with({ details: [unknownField.toDetail()] }),
      writeErrors.BULK_INVALID(1).with({ details: [unknownField.toDetail(3)] }),
    ],
    InvalidAddress: [httpErrors.INVALID_URL('has a broken percent-encoding')],
    InvalidInput: [httpErrors.INVALID_INPUT('body')],
    SignInRequired: [policyErrors.REQUIRED(), authErrors.INVALID_TOKEN()],
    Forbidden: [policyErrors.FORBIDDEN(), policyErrors.TENANT_REQUIRED(), tenantErrors.NOT_A_MEMBER()],
    NotFound: [resourceErrors.NOT_FOUND(resource)],
    BulkNotFound: [writeErrors.BULK_NOT_FOUND(1).with({ details: [missing.toDetail(3)] })],
    NotForYou: [httpErrors.NOT_FOUND()],
    Conflict: [conflict],
    BulkConflict: [writeErrors.BULK_CONFLICT(1).with({ details: [conflict.toDetail(3)] })],
    PreconditionFailed: [writeErrors.PRECONDITION_FAILED('changed')],
    PreconditionRequired: [writeErrors.PRECONDITION_REQUIRED()],
    BodyTooLarge: [httpErrors.BODY_TOO_LARGE()],
    AddressTooLong: [httpErrors.URL_TOO_LONG('8192 bytes')],
    UnsupportedMediaType: [httpErrors.UNSUPPORTED_MEDIA_TYPE()],
    KeyReused: [idempotencyErrors.KEY_REUSED()],
    KeyInProgress: [idempotencyErrors.IN_PROGRESS()],
    RateLimited: [httpErrors.RATE_LIMITED('600/1m', 7)],
    Failed: [coreErrors.INTERNAL(), fenceErrors.NOT_INSTALLED()],
    Unavailable: [dbErrors.UNAVAILABLE()],
    Refused: [],
  }
}

// The three ways a reply can look. A format only frames bytes: what is in them was decided before.

import type { AppError, ErrorDetail } from '../core/errors.ts'
import type { ErrorReply, ErrorReplyParts } from '../http/error-handler.ts'
import { statusText } from '../http/status-text.ts'
import type { RecordPage } from '../resource/run.ts'

export type ReplyFormatName = 'envelope' | 'bare' | 'problem'

export interface ReplyFormat {
  readonly name: ReplyFormatName
  record(json: Buffer): Buffer
  page(page: RecordPage): Buffer
  /** Records that a bulk write made or changed. */
  records(json: Buffer): Buffer
  /** Headers that carry what the body does not. */
  pageHeaders(page: RecordPage): Readonly<Record<string, string>>
  readonly error: ErrorReply
}

const json = 'application/json; charset=utf-8'

/** `{"success":true,"data":…,"meta":{…}}` */
const envelope: ReplyFormat = {
  name: 'envelope',
  record: (data) => Buffer.concat([dataOpen, data, emptyMeta]),
  records: (data) => Buffer.concat([dataOpen, data, emptyMeta]),
  page: (page) => page.json({ before: dataOpen, behind: Buffer.from(`,"meta":${JSON.stringify(pageMeta(page))}}`) }),
  pageHeaders: () => ({}),
  error: (error) =>
    parts(error, json, { success: false, data: null, error: error.message, code: error.code, ...hintOf(error), details: detailsOf(error) }),
}

/** The object or the array itself; what is known of the page goes into headers. */
const bare: ReplyFormat = {
  name: 'bare',
  record: (data) => data,
  records: (data) => data,
  page: (page) => page.json(),
  pageHeaders: (page) => ({
    'x-pagination': JSON.stringify(pageMeta(page)),
    ...(page.total === undefined ? {} : { 'x-total-count': String(page.total) }),
  }),
  error: (error) =>
    parts(error, json, { message: error.message, status: error.status, code: error.code, ...hintOf(error), details: detailsOf(error) }),
}

/** Bare data; errors as RFC 9457. */
const problem: ReplyFormat = {
  ...bare,
  name: 'problem',
  error: (error, requestId) =>
    parts(error, 'application/problem+json; charset=utf-8', {
      type: `urn:plinth:error:${error.code}`,
      title: statusText(error.status) ?? 'Error',
      status: error.status,
      detail: error.message,
      instance: `urn:request:${requestId}`,
      code: error.code,
      ...hintOf(error),
      errors: detailsOf(error),
    }),
}

export const replyFormats: Readonly<Record<ReplyFormatName, ReplyFormat>> = { envelope, bare, problem }

const dataOpen = Buffer.from('{"success":true,"data":')
const emptyMeta = Buffer.from(',"meta":{}}')

export interface PageMeta {
  readonly page: {
    readonly size: number
    readonly count: number
    readonly number?: number
    readonly has_more: boolean
    readonly next?: string
  }
  readonly total?: number
}

function pageMeta({ size, count, number, hasMore, next, total }: RecordPage): PageMeta {
  return {
    page: { size, count, ...(number === undefined ? {} : { number }), has_more: hasMore, ...(next === undefined ? {} : { next }) },
    ...(total === undefined ? {} : { total }),
  }
}

function parts(error: AppError, contentType: string, body: object): ErrorReplyParts {
  return { status: error.status, headers: error.headers, contentType, body: JSON.stringify(body) }
}

function hintOf(error: AppError): { hint?: string } {
  return error.hint === undefined ? {} : { hint: error.hint }
}

/** An error about one named thing is its own only detail. */
function detailsOf(error: AppError): readonly ErrorDetail[] {
  return error.details.length === 0 && error.field !== undefined ? [error.toDetail()] : error.details
}

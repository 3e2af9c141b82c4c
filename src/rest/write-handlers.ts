// The handlers of a resource's writes. Each decides an answer as data; what is the same for all of them stands in `handlerOf`.

import { currentRequestId } from '../core/context.ts'
import { type Answer, jsonAnswer, sendAnswer } from '../http/answer.ts'
import type { HttpRequest, Route } from '../http/route.ts'
import type { Operation } from '../resource/define.ts'
import { resourceErrors } from '../resource/errors.ts'
import { runsInTransaction } from '../resource/hooks.ts'
import type { Preconditions, RecordValues, WriteRequest } from '../resource/request.ts'
import { type WrittenRecord, writeBulk, writeRecord } from '../resource/write.ts'
import { writeErrors } from '../resource/write-errors.ts'
import { inTransaction, type WriteContext } from '../resource/write-run.ts'
import type { Writer } from '../resource/writer.ts'
import { isAny } from '../support/entity-tags.ts'
import { isBulk, readChanges, readKeys } from './read-body.ts'
import { refuseLostAccess } from './replayed.ts'
import { refuseQuery } from './read-query.ts'
import { admittedWriter, keyOf, queryOf, type RestResource } from './rest-resource.ts'

/** What a write answers, when it has been done. */
type Write = (request: HttpRequest, context: WriteContext, writer: Writer) => Promise<Answer>

/** Who may not do this with any record is refused before anything is looked at, also the answer to an Idempotency-Key. */
function handlerOf(rest: RestResource, operation: Operation, write: Write): Route['handler'] {
  return async (request, reply) => {
    const writer = admittedWriter(rest, request, operation)
    refuseQuery(queryOf(request))
    const answer = await answerOnce(rest, request, (context) => write(request, context, writer))
    if (answer.headers['idempotency-replayed'] !== undefined) await refuseLostAccess(rest, request, writer, answer)
    return sendAnswer(reply, answer)
  }
}

/** With an Idempotency-Key the write runs in a transaction with the key, and not at all when the key has its answer. */
function answerOnce(
  { once, writer, resource }: RestResource,
  request: HttpRequest,
  write: (context: WriteContext) => Promise<Answer>,
): Promise<Answer> {
  const requestId = currentRequestId()
  const claim = once.claimOf(request)
  if (claim === undefined) return write({ requestId })
  const retry = !runsInTransaction(resource.options.hooks)
  return once.answer(
    claim,
    () => write({ requestId, joins: true }),
    (work) => inTransaction(writer, work, { retry }),
  )
}

export function createHandler(rest: RestResource): Route['handler'] {
  const { format, path } = rest
  return handlerOf(rest, 'create', async ({ body, headers }, context, writer) => {
    if (isBulk(body)) {
      const written = await writeBulk(writer, { operation: 'create', items: body }, context)
      return jsonAnswer(201, format.records(written.json))
    }
    const written = await writeOne(
      writer,
      { operation: 'create', values: body as RecordValues, noneMatch: headers['if-none-match'] },
      context,
    )
    const location = `${path}/${written.key.map(encodeURIComponent).join('/')}`
    return jsonAnswer(201, format.record(written.json), { location, etag: written.etag })
  })
}

export function changeHandler(rest: RestResource, operation: 'replace' | 'patch'): Route['handler'] {
  return handlerOf(rest, operation, (request, context, writer) => {
    const values = request.body as RecordValues
    const write = { operation, key: keyOf(rest.resource, request), values, ...conditionsOf(rest, request) }
    return answerRecord(rest, writer, write, context)
  })
}

export function restoreHandler(rest: RestResource): Route['handler'] {
  return handlerOf(rest, 'restore', (request, context, writer) =>
    answerRecord(rest, writer, { operation: 'restore', key: keyOf(rest.resource, request), ...conditionsOf(rest, request) }, context),
  )
}

export function deleteHandler(rest: RestResource): Route['handler'] {
  return handlerOf(rest, 'delete', async (request, context, writer) => {
    const { etag } = await writeOne(
      writer,
      { operation: 'delete', key: keyOf(rest.resource, request), ...conditionsOf(rest, request) },
      context,
    )
    // The tag of what can be restored, which no read gives.
    return rest.resource.operations.has('restore') ? { ...nothing, headers: { etag } } : nothing
  })
}

export function bulkPatchHandler(rest: RestResource): Route['handler'] {
  const { resource, format } = rest
  return handlerOf(rest, 'patch', async (request, context, writer) => {
    refuseMatch(request)
    const written = await writeBulk(writer, readChanges(resource, request.body), context)
    return jsonAnswer(200, format.records(written.json))
  })
}

export function bulkDeleteHandler(rest: RestResource): Route['handler'] {
  const { resource } = rest
  return handlerOf(rest, 'delete', async (request, context, writer) => {
    refuseMatch(request)
    await writeBulk(writer, readKeys(resource, request.body), context)
    return nothing
  })
}

const nothing: Answer = { status: 204, headers: {} }

async function answerRecord(rest: RestResource, writer: Writer, write: WriteRequest, context: WriteContext): Promise<Answer> {
  const { json, etag } = await writeOne(writer, write, context)
  return jsonAnswer(200, rest.format.record(json), { etag })
}

async function writeOne(writer: Writer, write: WriteRequest, context: WriteContext): Promise<WrittenRecord> {
  const written = await writeRecord(writer, write, context)
  if (written === undefined) throw resourceErrors.NOT_FOUND(writer.resource.name)
  return written
}

/** @throws AppError `WRITE_PRECONDITION_REQUIRED` (428) where the resource demands If-Match */
function conditionsOf({ resource }: RestResource, { headers }: HttpRequest): Preconditions {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (match === undefined && resource.options.requireMatch === true) throw writeErrors.PRECONDITION_REQUIRED()
  return { match, noneMatch }
}

/** A tag of one record says nothing about several: ignored, it would promise what nobody keeps. */
function refuseMatch({ headers }: HttpRequest): void {
  if (headers['if-match'] !== undefined && !isAny(headers['if-match'])) throw writeErrors.PRECONDITION_FAILED('several')
}

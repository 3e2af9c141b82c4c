// Idempotency-Key for custom routes: `app.idempotent(handler)`.

import type { RouteHandlerMethod } from 'fastify'
import type { Database, TransactionOptions } from '../../db/database.ts'
import { type Answer, jsonType, sendAnswer } from '../answer.ts'
import type { HttpReply, HttpRequest } from '../route.ts'
import { markIdempotent } from './marked.ts'
import { asBuffer, isStream } from './bytes.ts'
import { idempotencyErrors } from './errors.ts'
import type { Once } from './once.ts'

/** What a handler answers. */
export interface RouteAnswer {
  /** Default: 200, without a body 204. One of 400 and above rolls everything back, and the same key may try again. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes and text are sent as they are, everything else as JSON. Not a stream: the answer is kept, so it is needed whole. */
  readonly body?: unknown
}

/** Does its work in the transaction that it is called in, and answers with data: nothing is sent before the commit. */
export type IdempotentHandler<request extends HttpRequest = HttpRequest> = (request: request) => RouteAnswer | Promise<RouteAnswer>

export interface IdempotentParts {
  readonly db: Database
  readonly once: Once
}

/**
 * A route handler that runs `handle` in a transaction, and with an Idempotency-Key only the first time.
 *
 * @param options  of the transaction; with `retry`, `handle` must be safe to run again
 */
export function idempotentHandler(
  { db, once }: IdempotentParts,
  handle: IdempotentHandler,
  options?: TransactionOptions,
): RouteHandlerMethod {
  const inTransaction = <result>(work: () => Promise<result>): Promise<result> => db.transaction(work, options)
  return markIdempotent(async (request: HttpRequest, reply: HttpReply) => {
    const claim = once.claimOf(request)
    const work = async (): Promise<Answer> => accept(answerOf(await handle(request), reply))
    return sendAnswer(reply, await orRefusal(claim === undefined ? inTransaction(work) : once.answer(claim, work, inTransaction)))
  })
}

/** Carries an answer that refuses out of the transaction, which it ends. */
class Refusal extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super('The handler refused.')
    this.answer = answer
  }
}

function accept(answer: Answer): Answer {
  if (answer.status >= 400) throw new Refusal(answer)
  return answer
}

async function orRefusal(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Refusal) return error.answer
    throw error
  }
}

function answerOf({ status, headers = {}, body }: RouteAnswer, reply: HttpReply): Answer {
  if (body === undefined || body === null) return { status: status ?? 204, headers }
  const bytes = bytesOf(body, status ?? 200, reply)
  return { status: status ?? 200, headers: { 'content-type': typeOf(body), ...headers }, body: bytes }
}

/** JSON by the serializer of the route's response schema, as Fastify would. */
function bytesOf(body: unknown, status: number, reply: HttpReply): Buffer {
  if (body instanceof Uint8Array) return asBuffer(body)
  if (isStream(body)) throw idempotencyErrors.STREAM('answer')
  return Buffer.from(typeof body === 'string' ? body : (reply.code(status).serialize(body) as string))
}

function typeOf(body: unknown): string {
  if (body instanceof Uint8Array) return 'application/octet-stream'
  return typeof body === 'string' ? 'text/plain; charset=utf-8' : jsonType
}

// Everything thrown while a request is served ends here: it becomes an AppError, is logged, and is written in the
// application's format. Nothing else decides what a client learns about a failure.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, coreErrors } from '../core/errors.ts'
import { refusalIn } from '../db/pg-errors.ts'
import { httpErrors } from './errors.ts'
import { statusText } from './status-text.ts'
import { invalidInput, isValidationError } from './validation.ts'

/** A finished error reply; `headers` do not include the content type. */
export interface ErrorReplyParts {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly contentType: string
  readonly body: string
}

/** Writes an error in the format the application has chosen. Injected by the face; must not throw. */
export type ErrorReply = (error: AppError, requestId: string) => ErrorReplyParts

const fastifyErrors: Readonly<Record<string, () => AppError>> = {
  FST_ERR_BAD_URL: () => httpErrors.INVALID_URL('has a broken percent-encoding'),
  FST_ERR_MAX_PARAM_LENGTH: () => httpErrors.URL_TOO_LONG('a parameter may be'),
  FST_ERR_NOT_FOUND: () => httpErrors.NOT_FOUND(),
  FST_ERR_HANDLER_TIMEOUT: () => httpErrors.TIMEOUT(),
  FST_ERR_CTP_BODY_TOO_LARGE: () => httpErrors.BODY_TOO_LARGE(),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => httpErrors.UNSUPPORTED_MEDIA_TYPE(),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => httpErrors.INCOMPLETE_BODY(),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => httpErrors.INVALID_JSON('it is empty'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => httpErrors.INVALID_JSON('it could not be parsed'),
  ECONNRESET: () => httpErrors.INCOMPLETE_BODY(),
}

/** What plugins throw: `statusCode`, a `code`, and, after the http-errors convention, `expose` when the text is for clients. */
interface ForeignError extends Error {
  readonly statusCode?: unknown
  readonly code?: unknown
  readonly expose?: unknown
}

/** The AppError a client is told about; the thrown thing itself stays as its cause, for the log. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  if (!(thrown instanceof Error)) return coreErrors.INTERNAL().with({ cause: thrown })
  if (isValidationError(thrown)) return invalidInput(thrown)
  const { statusCode, code, expose } = thrown as ForeignError
  const known = typeof code === 'string' ? fastifyErrors[code] : undefined
  if (known !== undefined) return known().with({ cause: thrown })
  // Drizzle wraps what PostgreSQL said in an error of its own.
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499)
    return refusalIn(thrown) ?? coreErrors.INTERNAL().with({ cause: thrown })
  const sentence = expose === true ? thrown.message : `${statusText(statusCode) ?? 'Refused'}.`
  return new AppError('HTTP_REJECTED', statusCode, sentence, undefined, { cause: thrown })
}

/** Logs a failure once: what is our fault with its cause, what is the caller's only when debugging. */
export function logFailure(error: AppError, thrown: unknown, request: FastifyRequest): void {
  const about = { requestId: request.id, method: request.method, route: request.routeOptions.url, code: error.code }
  if (error.status >= 500) request.log.error({ ...about, err: thrown }, 'request failed')
  else request.log.debug({ ...about, details: error.details }, error.message)
}

/** Sends an error in the application's format. A 503 without `Retry-After` gets one second. */
export function sendError(reply: FastifyReply, error: AppError, errorReply: ErrorReply): FastifyReply {
  const parts = errorReply(error, reply.request.id)
  if (error.status === 503) reply.header('retry-after', '1')
  return reply.code(parts.status).headers(parts.headers).type(parts.contentType).send(parts.body)
}

/** Makes `errorReply` the answer to everything that is thrown in `app` and its plugins. */
export function handleErrors(app: FastifyInstance, errorReply: ErrorReply): void {
  app.setErrorHandler((thrown: unknown, request, reply) => {
    const error = toAppError(thrown)
    logFailure(error, thrown, request)
    return sendError(reply, error, errorReply)
  })
}

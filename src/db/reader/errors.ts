// What the reader refuses by itself. A server's error stays `pg`'s DatabaseError; a lost connection has a system error's code.

import { AppError, defineErrors } from '../../core/errors.ts'
import { retryLater } from '../errors.ts'

const declared = defineErrors('READER', {
  OVERLOADED: {
    status: 503,
    summary: 'Every read connection already has as many statements in flight as it may have.',
    message: () => 'The server is too busy to complete the request.',
    hint: () => 'Send the request again in a moment.',
  },
  TIMEOUT: {
    status: 503,
    summary: 'The database sent nothing for longer than a statement may take. The connection was given up.',
    message: () => 'The database took too long to answer.',
    hint: () => 'Ask for less at once (a smaller page, fewer relations, an indexed filter), or try again later.',
  },
  RESULT_TOO_LARGE: {
    status: 500,
    summary: 'One result is larger than the reader keeps in memory. The statement needs a limit.',
    message: (bytes: number) => `The result is larger than ${Math.floor(bytes / 1024)} KiB.`,
    hint: () => 'Ask for less at once: a smaller page, fewer fields or fewer relations.',
  },
  TOO_MANY_VALUES: {
    status: 400,
    summary: 'A statement has more parameters than the protocol can number (65,535).',
    message: (count: number) => `The request needs ${count} parameters; a statement may have 65535.`,
    hint: () => 'Name fewer values in one request.',
  },
  PROTOCOL: {
    status: 503,
    summary: 'Something that is not the PostgreSQL protocol arrived on a read connection. The connection was given up.',
    message: () => 'The answer of the database could not be understood.',
  },
  CLOSED: {
    status: 503,
    summary: 'The application is shutting down and takes no more reads.',
    message: () => 'The server is shutting down.',
    hint: () => 'Send the request again.',
  },
})

export const readerErrors = {
  overloaded: (): AppError => retryLater(declared.OVERLOADED()),
  timeout: (): AppError => retryLater(declared.TIMEOUT()),
  resultTooLarge: (bytes: number): AppError => declared.RESULT_TOO_LARGE(bytes),
  tooManyValues: (count: number): AppError => declared.TOO_MANY_VALUES(count),
  /** @param found  what was wrong, for the log */
  protocol: (found: string): AppError => retryLater(declared.PROTOCOL(), new Error(found)),
  closed: (): AppError => retryLater(declared.CLOSED()),
}

/** An error with the marks by which the rest of the room knows a lost connection: `code` and `syscall`, as Node's own. */
export function connectionLost(cause?: unknown, code = 'ECONNRESET'): Error {
  return Object.assign(new Error('Connection terminated unexpectedly', { cause }), { code, syscall: 'read' })
}

/** Without a server's word, whatever kept a connection from being made is a failure of it: `pg` has no code, and TLS no `syscall`, for some. */
export function asConnectionError(error: unknown): Error {
  if (error instanceof AppError || (error instanceof Error && ('severity' in error || 'syscall' in error))) return error
  const message = error instanceof Error ? error.message : String(error)
  return Object.assign(new Error(message, { cause: error }), { code: connectCode(error, message), syscall: 'connect' })
}

function connectCode(error: unknown, message: string): unknown {
  if (error instanceof Error && 'code' in error) return error.code
  return message === 'timeout expired' ? 'ETIMEDOUT' : 'ECONNRESET'
}

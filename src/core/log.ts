// Structured logs: JSON lines with the id of the request they belong to, without secrets, one line per event.

import { pino, type DestinationStream, type Logger } from 'pino'
import { currentRequestId } from './context.ts'
import type { LogLevel } from './config.ts'
import { describeError } from './describe-error.ts'
import { redact } from './redact.ts'

export type { Logger }

export interface LogOptions {
  readonly level: LogLevel
  readonly stream: DestinationStream
}

/**
 * A logger that adds `requestId` by itself inside a request, hides secrets by the names of their fields and in the
 * URLs they stand in, and writes errors with the chain of their causes.
 *
 * Control characters cannot reach the stream: JSON escapes them.
 */
export function createLog({ level, stream }: LogOptions): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }), log: redact, bindings: redact },
      serializers: { err: describeError, error: describeError },
      mixin: withRequestId,
    },
    stream,
  )
}

function withRequestId(): { requestId?: string } {
  const requestId = currentRequestId()
  return requestId === undefined ? {} : { requestId }
}

/** A logger that writes nothing. */
export function silentLog(): Logger {
  return pino({ level: 'silent' })
}

// Structured logs: JSON lines with the id of the request they belong to, without secrets, one line per event.

import { pino, type DestinationStream, type Logger } from 'pino'
import { currentRequestId } from './context.ts'
import type { Config, LogLevel } from './config.ts'
import { describeError } from './describe-error.ts'
import { openLogStream, type LogStream } from './log-stream.ts'
import { hideValues, redact, redactText } from './redact.ts'

export type { Logger }

export interface LogOptions {
  readonly level: LogLevel
  readonly stream: DestinationStream
  /** Values that must not appear in any line, wherever they come from. */
  readonly secrets?: readonly string[]
}

/**
 * A logger that adds `requestId` by itself inside a request, hides secrets by the names of their fields and in the
 * URLs they stand in, and writes errors with the chain of their causes.
 *
 * Control characters cannot reach the stream: JSON escapes them.
 */
export function createLog({ level, stream, secrets = [] }: LogOptions): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }), log: redact },
      serializers: { err: (error: unknown) => describeError(error), error: (error: unknown) => describeError(error), message: hideInMessage },
      mixin: withRequestId,
      ...(secrets.length === 0 ? {} : { hooks: { streamWrite: hideValues(secrets) } }),
    },
    stream,
  )
  return hideInChildren(log)
}

/** pino does not format what a child is bound to; children inherit this method, so theirs are hidden too. */
function hideInChildren(log: Logger): Logger {
  const child = log.child
  log.child = function (this: Logger, bindings: object, ...options: []) {
    return child.call(this, redact(bindings), ...options)
  } as Logger['child']
  return log
}

/**
 * The logger of a process, as its configuration says, and the stream to flush before the process ends.
 *
 * @param name  of the process, for its log file: `api`, `worker`
 */
export function openLog(config: Config, name: string): { readonly log: Logger; readonly stream: LogStream } {
  const stream = openLogStream(config.log, name)
  return { log: createLog({ level: config.log.level, stream, secrets: secretsOf(config) }), stream }
}

/** A logger that writes nothing. */
export function silentLog(): Logger {
  return pino({ level: 'silent' })
}

function withRequestId(): { requestId?: string } {
  const requestId = currentRequestId()
  return requestId === undefined ? {} : { requestId }
}

function hideInMessage(message: unknown): unknown {
  return typeof message === 'string' ? redactText(message) : message
}

/** The last line of defence: the very values, however they got into a line. */
function secretsOf({ secrets, database, redis, amqp }: Config): string[] {
  const urls = [database.url, redis?.url, amqp?.url].filter((url) => url !== undefined)
  const passwords = urls.map((url) => new URL(url).password).flatMap((password) => [password, decodeURIComponent(password)])
  // Shorter ones would hide parts of ordinary words.
  return [...new Set([secrets.secretKey, secrets.jwtSecretKey, ...passwords])].filter((value) => value.length >= 8)
}

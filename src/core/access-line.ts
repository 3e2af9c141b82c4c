// The access line. Every request writes one, so it is put together here by hand: pino takes 2 us for it, and 5 in a server, where
// its code has gone cold between two requests.

import { type DestinationStream, symbols } from 'pino'
import { isoTime, type Logger } from './log.ts'
import { redactText } from './redact.ts'

/** What is another one each time, also for the same request. */
export interface PassingFields {
  readonly requestId: string
  /** Written with two decimals. */
  readonly durationMs: number
  /** Unknown once the client has gone. */
  readonly ip: string | undefined
}

export interface AccessLine extends PassingFields {
  readonly method: string
  /** As it came; secrets in its query string are hidden here. */
  readonly url: string
  /** Pattern of the route. */
  readonly route: string
  readonly status: number
}

/** What the lines of the same request, answered again, have in common; as text, put together once. */
export type AccessFields = string

type AccessLevel = 'info' | 'debug'

/** Writes the same line as `log[level](line, 'request')` would. */
export function writeAccessLine(log: Logger, level: AccessLevel, line: AccessLine): void {
  if (log.isLevelEnabled(level)) write(log, level, line, accessFields(line))
}

/** The same, for a request whose fields are known. */
export function writeKnownAccessLine(log: Logger, level: AccessLevel, line: PassingFields, fields: AccessFields): void {
  if (log.isLevelEnabled(level)) write(log, level, line, fields)
}

/** The method is one of those that Node's parser knows; the others may hold anything. */
export function accessFields({ method, url, route, status }: Omit<AccessLine, keyof PassingFields>): AccessFields {
  return `"method":"${method}","url":${JSON.stringify(redactText(url))},"route":${JSON.stringify(route)},"status":${status}`
}

function write(log: Logger, level: AccessLevel, { requestId, durationMs, ip }: PassingFields, fields: AccessFields): void {
  const client = ip === undefined ? '' : `"ip":${JSON.stringify(ip)},`
  const milliseconds = Math.round(durationMs * 100) / 100
  streamOf(log).write(
    `{"level":"${level}"${isoTime()}${bindingsOf(log)},"requestId":${JSON.stringify(requestId)},${fields},"durationMs":${milliseconds},${client}"message":"request"}\n`,
  )
}

/** What the logger puts into every line, as it writes it: `,"process":"worker 2"`, or nothing. */
function bindingsOf(log: Logger): string {
  return (log as unknown as Readonly<Record<typeof symbols.chindingsSym, string>>)[symbols.chindingsSym]
}

function streamOf(log: Logger): DestinationStream {
  return (log as unknown as Readonly<Record<typeof symbols.streamSym, DestinationStream>>)[symbols.streamSym]
}

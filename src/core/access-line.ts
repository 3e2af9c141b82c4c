// The access line. Every request writes one, so it is put together here by hand: pino takes 2 us for it, and 5 in a server, where
// its code has gone cold between two requests.

import { type DestinationStream, symbols } from 'pino'
import { isoTime, type Logger } from './log.ts'
import { redactText } from './redact.ts'

export interface AccessLine {
  readonly requestId: string
  readonly method: string
  /** As it came; secrets in its query string are hidden here. */
  readonly url: string
  /** Pattern of the route. */
  readonly route: string
  readonly status: number
  readonly durationMs: number
  /** Unknown once the client has gone. */
  readonly ip: string | undefined
}

/** Writes the same line as `log[level](line, 'request')` would. */
export function writeAccessLine(log: Logger, level: 'info' | 'debug', line: AccessLine): void {
  if (!log.isLevelEnabled(level)) return
  const { requestId, method, url, route, status, durationMs, ip } = line
  // The method is one of those that Node's parser knows; the others may hold anything.
  const fields = `"requestId":${JSON.stringify(requestId)},"method":"${method}","url":${JSON.stringify(redactText(url))},"route":${JSON.stringify(route)}`
  const client = ip === undefined ? '' : `"ip":${JSON.stringify(ip)},`
  streamOf(log).write(
    `{"level":"${level}"${isoTime()}${bindingsOf(log)},${fields},"status":${status},"durationMs":${durationMs},${client}"message":"request"}\n`,
  )
}

/** What the logger puts into every line, as it writes it: `,"process":"worker 2"`, or nothing. */
function bindingsOf(log: Logger): string {
  return (log as unknown as Readonly<Record<typeof symbols.chindingsSym, string>>)[symbols.chindingsSym]
}

function streamOf(log: Logger): DestinationStream {
  return (log as unknown as Readonly<Record<typeof symbols.streamSym, DestinationStream>>)[symbols.streamSym]
}

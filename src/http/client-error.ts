// Bytes that never became a request: no hook or handler sees them, so their answer is written to the socket here.

import type { Socket } from 'node:net'
import type { LimitsConfig } from '../core/config.ts'
import type { AppError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { ErrorReply, ErrorReplyParts } from './error-handler.ts'
import { httpErrors } from './errors.ts'
import type { InFlight } from './in-flight.ts'
import { refusal } from './not-found.ts'
import type { RequestIds } from './request-id.ts'
import type { AllowedMethods } from './routes.ts'
import { securityHeaders } from './security-headers.ts'
import { statusText } from './status-text.ts'

/** An error of Node's HTTP parser. `rawPacket` is the piece it stopped in. */
export interface ParserError extends Error {
  readonly code?: string
  readonly rawPacket?: unknown
}

export interface ClientErrorParts {
  readonly errorReply: ErrorReply
  readonly log: Logger
  readonly routes: AllowedMethods
  readonly inFlight: InFlight
  readonly ids: RequestIds
  readonly limits: LimitsConfig
}

/** How long the rest of what a refused client sends is read and thrown away, so that it gets to read our answer instead of a reset. */
const lingerMs = 500

/** Answers in the application's format and closes the connection. */
export function clientErrorHandler(parts: ClientErrorParts): (error: ParserError, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return
    parts.log.debug({ code: error.code, remote: socket.remoteAddress }, 'unreadable request')
    // Into an answer that has begun nothing else may be written.
    if (!socket.writable || parts.inFlight.isAnswering(socket)) {
      socket.destroy()
      return
    }
    const requestId = parts.ids.fresh()
    socket.end(rawReply(parts.errorReply(refusalOf(error, parts), requestId), requestId))
    setTimeout(() => socket.destroy(), lingerMs).unref()
  }
}

function refusalOf({ code, rawPacket }: ParserError, { routes, limits }: ClientErrorParts): AppError {
  const start = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1', 0, limits.headerBytes) : ''
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return httpErrors.REQUEST_TIMEOUT()
  if (code === 'HPE_HEADER_OVERFLOW') return tooLarge(start, limits)
  // A method the parser has never heard of, in an otherwise sound request line.
  const [, method, url] = (code === 'HPE_INVALID_METHOD' && /^([A-Z][A-Z-]{1,30}) (\S+) HTTP\/1\.[01]\r\n/.exec(start)) || []
  return method === undefined || url === undefined ? httpErrors.MALFORMED_REQUEST() : refusal(method, routes.of(url))
}

/** Only the piece that was one too many is known: of a header that came in several nobody can say which it is. */
function tooLarge(piece: string, { urlBytes }: LimitsConfig): AppError {
  const line = piece.slice(piece.lastIndexOf('\n') + 1)
  if (/^[A-Z-]{1,31} \S*$/.test(line)) return httpErrors.URL_TOO_LONG(`${urlBytes} bytes`)
  if (!/^authorization: *bearer /i.test(line)) return httpErrors.HEADERS_TOO_LARGE()
  return httpErrors.TOKEN_TOO_LARGE().with({ headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
}

function rawReply({ status, headers, contentType, body }: ErrorReplyParts, requestId: string): string {
  const all = {
    ...securityHeaders,
    ...headers,
    'x-request-id': requestId,
    'content-type': contentType,
    'content-length': String(Buffer.byteLength(body)),
    date: new Date().toUTCString(),
    connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${statusText(status) ?? ''}\r\n${lines.join('')}\r\n${body}`
}

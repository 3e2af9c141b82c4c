// The id that ties an answer to its log lines.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What a proxy may hand us: short, and nothing that could break a log line or a header. */
const acceptable = /^[\w.:+/=@-]{8,128}$/

export interface RequestIds {
  fresh(): string
  /** An incoming `X-Request-Id` when it comes from a trusted proxy and looks sane, otherwise a fresh id. */
  of(request: IncomingMessage): string
}

/** Ids are a random prefix per process and a number, 40 ns each. They are unique, not secret. */
export function requestIds(trusts: (address: string | undefined) => boolean): RequestIds {
  const prefix = randomBytes(6).toString('base64url').replaceAll(/[-_]/g, '0')
  let next = 0
  const fresh = () => {
    next += 1
    return `${prefix}-${next.toString(36)}`
  }
  return {
    fresh,
    of(request) {
      const incoming = request.headers['x-request-id']
      return typeof incoming === 'string' && trusts(request.socket.remoteAddress) && acceptable.test(incoming) ? incoming : fresh()
    },
  }
}

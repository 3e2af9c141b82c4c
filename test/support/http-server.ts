// A server for tests of the HTTP room: a real configuration, an error format that shows everything, and the log kept.

import { tmpdir } from 'node:os'
import { connect, type AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { readConfig } from '../../src/core/env.ts'
import { createLog } from '../../src/core/log.ts'
import { createMetrics, type Metrics } from '../../src/core/metrics.ts'
import type { ErrorReply } from '../../src/http/error-handler.ts'
import { RateLimits, type RouteRateLimit } from '../../src/http/rate-limits.ts'
import { createServer } from '../../src/http/server.ts'
import { SharedRates } from '../../src/state/shared-rates.ts'
import { processRates } from '../../src/state/window.ts'

/** Errors as `{code, message, hint, details, requestId}`. */
export const plainErrors: ErrorReply = ({ code, message, hint, details, status, headers }, requestId) => ({
  status,
  headers,
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify({ code, message, hint, details, requestId }),
})

export interface TestServer {
  readonly app: FastifyInstance
  readonly metrics: Metrics
  /** Log lines so far, parsed. */
  readonly lines: Record<string, unknown>[]
  /** Listens on a free port of 127.0.0.1. */
  listen(): Promise<number>
}

/** How the routes of a server are limited. */
export interface TestLimits {
  /** Of all routes without a limit of their own. */
  readonly standard?: RouteRateLimit
  /** The clock of the counts, in milliseconds. */
  readonly now?: () => number
}

/** What a server of tests is beside its settings. */
interface TestServerOptions extends TestLimits {
  readonly hasTenants?: boolean
}

/** @param env  settings on top of those of the testing environment */
export function testServer(env: Record<string, string> = {}, { standard, now, hasTenants = false }: TestServerOptions = {}): TestServer {
  const config = readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'debug', ...env }, tmpdir())
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  const metrics = createMetrics()
  const log = createLog({ level: config.log.level, stream })
  const rates = new SharedRates({ stores: [processRates(now)], log, count: () => undefined, ...(now === undefined ? {} : { now }) })
  const rateLimits = new RateLimits({ rates: () => rates, log, metrics, standard })
  const app = createServer({ config, log, metrics, errorReply: plainErrors, rateLimits, hasTenants })
  const listen = async (): Promise<number> => {
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  }
  return { app, metrics, lines, listen }
}

export interface RawReply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
  /** All that came, also a second answer. */
  readonly text: string
  readonly elapsedMs: number
}

/** Writes bytes to a socket and reads until the server closes it, at most `limitMs`. */
export function rawRequest(port: number, bytes: string | Buffer, limitMs = 5_000): Promise<RawReply> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    const late = setTimeout(() => socket.destroy(new Error(`The server did not close the connection within ${limitMs} ms.`)), limitMs)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(late)
      resolve(parseReply(Buffer.concat(chunks).toString('latin1'), performance.now() - start))
    })
    socket.write(bytes)
  })
}

function parseReply(text: string, elapsedMs: number): RawReply {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n'), text, elapsedMs }
}

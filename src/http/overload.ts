// Too many requests at once: the surplus gets its 503 before anything is done for it, so that those that were let in are answered in
// time and memory stays bounded. How many are let in is a setting, and fewer while the event loop cannot follow.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { LimitsConfig } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../core/metrics.ts'
import type { ErrorReply } from './error-handler.ts'
import { httpErrors } from './errors.ts'
import { hasBody, type InFlight } from './in-flight.ts'
import { LoopDelay } from './loop-delay.ts'
import type { RequestIds } from './request-id.ts'
import type { RouteBook } from './routes.ts'
import { securityHeaders } from './security-headers.ts'

/** Answered always: who looks whether we are overloaded must not be told by being turned away. */
const machines = /^\/(?:health|metrics)(?:[/?]|$)/
/** Without a refusal for this long the overload is over, and the log says so. */
const calmMs = 2_000

export interface OverloadParts {
  readonly inFlight: InFlight
  readonly limits: LimitsConfig
  readonly log: Logger
  readonly metrics: Metrics
  readonly errorReply: ErrorReply
  readonly ids: RequestIds
  readonly routes: RouteBook
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Turns requests away ahead of Fastify: 20 us of CPU each, where a refusal by a hook costs 32 (measured).
 */
export function refuseSurplus(app: FastifyInstance, parts: OverloadParts): void {
  const gate = new Gate(parts)
  const handle = app.server.listeners('request') as Listener[]
  app.server.removeAllListeners('request')
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (gate.admits(request) || machines.test(request.url ?? ''))
      for (const listener of handle) listener.call(app.server, request, response)
    else gate.refuse(request, response)
  })
  app.addHook('onClose', async () => gate.close())
}

/** The refusal, made once but for the id of the request. */
interface ReadyAnswer {
  readonly status: number
  /** Names and values in turn, as Node takes them without sorting them out. */
  readonly headers: readonly string[]
  /** What stands before, between and after the places of the id. */
  readonly body: readonly string[]
}

function readyAnswer(errorReply: ErrorReply): ReadyAnswer {
  const place = 'id-of-the-request'
  const { status, headers, contentType, body } = errorReply(httpErrors.OVERLOADED(), place)
  const all = { ...securityHeaders, ...headers, 'retry-after': '1', 'content-type': contentType }
  return { status, headers: Object.entries(all).flat(), body: body.split(place) }
}

class Gate {
  readonly #parts: OverloadParts
  readonly #delay: LoopDelay
  readonly #answer: ReadyAnswer
  readonly #counts = { in_flight: 0, event_loop: 0, bodies: 0 }
  #refused = 0
  #calm: NodeJS.Timeout | undefined
  #lastAt = 0

  constructor(parts: OverloadParts) {
    this.#parts = parts
    const { inFlight, limits, metrics, errorReply } = parts
    this.#answer = readyAnswer(errorReply)
    this.#delay = new LoopDelay(limits.inFlight, limits.loopDelayMs, () => inFlight.working)
    metrics.counted('plinth_requests_refused_total', 'Requests refused because of overload.', 'reason', () => ({
      ...this.#counts,
      bodies: this.#counts.bodies + inFlight.refusedBodies,
    }))
    metrics.gauge('plinth_requests_in_flight', 'Requests that are being worked on, and how many may be.', 'number', () => ({
      now: inFlight.working,
      most: this.#delay.most,
    }))
  }

  admits({ headers }: IncomingMessage): boolean {
    const { working, fullOfBodies } = this.#parts.inFlight
    this.#delay.watch()
    return working < this.#delay.most && !(fullOfBodies && hasBody(headers))
  }

  refuse(request: IncomingMessage, response: ServerResponse): void {
    const { ids, inFlight, routes } = this.#parts
    const requestId = ids.of(request)
    const { status, headers, body } = this.#answer
    const bytes = body.join(requestId)
    const own = ['x-request-id', requestId, 'content-length', String(Buffer.byteLength(bytes))]
    response.writeHead(status, [...headers, ...own, ...(inFlight.closing ? ['connection', 'close'] : [])])
    response.end(bytes)
    routes.unknown.timings[request.method ?? '']?.observe(status, 0)
    this.#counts[this.#reason()] += 1
    this.#note()
  }

  #reason(): 'in_flight' | 'event_loop' | 'bodies' {
    const { inFlight, limits } = this.#parts
    if (inFlight.working >= limits.inFlight) return 'in_flight'
    return inFlight.working >= this.#delay.most ? 'event_loop' : 'bodies'
  }

  close(): void {
    this.#delay.close()
    clearTimeout(this.#calm)
  }

  /** One line when it begins and one when it is over: a line per refusal would make the overload worse. */
  #note(): void {
    this.#refused += 1
    this.#lastAt = performance.now()
    if (this.#calm !== undefined) return
    const { log, inFlight } = this.#parts
    log.warn(
      { inFlight: inFlight.working, most: this.#delay.most, loopDelayMs: this.#delay.meanMs },
      'too many requests at once: the surplus is refused',
    )
    this.#calm = setTimeout(() => this.#look(), calmMs).unref()
  }

  #look(): void {
    const left = this.#lastAt + calmMs - performance.now()
    if (left > 0) {
      this.#calm = setTimeout(() => this.#look(), left).unref()
      return
    }
    this.#calm = undefined
    this.#parts.log.warn({ refused: this.#refused }, 'no request is refused any more')
    this.#refused = 0
  }
}

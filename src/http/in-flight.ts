// Every request that has begun and is not answered yet: for the deadline of each, and for a shutdown that loses none.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LimitsConfig } from '../core/config.ts'
import { anonymousCaller, type Caller } from '../core/caller.ts'
import type { RequestContext } from '../core/context.ts'
import { Line, LineMember } from '../support/line.ts'
import { ArrivingBodies } from './arriving-bodies.ts'
import { httpErrors } from './errors.ts'
import type { RouteFacts } from './routes.ts'
import { Taking } from './taking.ts'

/** One request and its answer, from the first hook to the last byte. */
export class Exchange extends LineMember implements RequestContext {
  readonly requestId: string
  readonly startedAt: number
  deadline: number
  caller: Caller = anonymousCaller
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly route: RouteFacts
  /** True while this process has to do something for it: not while its body arrives, nor when the answer only waits for its client. */
  working = false
  /** Set when the answer has begun to be sent. */
  taking: Taking | undefined
  readAfter: string | undefined
  lastWrite: number | 'unknown' | undefined

  constructor(request: FastifyRequest, reply: FastifyReply, route: RouteFacts, startedAt: number = performance.now()) {
    super()
    this.requestId = request.id
    this.startedAt = startedAt
    this.deadline = this.startedAt + route.timeoutMs
    this.request = request
    this.reply = reply
    this.route = route
  }

  get address(): string {
    return this.request.ip
  }
}

/**
 * The requests in flight. One timer looks after all deadlines: a timer and an abort controller per request, Fastify's
 * `handlerTimeout`, costs 2.7 us each (measured), this 0.1 us. An answer is late by at most a quarter of the time-out.
 */
export class InFlight {
  readonly #exchanges = new Line<Exchange>()
  /** Requests that are not routed yet, and since when. */
  readonly #held = new Map<IncomingMessage, number>()
  /** Requests that were refused while their bodies were on their way. */
  refusedBodies = 0
  readonly #bodies: ArrivingBodies
  readonly #abandoned: (exchange: Exchange) => void
  readonly #sweepMs: number
  readonly #replyTimeoutMs: number
  #working = 0
  #lingering = 0
  #timer: NodeJS.Timeout | undefined
  #draining = false
  #retiring = false
  #closing = false

  /** @param abandoned  told of each exchange whose client went away before the answer was finished, when its handler has ended */
  constructor({ handlerTimeoutMs, replyTimeoutMs, arrivingBytes }: LimitsConfig, abandoned: (exchange: Exchange) => void) {
    this.#sweepMs = Math.max(10, Math.min(1_000, Math.floor(Math.min(handlerTimeoutMs, replyTimeoutMs) / 4)))
    this.#replyTimeoutMs = replyTimeoutMs
    this.#abandoned = abandoned
    this.#bodies = new ArrivingBodies(arrivingBytes, (exchange) => this.#refuseBody(exchange))
  }

  get size(): number {
    return this.#exchanges.size + this.#lingering + this.#held.size
  }

  /** Those of them that are being worked on. A client that is slow to send or to take is not: thousands of them keep nobody out. */
  get working(): number {
    return this.#working
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Whether this process drains alone: others serve on at the same address. */
  get retiring(): boolean {
    return this.#retiring
  }

  /** Whether every answer asks its client to open a new connection next time. */
  get closing(): boolean {
    return this.#closing
  }

  begin(exchange: Exchange): void {
    this.#exchanges.add(exchange)
    if (this.#closing) exchange.reply.header('connection', 'close')
    this.#timer ??= setInterval(() => this.#sweep(), this.#sweepMs).unref()
    const { raw } = exchange.request
    if (!waitsForBody(raw)) return this.#work(exchange, true)
    this.#bodies.add(exchange)
    raw.once('end', () => exchange.line !== undefined && this.#work(exchange, true))
  }

  /** @returns false when the exchange had ended before */
  end(exchange: Exchange): boolean {
    this.#work(exchange, false)
    return this.#exchanges.remove(exchange)
  }

  /** Counts a request that is not routed for the moment, until `release`. */
  hold(request: IncomingMessage, since: number): void {
    this.#held.set(request, since)
    this.#working += 1
  }

  release(request: IncomingMessage): void {
    if (this.#held.delete(request)) this.#working -= 1
  }

  /** When a request came that is held; undefined for one that is not. */
  heldSince(request: IncomingMessage): number | undefined {
    return this.#held.size === 0 ? undefined : this.#held.get(request)
  }

  /** Waits for the client to take the rest of an answer that was no exchange; one that takes nothing of it is cut off. */
  linger(response: ServerResponse): void {
    this.#lingering += 1
    response.once('close', () => (this.#lingering -= 1))
    response.setTimeout(this.#replyTimeoutMs, () => response.destroy())
  }

  /** Whether there is no room for another body: what has come of those on their way is as much as it may be. */
  get fullOfBodies(): boolean {
    return this.#bodies.full
  }

  /** The rest of its body is not read any more, so its connection cannot be kept. */
  #refuseBody(exchange: Exchange): void {
    const { reply } = exchange
    if (reply.sent) return
    this.refusedBodies += 1
    reply.send(httpErrors.OVERLOADED().with({ headers: { 'retry-after': '1', connection: 'close' } }))
  }

  #work(exchange: Exchange, working: boolean): void {
    this.#bodies.delete(exchange)
    if (exchange.working === working) return
    exchange.working = working
    this.#working += working ? 1 : -1
  }

  drain({ retiring = false }: { readonly retiring?: boolean } = {}): void {
    this.#draining = true
    this.#retiring = retiring
  }

  /** From now on every answer, also those already under way, asks its client to open a new connection next time. */
  closeConnections(): void {
    this.#closing = true
    for (const { reply } of this.#exchanges) if (!reply.raw.headersSent) reply.header('connection', 'close')
  }

  /** Whether an answer has begun to be written to `socket`, so that nothing else may be. */
  isAnswering(socket: Socket): boolean {
    for (const { reply } of this.#exchanges) if (reply.raw.socket === socket && reply.raw.headersSent) return true
    return false
  }

  /** What is being waited for, for the log of a slow shutdown. */
  describe(): string[] {
    return [...this.#exchanges].slice(0, 20).map(({ request, route }) => `${request.method} ${route.pattern}`)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#bodies.stop()
    for (const exchange of this.#exchanges) this.end(exchange)
  }

  #sweep(): void {
    const now = performance.now()
    for (const exchange of this.#exchanges) {
      const { reply } = exchange
      if (reply.raw.headersSent) this.#watch(exchange, now)
      // A body that comes slowly is the client's time: Node's requestTimeout answers that with 408.
      // No 'finish' comes when the client has gone, and a 'close' listener on every response would cost more than this look.
      if (isGivenUp(exchange, now) && this.end(exchange)) this.#abandoned(exchange)
      else if (!exchange.working && isArriving(exchange.request)) exchange.deadline = now + exchange.route.timeoutMs
      else if (exchange.deadline < now && !reply.sent && !reply.raw.headersSent) reply.send(httpErrors.TIMEOUT())
    }
    if (this.#exchanges.size === 0) this.#rest()
  }

  /** The work is done; from here on it is the client who is waited for. */
  #watch(exchange: Exchange, now: number): void {
    this.#work(exchange, false)
    exchange.taking ??= new Taking(now)
    const { socket } = exchange.reply.raw
    if (exchange.taking.isTooSlow(socket, this.#replyTimeoutMs, now)) socket?.destroy()
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/**
 * Whether its client has gone and nothing is done for it any more. A handler that still runs counts as if somebody waited for it, so at most
 * until its time is over: otherwise clients that come and leave would have any number of them run at once.
 */
function isGivenUp({ reply, working, deadline }: Exchange, now: number): boolean {
  return reply.raw.destroyed && (!working || reply.sent || deadline < now)
}

/** Methods whose bodies Fastify leaves unread: the handler runs at once, whatever is still to come. */
const bodyless: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'TRACE'])

function waitsForBody({ method, headers }: IncomingMessage): boolean {
  return !bodyless.has(method) && hasBody(headers)
}

export function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** Whether the body is still on its way. An injected request has it all, and no `complete`. */
function isArriving({ raw }: FastifyRequest): boolean {
  return 'complete' in raw && !raw.complete
}

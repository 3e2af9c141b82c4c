// Answers that follow from the address alone, sent before a request is routed: near copies and fenced hits. The way through Fastify costs
// more than all the rest of such an answer: with it a near hit took 2.4 times the CPU of a Fastify that sends a constant and does nothing else.
//
// The usual way answers first, and what it has sent is kept with its headers, so that both ways send the same. Whoever keeps an answer
// tells whether it is still right, and is asked each time; while that takes, the request waits outside of Fastify. Everything that could
// make a difference goes the usual way: another method, a header that changes the answer, a hook that is not ours.

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { accessFields, type AccessFields } from '../core/access-line.ts'
import { Lru } from '../support/lru.ts'
import type { InFlight } from './in-flight.ts'
import { readAfterOf } from './read-after.ts'
import type { HttpReply, HttpRequest } from './route.ts'
import type { RouteFacts } from './routes.ts'

/** What whoever keeps an answer knows of it. */
export interface Standing {
  /** Whether the request would be answered with it now. A promise when others have to be asked; then a rejection means no. */
  isRight(request: IncomingMessage): boolean | Promise<boolean>
  /** It was sent once more. */
  sent(): void
}

export interface KnownAnswer extends Standing {
  /** Names and values in turn, without those of a single request, as Node takes them without sorting them out. */
  readonly headers: readonly string[]
  /** A string goes out with the head in one write; bytes would be a second one. */
  readonly body: string
  readonly route: RouteFacts
  readonly accessFields: AccessFields
}

/** Together at most 8 MB. */
const mostAnswers = 1_000
const longestBody = 8 * 1_024
const longestAddress = 1_000

/** What a hook of these names does, nobody knows here. */
const requestHooks = /^(?:onRequest|preParsing|preValidation|preHandler|preSerialization|onSend|onResponse|onTimeout|onRequestAbort)$/
const ofOneRequest = new Set(['x-request-id', 'connection', 'date', 'keep-alive'])

export class KnownAnswers {
  readonly #answers = new Lru<KnownAnswer>(mostAnswers)
  readonly #inFlight: InFlight
  #open = false

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight
  }

  /**
   * Lets answers be kept from now on: all hooks of our own are in place. One that is added to the server itself later has to see every
   * request, so it ends this. Those of a plugin are for its own routes, whose answers nobody keeps.
   */
  open(app: FastifyInstance): void {
    const add = app.addHook
    const close = (): void => void (this.#open = false)
    this.#open = true
    app.addHook = function (this: FastifyInstance, ...[name, hook]: [never, never]) {
      if (this === app && requestHooks.test(name)) close()
      return add.call(this, name, hook)
    }
  }

  /**
   * Keeps the answer that was just sent; not of a route with a rate limit, whose requests have to be counted.
   *
   * @param body      as it was sent
   * @param standing  of it for the same address, whoever asks
   */
  keep(request: HttpRequest, reply: HttpReply, body: Buffer, standing: Standing): void {
    const { raw, exchange } = request
    const { url = '' } = raw
    if (exchange === null || exchange.route.limits !== undefined) return
    if (body.length > longestBody || url.length > longestAddress || !this.#isPlain(raw)) return
    const headers = Object.entries(reply.getHeaders()).filter(([name]) => !ofOneRequest.has(name))
    if (reply.statusCode !== 200 || !isText(headers) || !isUtf8(body)) return
    const { route } = exchange
    const fields = accessFields({ method: 'GET', url, route: route.pattern, status: 200 })
    this.#answers.set(url, { headers: headers.flat(), body: body.toString(), route, accessFields: fields, ...standing })
  }

  /** The answer to a request, when it is known; a promise when others have to be asked, which never rejects. */
  find(request: IncomingMessage, response: ServerResponse): KnownAnswer | Promise<KnownAnswer | undefined> | undefined {
    if (!this.#open || !canTake(response)) return undefined
    const answer = this.#answers.get(request.url ?? '')
    if (answer === undefined || !this.#isPlain(request)) return undefined
    const isRight = answer.isRight(request)
    if (isRight === true) return answer
    return isRight === false ? undefined : this.#later(answer, isRight, response)
  }

  /** Meanwhile the client may have gone, or the server may have begun to close its connections. */
  #later(answer: KnownAnswer, isRight: Promise<boolean>, response: ServerResponse): Promise<KnownAnswer | undefined> {
    return isRight.then((is) => (is && this.#open && !this.#inFlight.closing && canTake(response) ? answer : undefined), nothing)
  }

  #isPlain(request: IncomingMessage): boolean {
    return this.#open && !this.#inFlight.closing && isPlain(request)
  }
}

/** Without a socket another answer is still being sent there, and what a client does not take has to be watched. */
function canTake({ socket }: ServerResponse): boolean {
  return socket !== null && socket.writableLength === 0 && socket.writable
}

function nothing(): undefined {}

/** A GET with nothing in its headers that the answer depends on. */
function isPlain({ method, httpVersion, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.host !== undefined &&
    headers.origin === undefined &&
    headers.authorization === undefined &&
    headers['if-none-match'] === undefined &&
    headers['accept-version'] === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    readAfterOf(headers) === undefined
  )
}

function isText(headers: readonly (readonly [string, unknown])[]): headers is [string, string][] {
  return headers.every(([, value]) => typeof value === 'string')
}

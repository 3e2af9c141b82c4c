// Sends known answers ahead of Fastify, and does for them what hooks do for the others: id, metrics, access line.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { writeKnownAccessLine } from '../core/access-line.ts'
import type { Logger } from '../core/log.ts'
import type { InFlight } from './in-flight.ts'
import type { KnownAnswer, KnownAnswers } from './known-answers.ts'
import type { RequestIds } from './request-id.ts'

export interface KnownParts {
  readonly known: KnownAnswers
  readonly inFlight: InFlight
  readonly ids: RequestIds
  readonly log: Logger
  readonly trusts: Trusts
}

/** Whether an address is that of a proxy of ours. */
export type Trusts = (address: string | undefined) => boolean

type Listener = (request: IncomingMessage, response: ServerResponse) => void
type Found = Exclude<ReturnType<KnownAnswers['find']>, KnownAnswer | undefined>

/** To be called when Fastify listens to the requests of its server, and before anything that looks at all of them. */
export function answerKnown(app: FastifyInstance, parts: KnownParts): void {
  const listeners = app.server.listeners('request') as Listener[]
  const handle: Listener = (request, response) => {
    for (const listener of listeners) listener.call(app.server, request, response)
  }
  app.server.removeAllListeners('request')
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const startedAt = performance.now()
    const found = parts.known.find(request, response)
    if (found === undefined) handle(request, response)
    else if (found instanceof Promise) void sendLater({ request, response, startedAt }, found, handle, parts)
    else send({ request, response, startedAt }, found, parts)
  })
}

interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number
}

/** In flight meanwhile, without a gap: the usual way counts the request before it is released. */
async function sendLater(arrival: Arrival, found: Found, handle: Listener, parts: KnownParts): Promise<void> {
  const { request, response, startedAt } = arrival
  parts.inFlight.hold(request, startedAt)
  const answer = await found
  if (answer === undefined) handle(request, response)
  else send(arrival, answer, parts)
  parts.inFlight.release(request)
}

function send({ request, response, startedAt }: Arrival, answer: KnownAnswer, { ids, inFlight, log, trusts }: KnownParts): void {
  const requestId = ids.of(request)
  response.writeHead(200, [...answer.headers, 'x-request-id', requestId])
  response.end(answer.body)
  answer.sent()
  if (request.socket.writableLength > 0) inFlight.linger(response)
  const durationMs = performance.now() - startedAt
  const { route } = answer
  route.timings['GET']?.observe(200, durationMs / 1000)
  const line = { requestId, durationMs, ip: clientAddress(request, trusts) }
  writeKnownAccessLine(log, route.quiet ? 'debug' : 'info', line, answer.accessFields)
}

/** As Fastify finds it: from the nearest peer outwards, as long as each is a proxy that is trusted. */
export function clientAddress({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, trusts: Trusts): string | undefined {
  let address = socket.remoteAddress
  const forwarded = headers['x-forwarded-for']
  if (forwarded === undefined) return address
  for (const peer of String(forwarded).split(',').toReversed()) {
    if (!trusts(address)) break
    address = peer.trim()
  }
  return address
}

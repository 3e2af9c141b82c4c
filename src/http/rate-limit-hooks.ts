// Counts the requests of limited routes, refuses those over a limit, and tells all how much is left.

import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction, RouteOptions } from 'fastify'
import { type AppError, withoutStacks } from '../core/errors.ts'
import type { RateResult } from '../state/rate-counter.ts'
import { rateText } from '../support/rates.ts'
import { httpErrors } from './errors.ts'
import { type CountedRate, retryAfter, setRateHeaders } from './rate-limit-headers.ts'
import type { RateLimits, RouteRate } from './rate-limits.ts'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void
type Late = (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: HookHandlerDoneFunction) => void

/** For every request, before anything is known of the caller. */
export function limitByAddress(limits: RateLimits): Hook {
  return (request, reply, done) => {
    const route = request.exchange?.route
    const isPreflight = request.method === 'OPTIONS' && route?.pattern === 'unknown'
    admit(limits, isPreflight ? undefined : route?.limits?.early, request, reply, done)
  }
}

/** Of a route that counts by caller or by what a function says: when the caller is known, before the body is read. */
export function addLateLimits(limits: RateLimits, route: RouteOptions): void {
  const rates = route.config?.facts?.limits?.late
  if (rates === undefined || rates.length === 0) return
  const late: Late = (request, reply, _payload, done) => admit(limits, rates, request, reply, done)
  route.preParsing = [route.preParsing ?? [], late].flat() as typeof route.preParsing
}

/** The same for addresses without a route. */
export function limitUnknown(limits: RateLimits): Hook {
  return (request, reply, done) => admit(limits, request.method === 'OPTIONS' ? undefined : limits.standard?.late, request, reply, done)
}

/** Without waiting where there is nothing to count. */
function admit(
  limits: RateLimits,
  rates: readonly RouteRate[] | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
  done: HookHandlerDoneFunction,
): void {
  if (rates === undefined || rates.length === 0) done()
  else void settle(limits, rates, request, reply, done)
}

/** What a function of the application throws, who sends the request is told of as of any other failure. */
async function settle(
  limits: RateLimits,
  rates: readonly RouteRate[],
  request: FastifyRequest,
  reply: FastifyReply,
  done: HookHandlerDoneFunction,
): Promise<void> {
  done(await count(limits, rates, request, reply).catch((thrown: unknown) => thrown as Error))
}

/** One subject after the other, and of each the shortest window first, so that what one refuses is not counted in those behind it. */
async function count(
  limits: RateLimits,
  rates: readonly RouteRate[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<AppError | undefined> {
  const counted: CountedRate[] = []
  for (const [key, ofKey] of byKey(rates, request)) {
    const results = await limits.counting.rates.hitAll(
      key,
      ofKey.map(({ max: limit, windowMs }) => ({ limit, windowMs })),
    )
    counted.push(...results.flatMap((result, index) => countedRate(ofKey[index], result)))
    if (counted.at(-1)?.result.allowed === false) break
  }
  if (counted.length > 0 && !reply.sent) setRateHeaders(reply, counted)
  const last = counted.at(-1)
  return last === undefined || last.result.allowed ? undefined : refuse(limits, last, request)
}

/** Windows of one key are counted in one go. */
function byKey(rates: readonly RouteRate[], request: FastifyRequest): Map<string, RouteRate[]> {
  const keys = new Map<string, RouteRate[]>()
  for (const rate of rates) {
    const subject = rate.subjectOf(request)
    if (subject === undefined) continue
    const key = rate.scope + subject
    const others = keys.get(key)
    if (others === undefined) keys.set(key, [rate])
    else others.push(rate)
  }
  return keys
}

function countedRate(rate: RouteRate | undefined, result: RateResult | undefined): readonly CountedRate[] {
  return rate === undefined || result === undefined ? [] : [{ rate, result }]
}

function refuse(limits: RateLimits, { rate, result }: CountedRate, request: FastifyRequest): AppError {
  limits.counting.refused.note(rate, request.ip)
  const seconds = retryAfter(result)
  return withoutStacks(() => httpErrors.RATE_LIMITED(rateText(rate), seconds).with({ headers: { 'retry-after': String(seconds) } }))
}

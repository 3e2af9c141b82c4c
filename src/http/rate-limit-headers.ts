// What every answer of a limited route says of its limits (decisions/0018): the two fields of the current draft, which can tell of several
// limits, and the three of the drafts before, which clients and gateways read today.

import type { OutgoingHttpHeader } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { RateResult } from '../state/rate-counter.ts'
import type { RouteRate } from './rate-limits.ts'

/** A limit, and what became of this request under it. */
export interface CountedRate {
  readonly rate: RouteRate
  readonly result: RateResult
}

/** Whole seconds after which a request may be allowed, at least 1. */
export function retryAfter({ resetMs }: RateResult): number {
  return Math.max(1, Math.ceil(resetMs / 1_000))
}

/** Adds to what was said of limits that were counted before. */
export function setRateHeaders(reply: FastifyReply, counted: readonly CountedRate[]): void {
  const policies = counted.map(({ rate }) => `"${rate.policy}";q=${rate.max};w=${rate.windowMs / 1_000}`)
  const states = counted.map(({ rate, result }) => `"${rate.policy}";r=${result.remaining};t=${retryAfter(result)}`)
  reply.header('ratelimit-policy', joined(reply.getHeader('ratelimit-policy'), policies))
  reply.header('ratelimit', joined(reply.getHeader('ratelimit'), states))
  const said = reply.getHeader('ratelimit-remaining')
  const nearest = counted.reduce((least, next) => (isNearer(next, least) ? next : least))
  if (said === undefined || !nearest.result.allowed || nearest.result.remaining < Number(said)) tellOne(reply, nearest)
}

function joined(before: OutgoingHttpHeader | undefined, items: readonly string[]): string {
  return [before ?? [], items].flat().join(', ')
}

/** The one that refuses, else the one of which least is left. */
function isNearer(a: CountedRate, b: CountedRate): boolean {
  return !a.result.allowed || (b.result.allowed && a.result.remaining < b.result.remaining)
}

function tellOne(reply: FastifyReply, { rate, result }: CountedRate): void {
  reply.header('ratelimit-limit', String(rate.max))
  reply.header('ratelimit-remaining', String(result.remaining))
  reply.header('ratelimit-reset', String(retryAfter(result)))
}

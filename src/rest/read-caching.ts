// What replies of reads say to caches of others: browsers, proxies, CDNs. Errors and writes keep `no-store`.

import type { Callers } from '../http/callers.ts'
import { addVary } from '../http/cors.ts'
import type { HttpReply } from '../http/route.ts'
import type { CacheControl } from '../resource/define.ts'
import { isSameForAll } from '../resource/access/same-for-all.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { parseDuration } from '../support/duration.ts'

/** Puts the headers on a reply that is about to be sent. */
export type KeepRead = (reply: HttpReply) => HttpReply

/**
 * Worked out once at start. Where the caller decides what a read answers, also about records that it can include, `Vary` names the headers
 * that say who it is.
 */
export function readCaching(resource: CompiledResource, callers: Callers, variesByCaller = false): KeepRead {
  const value = variesByCaller ? cacheControlText() : cacheControlText(resource.options.cacheControl)
  const names = !variesByCaller && isSameForAll(resource) ? [] : callers.headers
  return (reply) => {
    addVary(reply, ...names)
    return reply.header('cache-control', value)
  }
}

/** Without an age a copy may be kept, and has to be asked about each time: the ETag makes that a 304. */
export function cacheControlText({ maxAge, staleWhileRevalidate, public: shared = false }: CacheControl = {}): string {
  const parts = [
    shared ? 'public' : 'private',
    maxAge === undefined ? 'no-cache' : `max-age=${seconds(maxAge)}`,
    ...(staleWhileRevalidate === undefined ? [] : [`stale-while-revalidate=${seconds(staleWhileRevalidate)}`]),
  ]
  return parts.join(', ')
}

/** The definition was checked at start. */
function seconds(duration: string): number {
  return (parseDuration(duration) ?? 0) / 1_000
}

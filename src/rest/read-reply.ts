// What the replies to all reads have in common: where the answer comes from, and the headers it is sent with.

import type { Entry } from '../cache/entry.ts'
import type { CachedRead, CacheStatus, Fill } from '../cache/read.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { isForAnyone } from '../resource/policy.ts'
import { Lru } from '../support/lru.ts'
import { sendWithEtag } from './conditional.ts'
import { readCaching } from './read-caching.ts'
import type { RestResource } from './rest-resource.ts'

/** Query strings whose plan is remembered per resource, and how long one may be to be worth it. */
const rememberedQueries = 500
const longestRemembered = 1000

/** What is made of a query string, made again only when it was not seen lately. */
export function remembering<value>(make: (query: string) => value): (query: string) => value {
  const remembered = new Lru<value>(rememberedQueries)
  return (query) => {
    const known = remembered.get(query)
    if (known !== undefined) return known
    const made = make(query)
    if (query.length <= longestRemembered) remembered.set(query, made)
    return made
  }
}

/** What an answer looks like: faces and formats that frame the same records differently do not share it. */
export function formOf({ format }: Pick<RestResource, 'format'>): string {
  return `rest ${format.name}`
}

export interface FoundAnswer {
  readonly entry: Entry | undefined
  /** Undefined for a read that is not cached. */
  readonly status: CacheStatus | undefined
}

/** From the cache, or past it. */
export async function find({ engine }: RestResource, read: CachedRead | undefined, fill: Fill): Promise<FoundAnswer> {
  if (read === undefined || engine.cache === undefined) return { entry: await fill(engine.db.anywhere()), status: undefined }
  return engine.cache.read(read, fill)
}

export type KeepNear = (request: HttpRequest, reply: HttpReply, read: CachedRead, entry: Entry) => void

/** Lets a near copy that was just sent be sent to its address without coming here, as long as the cache would give it. */
export function nearKeeper({ engine: { cache }, resource: { options }, known }: RestResource): KeepNear {
  const isForAll = isForAnyone(options.access, 'list') && isForAnyone(options.access, 'get')
  return (request, reply, read, entry) => {
    if (isForAll) known.keep(request, reply, entry.body, () => cache?.isNear(read, entry) === true)
  }
}

export type SendEntry = (request: HttpRequest, reply: HttpReply, entry: Entry, status: CacheStatus | undefined) => void

/** Sends what was found, with the headers of every read of the resource and, outside of production, where it came from. */
export function entrySender({ resource, callers, tellsCache }: RestResource): SendEntry {
  const keep = readCaching(resource, callers)
  return (request, reply, { body, etag }, status) => {
    if (tellsCache && status !== undefined) reply.header('x-cache', status)
    sendWithEtag(request, keep(reply), body, etag)
  }
}

// What the replies to all reads have in common: where the answer comes from, and the headers it is sent with.

import type { Entry } from '../cache/entry.ts'
import type { AheadRead, CachedRead, CacheStatus, Fill } from '../cache/read.ts'
import type { HttpReply, HttpRequest } from '../http/route.ts'
import { isSameForAll } from '../resource/access/same-for-all.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { Lru } from '../support/lru.ts'
import { sendWithEtag } from './conditional.ts'
import { readCaching } from './read-caching.ts'
import type { RestResource } from './rest-resource.ts'

/** Query strings whose plan is remembered per resource, and how long one may be to be worth it. */
const rememberedQueries = 500
const longestRemembered = 1000

/** What is made of a query string for those who see a resource alike, made again only when it was not seen lately. */
export function remembering<value>(
  make: (resource: CompiledResource, query: string) => value,
): (resource: CompiledResource, query: string) => value {
  const remembered = new Lru<value>(rememberedQueries)
  return (resource, query) => {
    const name = `${numberOf(resource)} ${query}`
    const known = remembered.get(name)
    if (known !== undefined) return known
    const made = make(resource, query)
    if (query.length <= longestRemembered) remembered.set(name, made)
    return made
  }
}

const numbers = new WeakMap<CompiledResource, number>()
let views = 0

function numberOf(resource: CompiledResource): number {
  const known = numbers.get(resource)
  if (known !== undefined) return known
  numbers.set(resource, (views += 1))
  return views
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
export async function find({ engine }: RestResource, read: CachedRead | undefined, fill: Fill, ahead?: AheadRead): Promise<FoundAnswer> {
  if (read === undefined || engine.cache === undefined) return { entry: await fill(engine.db.anywhere()), status: undefined }
  return engine.cache.read(read, fill, ahead)
}

export type KeepNear = (request: HttpRequest, reply: HttpReply, read: CachedRead, entry: Entry) => void

/** Lets a near copy that was just sent be sent to its address without coming here, as long as the cache would give it. */
export function nearKeeper({ engine: { cache }, resource, known }: RestResource): KeepNear {
  const isForAll = isSameForAll(resource)
  return (request, reply, read, entry) => {
    if (!isForAll) return
    known.keep(request, reply, entry.body, { isRight: () => cache?.isNear(read, entry) === true, sent: () => cache?.gaveNear(read) })
  }
}

export type SendEntry = (request: HttpRequest, reply: HttpReply, entry: Entry, status: CacheStatus | undefined) => void

/** Sends what was found, with the headers of every read of the resource and, outside of production, where it came from. */
/** @param variesByCaller  also where the resource itself is the same for all */
export function entrySender({ resource, callers, tellsCache }: RestResource, variesByCaller = false): SendEntry {
  const keep = readCaching(resource, callers, variesByCaller)
  return (request, reply, { body, etag }, status) => {
    if (tellsCache && status !== undefined) reply.header('x-cache', status)
    sendWithEtag(request, keep(reply), body, etag)
  }
}

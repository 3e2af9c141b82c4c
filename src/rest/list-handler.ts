// Answers lists.

import type { Entry } from '../cache/entry.ts'
import type { CachedRead, CacheStatus, Fill } from '../cache/read.ts'
import type { HttpReply, HttpRequest, Route } from '../http/route.ts'
import { cachedList } from '../resource/cached-read.ts'
import { type PreparedList, prepareList, runList } from '../resource/run.ts'
import { etagOf } from '../resource/shape/etag.ts'
import { explainList, wantsExplanation } from './explain.ts'
import { linkBase, nextLink, type PagePlace } from './page-links.ts'
import { readListQuery } from './read-query.ts'
import { entrySender, find, formOf, nearKeeper, remembering } from './read-reply.ts'
import { queryOf, type RestResource } from './rest-resource.ts'

/** A list that may be asked for again. */
interface KnownList {
  /** The caller's own address, for the link to the next page: two that mean the same list have links of their own. */
  readonly links: string
  readonly fill: Fill
  readonly read: CachedRead | undefined
}

/** What a reply has beside its body. */
interface PageFacts extends PagePlace {
  readonly headers: Readonly<Record<string, string>>
}

/** A near copy is answered without a promise; everything else waits for the database or a store. */
export function listHandler(rest: RestResource): Route['handler'] {
  const { engine, resource } = rest
  const listOf = remembering((query) => knownList(rest, query))
  const send = pageSender(rest)
  const keep = nearKeeper(rest)
  return (request, reply) => {
    const query = queryOf(request)
    if (rest.explains && wantsExplanation(query)) return explainList(engine, resource, query, reply)
    const { read, fill, links } = listOf(query)
    const near = read === undefined ? undefined : engine.cache?.near(read)
    if (read === undefined || near === undefined)
      return find(rest, read, fill).then(({ entry, status }) => send(request, reply, links, entry, status))
    send(request, reply, links, near, 'near')
    keep(request, reply, read, near)
    return undefined
  }
}

function knownList(rest: RestResource, query: string): KnownList {
  const prepared = prepareList(rest.engine, rest.resource, readListQuery(query))
  return { links: linkBase(rest.path, query), fill: listFill(rest, prepared), read: cachedList(rest.engine, prepared, formOf(rest)) }
}

function listFill({ engine, format }: RestResource, prepared: PreparedList): Fill {
  return async (reads) => {
    const page = await runList(engine, prepared, reads)
    const { hasMore, next, number } = page
    const facts: PageFacts = { hasMore, next, number, headers: format.pageHeaders(page) }
    const body = format.page(page)
    return { etag: etagOf(body), body, facts: { ...facts } }
  }
}

function pageSender(rest: RestResource) {
  const send = entrySender(rest)
  return (request: HttpRequest, reply: HttpReply, links: string, entry: Entry | undefined, status: CacheStatus | undefined): void => {
    if (entry === undefined) throw new Error('A list is never absent.')
    const facts = entry.facts as unknown as PageFacts
    const next = nextLink(links, facts)
    if (next !== undefined) reply.header('link', next)
    send(request, reply.headers(facts.headers), entry, status)
  }
}

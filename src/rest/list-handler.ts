// Answers lists.

import type { Entry } from '../cache/entry.ts'
import type { CachedRead, CacheStatus, Fill } from '../cache/read.ts'
import type { HttpReply, HttpRequest, Route } from '../http/route.ts'
import { withDeleted } from '../resource/access/deleted.ts'
import type { Sight } from '../resource/access/sights.ts'
import { isForAnyone } from '../resource/policy.ts'
import { cachedList } from '../resource/cached-read.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { type PreparedList, prepareList, runList } from '../resource/run.ts'
import { etagOf } from '../resource/shape/etag.ts'
import type { Held } from '../resource/sql-builder.ts'
import { explainList, wantsExplanation } from './explain.ts'
import { sendAccess, wantsAccessExplained } from './explain-access.ts'
import { linkBase, nextLink, type PagePlace } from './page-links.ts'
import { readListQuery } from './read-query.ts'
import { entrySender, find, formOf, nearKeeper, remembering } from './read-reply.ts'
import { admitted, queryOf, type RestResource } from './rest-resource.ts'

/** A list that may be asked for again. */
interface KnownList {
  /** The caller's own address, for the link to the next page: two that mean the same list have links of their own. */
  readonly links: string
  fillOf(held: Held): Fill
  readonly readOf: ((held: Held) => CachedRead) | undefined
}

/** What a reply has beside its body. */
interface PageFacts extends PagePlace {
  readonly headers: Readonly<Record<string, string>>
}

/** A near copy is answered without a promise; everything else waits for the database or a store. */
export function listHandler(rest: RestResource): Route['handler'] {
  const { engine } = rest
  const listOf = remembering((view, query) => knownList(rest, view, query))
  const send = pageSender(rest)
  const keep = nearKeeper(rest)
  return (request, reply) => {
    const query = queryOf(request)
    if (rest.explains && wantsAccessExplained(query)) return sendAccess(admitted(rest, request, 'list'), rest, reply)
    const sight = admitted(rest, request, 'list')
    if (isAboutDeleted(rest, query)) return sendDeleted(rest, withDeleted(sight), query, request, reply)
    const { resource: view, held } = sight
    if (rest.explains && wantsExplanation(query)) return explainList(engine, sight, query, reply)
    const { readOf, fillOf, links } = listOf(view, query)
    const read = readOf?.(held)
    const near = read === undefined ? undefined : engine.cache?.near(read)
    if (read === undefined || near === undefined)
      return find(rest, read, fillOf(held)).then(({ entry, status }) => send(request, reply, links, entry, status))
    send(request, reply, links, near, 'near')
    keep(request, reply, read, near)
    return undefined
  }
}

/** Whether a read asks for deleted records; which of them it gets depends on the caller where `delete` does. */
function isAboutDeleted({ resource: { model, options } }: RestResource, query: string): boolean {
  return model.softDelete !== undefined && query.includes('deleted') && !isForAnyone(options.access, 'delete')
}

/** Past the cache and the known answers, which know of the records that are there. */
async function sendDeleted(
  rest: RestResource,
  { resource, held }: Sight,
  query: string,
  request: HttpRequest,
  reply: HttpReply,
): Promise<void> {
  const { fillOf, links } = knownList(rest, resource, query)
  const { entry } = await find(rest, undefined, fillOf(held))
  pageSender(rest, true)(request, reply, links, entry, undefined)
}

function knownList(rest: RestResource, view: CompiledResource, query: string): KnownList {
  const prepared = prepareList(rest.engine, view, readListQuery(query))
  return {
    links: linkBase(rest.path, query),
    fillOf: (held) => listFill(rest, prepared, held),
    readOf: cachedList(rest.engine, prepared, formOf(rest)),
  }
}

function listFill({ engine, format }: RestResource, prepared: PreparedList, held: Held): Fill {
  return async (reads) => {
    const page = await runList(engine, prepared, reads, held)
    const { hasMore, next, number } = page
    const facts: PageFacts = { hasMore, next, number, headers: format.pageHeaders(page) }
    const body = format.page(page)
    return { etag: etagOf(body), body, facts: { ...facts } }
  }
}

function pageSender(rest: RestResource, variesByCaller = false) {
  const send = entrySender(rest, variesByCaller)
  return (request: HttpRequest, reply: HttpReply, links: string, entry: Entry | undefined, status: CacheStatus | undefined): void => {
    if (entry === undefined) throw new Error('A list is never absent.')
    const facts = entry.facts as unknown as PageFacts
    const next = nextLink(links, facts)
    if (next !== undefined) reply.header('link', next)
    send(request, reply.headers(facts.headers), entry, status)
  }
}

// Answers reads of one record.

import type { Entry } from '../cache/entry.ts'
import type { CachedRead, CacheStatus, Fill } from '../cache/read.ts'
import type { HttpReply, HttpRequest, Route } from '../http/route.ts'
import { cachedGet } from '../resource/cached-read.ts'
import { resourceErrors } from '../resource/errors.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { RecordKey } from '../resource/request.ts'
import { type PreparedGet, prepareGet, runGet } from '../resource/run.ts'
import { etagOf } from '../resource/shape/etag.ts'
import type { Held } from '../resource/sql-builder.ts'
import { knownHits } from './known-hits.ts'
import { sendAccess, wantsAccessExplained } from './explain-access.ts'
import { readShapeQuery } from './read-query.ts'
import { entrySender, find, formOf, nearKeeper, remembering } from './read-reply.ts'
import { admitted, keyOf, queryOf, type RestResource } from './rest-resource.ts'

/** A shape of records that may be asked for again, for any of them. */
interface KnownGet {
  fillOf(key: RecordKey, held: Held): Fill
  readonly readOf: ((key: RecordKey, held: Held) => CachedRead) | undefined
}

export function getHandler(rest: RestResource): Route['handler'] {
  const { engine, resource } = rest
  const getOf = remembering((view, query) => knownGet(rest, view, query))
  const send = recordSender(rest)
  const keep = nearKeeper(rest)
  const hits = knownHits(rest)
  const look = async (request: HttpRequest, reply: HttpReply, read: CachedRead | undefined, fill: Fill): Promise<void> => {
    const { entry, status } = await find(rest, read, fill, hits.ahead(request))
    send(request, reply, entry, status)
    if (status === 'hit') hits.keep(request, reply, read, entry, fill)
  }
  return (request, reply) => {
    const query = queryOf(request)
    if (rest.explains && wantsAccessExplained(query))
      return sendAccess(admitted(rest, request, 'get'), rest, reply, keyOf(resource, request))
    const { resource: view, held } = admitted(rest, request, 'get')
    const { readOf, fillOf } = getOf(view, query)
    const key = keyOf(resource, request)
    const read = readOf?.(key, held)
    const near = read === undefined ? undefined : engine.cache?.near(read)
    if (read === undefined || near === undefined) return look(request, reply, read, fillOf(key, held))
    send(request, reply, near, 'near')
    keep(request, reply, read, near)
    return undefined
  }
}

function knownGet(rest: RestResource, view: CompiledResource, query: string): KnownGet {
  const prepared = prepareGet(view, readShapeQuery(query))
  return { fillOf: (key, held) => getFill(rest, prepared, key, held), readOf: cachedGet(rest.engine, prepared, formOf(rest)) }
}

/** The tag is that of the record alone, because writes answer with the same. */
function getFill({ engine, format }: RestResource, prepared: PreparedGet, key: RecordKey, held: Held): Fill {
  return async (reads) => {
    const json = await runGet(engine, prepared, key, reads, held)
    return json === undefined ? undefined : { etag: etagOf(json), body: format.record(json), facts: {} }
  }
}

function recordSender(rest: RestResource) {
  const send = entrySender(rest)
  return (request: HttpRequest, reply: HttpReply, entry: Entry | undefined, status: CacheStatus | undefined): void => {
    if (entry === undefined) throw resourceErrors.NOT_FOUND(rest.resource.name)
    send(request, reply, entry, status)
  }
}

// The routes of a resource: one per operation that is open. Each handler of a read reads as the life of its request;
// those of writes are in `write-handlers.ts`.

import type { Route } from '../http/route.ts'
import type { Operation } from '../resource/define.ts'
import { resourceErrors } from '../resource/errors.ts'
import { type PreparedGet, type PreparedList, prepareGet, prepareList, runGet, runList } from '../resource/run.ts'
import { etagOf } from '../resource/shape/etag.ts'
import { Lru } from '../support/lru.ts'
import { sendWithEtag } from './conditional.ts'
import { explainList, wantsExplanation } from './explain.ts'
import { readCaching } from './read-caching.ts'
import { linkBase, nextLink } from './page-links.ts'
import { readListQuery, readShapeQuery } from './read-query.ts'
import { isServed, keyOf, queryOf, recordPath, type RestResource } from './rest-resource.ts'
import { bulkDeleteHandler, bulkPatchHandler, changeHandler, createHandler, deleteHandler, restoreHandler } from './write-handlers.ts'

/** Query strings whose plan is remembered per resource, and how long one may be to be worth it. */
const rememberedQueries = 500
const longestRemembered = 1000

export function resourceRoutes(rest: RestResource): Route[] {
  const { path, resource } = rest
  const record = `${path}/${recordPath(resource)}`
  const table: readonly (readonly [Operation, Omit<Route, 'answers'>, string?])[] = [
    ['list', { method: 'GET', url: path, handler: listHandler(rest) }],
    ['get', { method: 'GET', url: record, handler: getHandler(rest) }],
    ['create', { method: 'POST', url: path, handler: createHandler(rest) }],
    ['patch', { method: 'PATCH', url: path, handler: bulkPatchHandler(rest) }, 'bulk'],
    ['delete', { method: 'DELETE', url: path, handler: bulkDeleteHandler(rest) }, 'bulk'],
    ['replace', { method: 'PUT', url: record, handler: changeHandler(rest, 'replace') }],
    ['patch', { method: 'PATCH', url: record, handler: changeHandler(rest, 'patch') }],
    ['delete', { method: 'DELETE', url: record, handler: deleteHandler(rest) }],
    ['restore', { method: 'POST', url: `${record}/restore`, handler: restoreHandler(rest) }],
  ]
  const open = table.filter(([operation, , form]) => isServed(resource, operation, form === 'bulk'))
  return open.map(([operation, route, form]) => ({ ...route, answers: [form, operation, resource.name].filter(Boolean).join(' ') }))
}

interface RememberedList {
  readonly prepared: PreparedList
  readonly links: string
}

function listHandler(rest: RestResource): Route['handler'] {
  const { engine, resource, format } = rest
  const remembered = new Lru<RememberedList>(rememberedQueries)
  const keep = readCaching(resource, rest.callers)
  return async (request, reply) => {
    const query = queryOf(request)
    if (rest.explains && wantsExplanation(query)) return explainList(engine, resource, query, reply)
    const { prepared, links } = remember(remembered, query, () => ({
      prepared: prepareList(engine, resource, readListQuery(query)),
      links: linkBase(rest.path, query),
    }))
    const page = await runList(engine, prepared)
    const next = nextLink(links, page)
    if (next !== undefined) reply.header('link', next)
    return sendWithEtag(request, keep(reply.headers(format.pageHeaders(page))), format.page(page))
  }
}

function getHandler(rest: RestResource): Route['handler'] {
  const { engine, resource, format } = rest
  const remembered = new Lru<PreparedGet>(rememberedQueries)
  const keep = readCaching(resource, rest.callers)
  return async (request, reply) => {
    const query = queryOf(request)
    const prepared = remember(remembered, query, () => prepareGet(resource, readShapeQuery(query)))
    const json = await runGet(engine, prepared, keyOf(resource, request))
    if (json === undefined) throw resourceErrors.NOT_FOUND(resource.name)
    return sendWithEtag(request, keep(reply), format.record(json), etagOf(json))
  }
}

function remember<value>(remembered: Lru<value>, query: string, make: () => value): value {
  const known = remembered.get(query)
  if (known !== undefined) return known
  const made = make()
  if (query.length <= longestRemembered) remembered.set(query, made)
  return made
}

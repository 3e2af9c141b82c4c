// The routes of a resource: one per operation that is open. Each handler reads as the life of its request.

import { currentRequestId } from '../core/context.ts'
import type { HttpReply, HttpRequest, Route } from '../http/route.ts'
import type { Operation } from '../resource/define.ts'
import { resourceErrors } from '../resource/errors.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { RecordKey, RecordValues, WriteRequest } from '../resource/request.ts'
import { type Engine, type PreparedGet, type PreparedList, prepareGet, prepareList, runGet, runList } from '../resource/run.ts'
import { etagOf } from '../resource/shape/etag.ts'
import { writeBulk, writeRecord } from '../resource/write.ts'
import type { Writer } from '../resource/writer.ts'
import { Lru } from '../support/lru.ts'
import { sendJson, sendWithEtag } from './conditional.ts'
import { explainList, wantsExplanation } from './explain.ts'
import { linkBase, nextLink } from './page-links.ts'
import { isBulk, readChanges, readKeys } from './read-body.ts'
import { readListQuery, readShapeQuery, refuseQuery } from './read-query.ts'
import type { ReplyFormat } from './reply-format.ts'

export interface RestResource {
  readonly engine: Engine
  readonly resource: CompiledResource
  readonly writer: Writer
  readonly format: ReplyFormat
  /** Path of the collection: `/api/items`. */
  readonly path: string
  /** True in development: lists answer `?explain`. */
  readonly explains: boolean
}

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
  const open = table.filter(([operation]) => resource.operations.has(operation))
  return open.map(([operation, route, form]) => ({ ...route, answers: [form, operation, resource.name].filter(Boolean).join(' ') }))
}

/** `:id`; a key of several parts has a segment for each: `:order_id/:product_id`. */
function recordPath(resource: CompiledResource): string {
  return resource.model.primaryKey.map((name) => `:${parameterOf(name)}`).join('/')
}

/** The router reads `:Order ID` and `:a-b` as something else than one parameter. */
function parameterOf(field: string): string {
  return field.replaceAll(/\W/g, '_')
}

interface RememberedList {
  readonly prepared: PreparedList
  readonly links: string
}

function listHandler(rest: RestResource): Route['handler'] {
  const { engine, resource, format } = rest
  const remembered = new Lru<RememberedList>(rememberedQueries)
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
    return sendWithEtag(request, reply.headers(format.pageHeaders(page)), format.page(page))
  }
}

function getHandler(rest: RestResource): Route['handler'] {
  const { engine, resource, format } = rest
  const remembered = new Lru<PreparedGet>(rememberedQueries)
  return async (request, reply) => {
    const query = queryOf(request)
    const prepared = remember(remembered, query, () => prepareGet(resource, readShapeQuery(query)))
    const json = await runGet(engine, prepared, keyOf(resource, request))
    if (json === undefined) throw resourceErrors.NOT_FOUND(resource.name)
    return sendWithEtag(request, reply, format.record(json), etagOf(json))
  }
}

function remember<value>(remembered: Lru<value>, query: string, make: () => value): value {
  const known = remembered.get(query)
  if (known !== undefined) return known
  const made = make()
  if (query.length <= longestRemembered) remembered.set(query, made)
  return made
}

function createHandler(rest: RestResource): Route['handler'] {
  const { writer, format, path, resource } = rest
  return async (request, reply) => {
    refuseQuery(queryOf(request))
    if (isBulk(request.body)) {
      const written = await writeBulk(writer, { operation: 'create', items: request.body }, context())
      return sendJson(reply, 201, format.records(written.json))
    }
    const written = await writeRecord(writer, { operation: 'create', values: request.body as RecordValues }, context())
    if (written === undefined) throw resourceErrors.NOT_FOUND(resource.name)
    reply.header('location', `${path}/${written.key.map(encodeURIComponent).join('/')}`).header('etag', written.etag)
    return sendJson(reply, 201, format.record(written.json))
  }
}

function changeHandler(rest: RestResource, operation: 'replace' | 'patch'): Route['handler'] {
  return async (request, reply) => {
    const write = { operation, key: keyOf(rest.resource, request), values: request.body as RecordValues, ...matchOf(request) }
    return sendWritten(rest, request, reply, write)
  }
}

function restoreHandler(rest: RestResource): Route['handler'] {
  return async (request, reply) => sendWritten(rest, request, reply, { operation: 'restore', key: keyOf(rest.resource, request) })
}

async function sendWritten(rest: RestResource, request: HttpRequest, reply: HttpReply, write: WriteRequest): Promise<HttpReply> {
  refuseQuery(queryOf(request))
  const written = await writeRecord(rest.writer, write, context())
  if (written === undefined) throw resourceErrors.NOT_FOUND(rest.resource.name)
  return sendJson(reply.header('etag', written.etag), 200, rest.format.record(written.json))
}

function deleteHandler(rest: RestResource): Route['handler'] {
  const { writer, resource } = rest
  return async (request, reply) => {
    refuseQuery(queryOf(request))
    const written = await writeRecord(writer, { operation: 'delete', key: keyOf(resource, request), ...matchOf(request) }, context())
    if (written === undefined) throw resourceErrors.NOT_FOUND(resource.name)
    return reply.code(204).send()
  }
}

function bulkPatchHandler(rest: RestResource): Route['handler'] {
  return async (request, reply) => {
    refuseQuery(queryOf(request))
    const written = await writeBulk(rest.writer, readChanges(rest.resource, request.body), context())
    return sendJson(reply, 200, rest.format.records(written.json))
  }
}

function bulkDeleteHandler(rest: RestResource): Route['handler'] {
  return async (request, reply) => {
    refuseQuery(queryOf(request))
    await writeBulk(rest.writer, readKeys(rest.resource, request.body), context())
    return reply.code(204).send()
  }
}

function context(): { requestId: string | undefined } {
  return { requestId: currentRequestId() }
}

/** The query string as it came, without the question mark. */
function queryOf(request: HttpRequest): string {
  const url = request.raw.url ?? ''
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}

function keyOf(resource: CompiledResource, request: HttpRequest): RecordKey {
  const parameters = request.params as Record<string, string>
  return resource.model.primaryKey.map((name) => parameters[parameterOf(name)] ?? '')
}

function matchOf(request: HttpRequest): { match?: string } {
  const header = request.headers['if-match']
  return header === undefined ? {} : { match: header }
}

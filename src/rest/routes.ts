// The routes of a resource: one per operation that is open.

import type { Route } from '../http/route.ts'
import type { Operation } from '../resource/define.ts'
import { rateLimitOf } from '../resource/rate-limit.ts'
import { getHandler } from './get-handler.ts'
import { listHandler } from './list-handler.ts'
import { isServed, recordPath, type RestResource } from './rest-resource.ts'
import { bulkDeleteHandler, bulkPatchHandler, changeHandler, createHandler, deleteHandler, restoreHandler } from './write-handlers.ts'

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
  return open.map(([operation, route, form]) => ({
    ...route,
    answers: [form, operation, resource.name].filter(Boolean).join(' '),
    rateLimit: rateLimitOf(resource.name, resource.options.rateLimit, operation),
  }))
}

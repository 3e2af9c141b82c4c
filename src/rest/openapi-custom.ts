// Routes that the application adds by itself, described by the JSON Schemas they were registered with.

import { limitedOperation } from './openapi-limits.ts'
import { type Part, type Parts, refTo, schemaRef } from './openapi-parts.ts'
import { headersOf } from './openapi-replies.ts'

/** A route as Fastify knows it. */
export interface CustomRoute {
  readonly method: string | readonly string[]
  /** With parameters as `:name`. */
  readonly url: string
  readonly schema?: CustomSchema
  /** True when it takes an Idempotency-Key. */
  readonly idempotent?: boolean
  /** True when it may be called only so often. */
  readonly limited?: boolean
}

/** What the document reads of a route's schema. */
export interface CustomSchema {
  /** True keeps the route out of the document. */
  readonly hide?: boolean
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly params?: unknown
  readonly querystring?: unknown
  readonly headers?: unknown
  readonly body?: unknown
  readonly response?: unknown
  /** How to show who one is, as OpenAPI says it: `[{ bearer: [] }]`. */
  readonly security?: unknown
}

export const customTag = 'custom'

const documented = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

export function customPaths(routes: readonly CustomRoute[]): Parts {
  const paths: Record<string, Record<string, Part>> = {}
  for (const { method, url, schema = {}, idempotent = false, limited = false } of routes.filter((route) => route.schema?.hide !== true)) {
    const path = url.replaceAll(/:(\w+)(\([^)]*\))?\??/g, '{$1}').replace(/\*$/, '{wildcard}')
    for (const name of [method].flat().filter((word) => documented.has(word))) {
      const operation = customOperation(name, path, schema, idempotent)
      paths[path] = { ...paths[path], [name.toLowerCase()]: limited ? limitedOperation(operation) : operation }
    }
  }
  return paths
}

function customOperation(method: string, path: string, schema: CustomSchema, idempotent: boolean): Part {
  const { summary = `${method} ${path}`, description, tags = [customTag] } = schema
  return {
    operationId: schema.operationId ?? idOf(method, path),
    summary,
    ...(description === undefined ? {} : { description }),
    tags,
    ...(schema.security === undefined ? {} : { security: schema.security }),
    parameters: [
      ...pathParameters(path, schema.params),
      ...parametersOf('query', schema.querystring),
      ...parametersOf('header', schema.headers),
      ...(idempotent ? [refTo('parameters', 'IdempotencyKey')] : []),
    ],
    ...(schema.body === undefined ? {} : { requestBody: { required: true, content: contentOf(schema.body) } }),
    responses: {
      400: refTo('responses', 'InvalidInput'),
      ...(asksForSomebody(schema.security) ? { 401: refTo('responses', 'SignInRequired'), 403: refTo('responses', 'Forbidden') } : {}),
      ...(idempotent ? { 409: refTo('responses', 'KeyInProgress'), 422: refTo('responses', 'KeyReused') } : {}),
      ...repliesOf(schema.response),
      default: refTo('responses', 'Refused'),
    },
  }
}

/** `[{}, …]` would let nobody in particular in as well. */
function asksForSomebody(security: unknown): boolean {
  return Array.isArray(security) && security.length > 0 && security.every((way: object) => Object.keys(way).length > 0)
}

/** `GET /reports/{year}` → `getReportsYear` */
function idOf(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** Every parameter of the path, also those that no schema describes. */
function pathParameters(path: string, schema: unknown): readonly Part[] {
  const { properties = {} } = objectSchema(schema)
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return names.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: withoutDescription(properties[name] ?? { type: 'string' }),
    ...described(properties[name]),
  }))
}

function parametersOf(place: 'query' | 'header', schema: unknown): readonly Part[] {
  const { properties = {}, required = [] } = objectSchema(schema)
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    ...(required.includes(name) ? { required: true } : {}),
    schema: withoutDescription(property),
    ...described(property),
  }))
}

/** Also the short form of Fastify, where the properties stand without an object around them. */
function objectSchema(schema: unknown): { readonly properties?: Parts; readonly required?: readonly string[] } {
  const found = rewriteRefs(schema)
  if (typeof found !== 'object' || found === null) return {}
  return 'properties' in found || 'type' in found ? (found as ReturnType<typeof objectSchema>) : { properties: found as Parts }
}

function described({ description }: Part = {}): Part {
  return description === undefined ? {} : { description }
}

function withoutDescription({ description: _description, ...schema }: Part): Part {
  return schema
}

/** A schema, or Fastify's `{ content: { 'text/csv': { schema } } }`. */
function contentOf(schema: unknown): Part {
  if (typeof schema === 'object' && schema !== null && 'content' in schema) return schema.content as Part
  return { 'application/json': { schema: rewriteRefs(schema) } }
}

function repliesOf(response: unknown): Parts {
  const replies = Object.entries((response ?? {}) as Parts).map(([status, schema]) => [
    /^[1-5]xx$/i.test(status) ? status.toUpperCase() : status,
    customReply(status, schema),
  ])
  return replies.length === 0 ? { 200: { description: 'Done.', headers: headersOf() } } : Object.fromEntries(replies)
}

function customReply(status: string, schema: Part): Part {
  const { description = `Status ${status}.` } = schema
  const empty = schema.type === 'null' || status === '204'
  return { description, headers: headersOf(), ...(empty ? {} : { content: contentOf(withoutDescription(schema)) }) }
}

/** `Shared#`, a schema added with `addSchema`, becomes a component of the document. */
function rewriteRefs(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(rewriteRefs)
  if (typeof schema !== 'object' || schema === null) return schema
  const { $ref } = schema as Part
  if (typeof $ref === 'string' && /^[\w.-]+#$/.test($ref)) return schemaRef($ref.slice(0, -1))
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, rewriteRefs(value)]))
}

/** Schemas that routes share, by their `$id`. */
export function sharedSchemas(schemas: Readonly<Record<string, unknown>>): Parts {
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutId(rewriteRefs(schema) as Part)]))
}

function withoutId({ $id: _id, ...schema }: Part): Part {
  return schema
}

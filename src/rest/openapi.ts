// The OpenAPI 3.1 document of an application, and the route that sends it. Made of the same registry that answers requests.

import type { Route } from '../http/route.ts'
import type { CompiledResource, Registry } from '../resource/registry.ts'
import { etagOf } from '../resource/shape/etag.ts'
import { sendWithEtag } from './conditional.ts'
import { introduction } from './openapi-about.ts'
import { asksWho, plainBearer } from './openapi-access.ts'
import { type CustomRoute, customPaths, customTag, sharedSchemas } from './openapi-custom.ts'
import { errorSchemas } from './openapi-error-schemas.ts'
import { type ErrorSubject, refusalComponents } from './openapi-errors.ts'
import { machinePaths, machineTag } from './openapi-machine.ts'
import { type NameBook, nameResources } from './openapi-names.ts'
import { resourcePaths } from './openapi-operations.ts'
import { parameters } from './openapi-parameters.ts'
import type { Part, Parts } from './openapi-parts.ts'
import { headers, pageMeta, replyComponents } from './openapi-replies.ts'
import { namesOf, resourceSchemas } from './openapi-schemas.ts'
import { type Components, usedComponents, usedSchemes } from './openapi-used.ts'
import type { ReplyFormat } from './reply-format.ts'

/** What the document says of an application. */
export interface DescribedApp {
  readonly name: string
  readonly version: string
  readonly description?: string
  /** In front of every resource: `/api`, or empty. */
  readonly prefix: string
  readonly format: ReplyFormat
  readonly registry: Registry
  /** Public address; default: wherever the document is read from. */
  readonly serverUrl?: string
  /** Routes that the application adds by itself. */
  readonly customRoutes?: readonly CustomRoute[]
  /** True when all routes together have a rate limit. */
  readonly limited?: boolean
  /** True when requests say which tenant they act in. */
  readonly hasTenants?: boolean
  /** Ways to show who one is, by name; absent where nobody signs in. */
  readonly securitySchemes?: Parts
  /** Schemas that those routes share (Fastify's `getSchemas()`). */
  readonly customSchemas?: Readonly<Record<string, unknown>>
}

/** A complete OpenAPI 3.1 document as plain JSON. */
export function openapiDocument(app: DescribedApp): Part {
  const shared = { ...errorSchemas(app.format.name), PageMeta: pageMeta, ...sharedSchemas(app.customSchemas ?? {}) }
  const names = nameResources(app.registry, Object.keys(shared))
  const resources = [...app.registry.resources.values()]
  const paths = { ...pathsOf(app, names), ...customPaths(app.customRoutes ?? []), ...machinePaths() }
  const schemas = resources.map((resource) => ({
    ...resourceSchemas(resource, names),
    ...replyComponents(app.format, namesOf(resource, names)),
  }))
  const components: Components = {
    schemas: Object.assign({}, ...schemas, shared),
    parameters,
    headers,
    responses: refusalComponents(app.format, subjectOf(resources)),
  }
  return {
    openapi: '3.1.0',
    info: { title: app.name, version: app.version, description: introduction(app.description, app.format.name, app.registry) },
    servers: [{ url: app.serverUrl ?? '/' }],
    // Operations say it where they ask who the caller is.
    security: [],
    tags: tagsOf(app, names),
    paths,
    components: {
      ...usedComponents(paths, components),
      ...usedSchemes(paths, schemesOf(app)),
    },
  }
}

function schemesOf({ securitySchemes, registry }: DescribedApp): Parts | undefined {
  return securitySchemes ?? ([...registry.resources.values()].some(asksWho) ? plainBearer : undefined)
}

function pathsOf(app: DescribedApp, names: NameBook): Parts {
  const { registry, format, prefix, limited } = app
  const schemes = Object.keys(schemesOf(app) ?? {})
  const paths = [...registry.resources.values()].map((resource) =>
    resourcePaths(resource, namesOf(resource, names), format, `${prefix}/${resource.name}`, limited, schemes, app.hasTenants),
  )
  return Object.assign({}, ...paths)
}

/** Examples of errors speak of the first resource. */
function subjectOf([first]: readonly CompiledResource[]): ErrorSubject {
  const field = first?.writable.find(({ kind }) => kind.encoding === 'text') ?? first?.visible[0]
  return { resource: first?.name ?? 'items', field: field?.name ?? 'name' }
}

/** Each name once: an application may have a resource or routes that are called as our own group is. */
function tagsOf({ registry, customRoutes = [] }: DescribedApp, names: NameBook): readonly Part[] {
  const resources = [...registry.resources.values()].map((resource): [string, string] => {
    return [resource.name, resource.options.description ?? `Records of ${namesOf(resource, names).manyInWords}.`]
  })
  const custom = customRoutes
    .flatMap(({ schema }) => schema?.tags ?? [customTag])
    .map((name): [string, string] => [name, 'Routes of the application.'])
  const all = [...resources, ...custom, [machineTag, 'Health, metrics and this document.'] as const]
  const seen = new Set<string>()
  const first = all.filter(([name]) => !seen.has(name) && seen.add(name))
  return first.map(([name, description]) => ({ name, description }))
}

/**
 * `GET /openapi.json`.
 *
 * @param describe  called once, by the first request: what custom routes the application has is known by then
 */
export function openapiRoutes(describe: () => DescribedApp): readonly Route[] {
  let sent: { readonly body: Buffer; readonly etag: string } | undefined
  const handler: Route['handler'] = (request, reply) => {
    sent ??= serialized(openapiDocument(describe()))
    return sendWithEtag(request, reply.header('cache-control', 'no-cache'), sent.body, sent.etag)
  }
  return [{ method: 'GET', url: '/openapi.json', answers: 'OpenAPI document', handler }]
}

function serialized(document: Part): { readonly body: Buffer; readonly etag: string } {
  const body = Buffer.from(JSON.stringify(document))
  return { body, etag: etagOf(body) }
}

// The operations of a resource: what `routes.ts` answers, each with its parameters, bodies and replies.

import type { Operation } from '../resource/define.ts'
import { keyFields } from '../resource/get-statement.ts'
import { rateLimitOf } from '../resource/rate-limit.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { guardedOperation, operationInTenant } from './openapi-access.ts'
import { isServed } from './rest-resource.ts'
import { refusalReplies } from './openapi-errors.ts'
import type { RefusalName } from './openapi-refusals.ts'
import {
  bulkPatchExample,
  createExample,
  keyExample,
  patchExample,
  replaceExample,
  type ReplyExamples,
  replyExamples,
} from './openapi-examples.ts'
import { limitedOperation } from './openapi-limits.ts'
import type { ResourceNames } from './openapi-names.ts'
import { keyParameters, listParameters, shapeParameters } from './openapi-parameters.ts'
import { example, jsonBody, type Part, type Parts, refTo, schemaRef } from './openapi-parts.ts'
import { headersOf, pageHeaders, readHeaders, type ReplySchemas, replySchemas, writeHeaders } from './openapi-replies.ts'
import type { ReplyFormat } from './reply-format.ts'

interface Subject {
  readonly resource: CompiledResource
  readonly names: ResourceNames
  readonly format: ReplyFormat
  readonly schemas: ReplySchemas
  readonly examples: ReplyExamples
  /** Whether operations of which the resource says nothing may be called only so often. */
  readonly limited: boolean
  readonly schemes: readonly string[]
  /** Whether requests say which tenant they act in. */
  readonly hasTenants: boolean
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** Where an operation is: on the collection, on one record, or behind it. */
type Place = 'collection' | 'record' | 'restore'

interface Described {
  readonly operation: Operation
  readonly place: Place
  readonly method: Method
  readonly describe: (subject: Subject) => Part
}

/** In the order of the document; the same as the table of `resourceRoutes`. */
const operations: readonly Described[] = [
  { operation: 'list', place: 'collection', method: 'get', describe: list },
  { operation: 'create', place: 'collection', method: 'post', describe: create },
  { operation: 'patch', place: 'collection', method: 'patch', describe: bulkPatch },
  { operation: 'delete', place: 'collection', method: 'delete', describe: bulkDelete },
  { operation: 'get', place: 'record', method: 'get', describe: get },
  { operation: 'replace', place: 'record', method: 'put', describe: replace },
  { operation: 'patch', place: 'record', method: 'patch', describe: patch },
  { operation: 'delete', place: 'record', method: 'delete', describe: remove },
  { operation: 'restore', place: 'restore', method: 'post', describe: restore },
]

/**
 * @param path     of the collection: `/api/items`
 * @param limited  whether all routes together have a rate limit
 * @param schemes  names of the ways to sign in
 * @param hasTenants  whether requests say which tenant they act in
 */
export function resourcePaths(
  resource: CompiledResource,
  names: ResourceNames,
  format: ReplyFormat,
  path: string,
  limited = false,
  schemes: readonly string[] = [],
  hasTenants = false,
): Parts {
  const schemas = replySchemas(format, names)
  const subject: Subject = { resource, names, format, schemas, examples: replyExamples(resource, format), limited, schemes, hasTenants }
  const record = `${path}/${keyFields(resource)
    .map(({ name }) => `{${name}}`)
    .join('/')}`
  const paths: Readonly<Record<Place, string>> = { collection: path, record, restore: `${record}/restore` }
  const items = Object.entries(paths).map(([place, url]) => [url, pathItem(subject, place as Place)] as const)
  return Object.fromEntries(items.filter(([, item]) => item !== undefined).map(([url, item]) => [url, item as Part]))
}

function pathItem(subject: Subject, place: Place): Part | undefined {
  const here = operations.filter(
    (described) => described.place === place && isServed(subject.resource, described.operation, isBulk(described)),
  )
  if (here.length === 0) return undefined
  const shared = place === 'collection' ? {} : { parameters: keyParameters(subject.resource) }
  const parts = here.map((described) => [described.method, describeOne(subject, described)])
  return { ...shared, ...Object.fromEntries(parts) }
}

function describeOne(subject: Subject, { operation, describe }: Described): Part {
  const { name, options } = subject.resource
  const own = rateLimitOf(name, options.rateLimit, operation)
  const plain = { tags: [name], ...describe(subject) }
  const isInTenant = subject.hasTenants && subject.resource.tenant !== undefined
  const part = guardedOperation(subject.resource, operation, subject.schemes, isInTenant ? operationInTenant(plain) : plain)
  return (own === undefined ? subject.limited : own !== false) ? limitedOperation(part) : part
}

function isBulk({ place, method }: Described): boolean {
  return place === 'collection' && (method === 'patch' || method === 'delete')
}

function list({ resource, names, format, schemas, examples }: Subject): Part {
  return {
    operationId: `list${names.many}`,
    summary: `List ${names.manyInWords}`,
    parameters: listParameters(resource),
    responses: {
      200: { description: `A page of ${names.manyInWords}.`, headers: pageHeaders(format), content: jsonBody(schemas.page, examples.page) },
      304: unchanged,
      ...refusalReplies('InvalidQuery', 'AddressTooLong'),
    },
  }
}

function get({ resource, names, schemas, examples }: Subject): Part {
  return {
    operationId: `get${names.one}`,
    summary: `Get one ${names.oneInWords}`,
    parameters: [...shapeParameters(resource), refTo('parameters', 'IfNoneMatch')],
    responses: {
      200: {
        description: `The ${names.oneInWords}.`,
        headers: headersOf(readHeaders),
        content: jsonBody(schemas.record, examples.record),
      },
      304: unchanged,
      ...refusalReplies('InvalidRead', 'NotFound'),
    },
  }
}

function create({ resource, names, schemas, examples }: Subject): Part {
  const one = schemaRef(`${names.one}Create`)
  const value = createExample(resource)
  const bodies = { one: example('One record', value), many: example('Several, all or nothing', [value]) }
  return {
    operationId: `create${names.one}`,
    summary: `Create ${names.manyInWords}`,
    parameters: [idempotencyKey],
    description: `One record, or a list of up to ${resource.bulkMax}: then all are created or none, and the reply has them in the same order.`,
    requestBody: { required: true, content: jsonBody({ oneOf: [one, bulkOf(resource, one)] }, bodies) },
    responses: {
      201: {
        description: 'Created. `Location` and `ETag` are there for one record only.',
        headers: writeHeaders({ Location: 'Location', ETag: 'ETag' }),
        content: jsonBody({ anyOf: [schemas.record, schemas.records] }, { ...examples.record, ...examples.records }),
      },
      ...writeRefusals('InvalidBulk', 'BulkConflict', 'PreconditionFailed', 'BodyTooLarge', 'UnsupportedMediaType'),
    },
  }
}

function bulkPatch({ resource, names, schemas, examples }: Subject): Part {
  const body = bulkOf(resource, schemaRef(`${names.one}BulkPatch`))
  return {
    operationId: `patchMany${names.many}`,
    summary: `Change several ${names.manyInWords}`,
    parameters: [idempotencyKey],
    description: 'All are changed or none. Each item has the key of its record and the fields to change.',
    requestBody: { required: true, content: jsonBody(body, { changes: example('One change', [bulkPatchExample(resource)]) }) },
    responses: {
      200: {
        description: 'The records after the change, in the same order.',
        headers: writeHeaders(),
        content: jsonBody(schemas.records, examples.records),
      },
      ...writeRefusals('InvalidBulk', 'BulkNotFound', 'BulkConflict', 'PreconditionFailed', 'BodyTooLarge', 'UnsupportedMediaType'),
    },
  }
}

function bulkDelete({ resource, names }: Subject): Part {
  const body = bulkOf(resource, schemaRef(`${names.one}Key`))
  return {
    operationId: `deleteMany${names.many}`,
    summary: `Delete several ${names.manyInWords}`,
    parameters: [idempotencyKey],
    description: `All are deleted or none. ${deletion(resource)}`,
    requestBody: { required: true, content: jsonBody(body, { keys: example('One key', [keyExample(resource)]) }) },
    responses: {
      204: deleted,
      ...writeRefusals('InvalidBulk', 'BulkNotFound', 'BulkConflict', 'PreconditionFailed', 'BodyTooLarge', 'UnsupportedMediaType'),
    },
  }
}

function replace(subject: Subject): Part {
  const { resource, names } = subject
  return {
    operationId: `replace${names.one}`,
    summary: `Replace one ${names.oneInWords}`,
    description: 'Fields that are left out get their default, or null.',
    parameters: [ifMatch(resource), idempotencyKey],
    requestBody: {
      required: true,
      content: jsonBody(schemaRef(`${names.one}Replace`), { record: example('Every field', replaceExample(resource)) }),
    },
    responses: changeReplies(subject),
  }
}

function patch(subject: Subject): Part {
  const { resource, names } = subject
  return {
    operationId: `patch${names.one}`,
    summary: `Change one ${names.oneInWords}`,
    description: 'Fields that are left out stay as they are.',
    parameters: [ifMatch(resource), idempotencyKey],
    requestBody: { required: true, content: patchBody(schemaRef(`${names.one}Patch`), patchExample(resource)) },
    responses: changeReplies(subject),
  }
}

/** A merge patch (RFC 7396) of a flat record is the same. */
function patchBody(schema: Part, value: unknown): Part {
  const body = jsonBody(schema, { change: example('One field', value) })
  return { ...body, 'application/merge-patch+json': { schema } }
}

function remove({ resource, names }: Subject): Part {
  return {
    operationId: `delete${names.one}`,
    summary: `Delete one ${names.oneInWords}`,
    description: deletion(resource),
    parameters: [ifMatch(resource), idempotencyKey],
    responses: { 204: deletedOne(resource), ...writeRefusals('InvalidKey', 'NotFound', 'Conflict', ...conditionRefusals(resource)) },
  }
}

function restore({ resource, names, schemas, examples }: Subject): Part {
  return {
    operationId: `restore${names.one}`,
    summary: `Restore one deleted ${names.oneInWords}`,
    parameters: [ifMatch(resource), idempotencyKey],
    responses: {
      200: written(schemas, examples),
      ...writeRefusals('InvalidKey', 'NotFound', 'Conflict', ...conditionRefusals(resource)),
    },
  }
}

const idempotencyKey = refTo('parameters', 'IdempotencyKey')

function writeRefusals(...names: readonly RefusalName[]): Parts {
  return refusalReplies(...names, 'KeyReused')
}

function ifMatch({ options }: CompiledResource): Part {
  return refTo('parameters', options.requireMatch === true ? 'RequiredIfMatch' : 'IfMatch')
}

function conditionRefusals({ options }: CompiledResource): readonly RefusalName[] {
  return options.requireMatch === true ? ['PreconditionFailed', 'PreconditionRequired'] : ['PreconditionFailed']
}

function changeReplies({ resource, schemas, examples }: Subject): Parts {
  const refused = writeRefusals(
    'InvalidBody',
    'NotFound',
    'Conflict',
    ...conditionRefusals(resource),
    'BodyTooLarge',
    'UnsupportedMediaType',
  )
  return { 200: written(schemas, examples), ...refused }
}

function written({ record }: ReplySchemas, examples: ReplyExamples): Part {
  return {
    description: 'The record after the change.',
    headers: writeHeaders({ ETag: 'ETag' }),
    content: jsonBody(record, examples.record),
  }
}

const unchanged: Part = { description: 'Nothing has changed since the `ETag` of `If-None-Match`.', headers: headersOf(readHeaders) }
const deleted: Part = { description: 'Deleted.', headers: writeHeaders() }

/** What can be restored has a tag for it. */
function deletedOne({ operations }: CompiledResource): Part {
  return operations.has('restore') ? { ...deleted, headers: writeHeaders({ ETag: 'ETag' }) } : deleted
}

function deletion({ model }: CompiledResource): string {
  return model.softDelete === undefined ? 'There is no way back.' : 'What is deleted is hidden and can be restored.'
}

function bulkOf(resource: CompiledResource, items: Part): Part {
  return { type: 'array', items, maxItems: resource.bulkMax }
}

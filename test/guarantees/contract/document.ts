// An OpenAPI document as the fuzzer needs it: operations with their parameters resolved, and questions about values and replies.

import { isIP } from 'node:net'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** A JSON Schema, or any other object of the document. */
export type Schema = { readonly [key: string]: unknown }

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path' | 'header'
  readonly required: boolean
  readonly schema: Schema
  /** `json`: the value is JSON text. `list`: values separated by commas. */
  readonly style: 'plain' | 'list' | 'json'
}

export interface DocumentedReply {
  /** Empty when the reply has no body. */
  readonly content: Readonly<Record<string, Schema>>
  /** Error codes that the description names. */
  readonly codes: readonly string[]
}

export interface Operation {
  readonly id: string
  readonly method: Method
  readonly path: string
  /** Of a resource. Probes, and custom routes without a schema of their query, may be asked with any parameter. */
  readonly isStrict: boolean
  readonly parameters: readonly Parameter[]
  /** Schema of the body, when there is one. */
  readonly body: Schema | undefined
  readonly replies: Readonly<Record<string, DocumentedReply>>
}

export interface Contract {
  readonly operations: readonly Operation[]
  /** Follows `$ref` until there is none. */
  resolve(schema: Schema): Schema
  /** What is wrong with a value; empty when it fits. */
  problems(schema: Schema, value: unknown): string[]
  /** The same for a reply that has only some fields, because the request named them: nothing is required. */
  sparseProblems(schema: Schema, value: unknown): string[]
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

export function readContract(document: Schema): Contract {
  const resolve = (schema: Schema): Schema => (typeof schema['$ref'] === 'string' ? resolve(at(document, schema['$ref'])) : schema)
  const paths = Object.entries(document['paths'] as Record<string, Schema>)
  return {
    operations: paths.flatMap(([path, item]) => operationsOf(path, item, resolve)),
    resolve,
    problems: checker(document, (schema) => schema),
    sparseProblems: checker(document, withoutRequired),
  }
}

/** @param change  made to the document, and to each schema before it is compiled */
function checker(document: Schema, change: (value: Schema) => Schema): Contract['problems'] {
  const ajv = new Ajv2020({ strict: false, logger: false })
  addFormats.default(ajv)
  for (const name of ['inet', 'cidr']) ajv.addFormat(name, (text) => isIP(text.replace(/\/\d{1,3}$/, '')) !== 0)
  ajv.addSchema({ ...change(document), $id: 'document' })
  const compiled = new WeakMap<Schema, ValidateFunction>()
  const compile = (schema: Schema): ValidateFunction => {
    const validate = compiled.get(schema) ?? ajv.compile(absolute(change(schema)) as Schema)
    compiled.set(schema, validate)
    return validate
  }
  return (schema, value) => {
    const validate = compile(schema)
    return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
}

function withoutRequired(value: Schema): Schema {
  const strip = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(strip)
    if (typeof inner !== 'object' || inner === null) return inner
    return Object.fromEntries(
      Object.entries(inner)
        .filter(([key, part]) => !(key === 'required' && Array.isArray(part)))
        .map(([key, part]) => [key, strip(part)]),
    )
  }
  return strip(value) as Schema
}

function at(document: Schema, pointer: string): Schema {
  const steps = pointer.split('/').slice(1)
  return steps.reduce<unknown>((value, step) => (value as Schema)[step.replaceAll('~1', '/').replaceAll('~0', '~')], document) as Schema
}

/** References as they are from outside of the document. */
function absolute(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(absolute)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === '$ref' ? `document${String(inner)}` : absolute(inner)]),
  )
}

function operationsOf(path: string, item: Schema, resolve: Contract['resolve']): Operation[] {
  const shared = (item['parameters'] ?? []) as Schema[]
  return methods
    .filter((method) => method in item)
    .map((method) => {
      const operation = item[method] as Schema
      const parameters = [...shared, ...((operation['parameters'] ?? []) as Schema[])].map((parameter) => parameterOf(resolve(parameter)))
      const content = ((operation['requestBody'] ?? {}) as Schema)['content'] as Record<string, Schema> | undefined
      return {
        id: String(operation['operationId']),
        method: method.toUpperCase() as Method,
        path,
        isStrict: !(operation['tags'] as string[]).some((tag) => tag === 'system' || tag === 'custom'),
        parameters,
        body: content?.['application/json']?.['schema'] as Schema | undefined,
        replies: repliesOf(operation['responses'] as Record<string, Schema>, resolve),
      }
    })
}

function parameterOf(parameter: Schema): Parameter {
  const content = parameter['content'] as Record<string, Schema> | undefined
  const schema = (content?.['application/json']?.['schema'] ?? parameter['schema']) as Schema
  const style = content === undefined ? (schema['type'] === 'array' ? 'list' : 'plain') : 'json'
  return {
    name: String(parameter['name']),
    in: parameter['in'] as Parameter['in'],
    required: parameter['required'] === true,
    schema,
    style,
  }
}

function repliesOf(responses: Record<string, Schema>, resolve: Contract['resolve']): Operation['replies'] {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const { content = {}, description } = resolve(response) as { content?: Record<string, { schema: Schema }>; description?: string }
      const codes = [...(description ?? '').matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code = '']) => code)
      return [status, { codes, content: Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, schema])) }]
    }),
  )
}

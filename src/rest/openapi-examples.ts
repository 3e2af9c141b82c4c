// Examples of records and keys, made of what each kind of column shows. Replies are framed by the format itself.

import { exampleOf } from '../model/json-schema.ts'
import type { Field } from '../model/model.ts'
import { keyFields } from '../resource/get-statement.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { RecordPage } from '../resource/run.ts'
import { example, type Parts } from './openapi-parts.ts'
import type { ReplyFormat } from './reply-format.ts'

/** Undefined where a hook of the application shapes the records: only it knows how they look. */
export function recordExample(resource: CompiledResource): unknown {
  return resource.options.hooks?.serialize === undefined ? valuesOf(resource.visible) : undefined
}

/** What a create may send. */
export function createExample({ writable }: CompiledResource): Readonly<Record<string, unknown>> {
  return valuesOf(writable)
}

/** What a replace may send: everything but the key, which is in the path. */
export function replaceExample({ writable, model }: CompiledResource): Readonly<Record<string, unknown>> {
  return valuesOf(writable.filter((field) => !model.primaryKey.includes(field.name)))
}

/** One changed field is enough for a patch. */
export function patchExample({ writable, model }: CompiledResource): Readonly<Record<string, unknown>> {
  return valuesOf(writable.filter((field) => !model.primaryKey.includes(field.name)).slice(0, 1))
}

export function bulkPatchExample(resource: CompiledResource): Readonly<Record<string, unknown>> {
  return { ...valuesOf(keyFields(resource)), ...patchExample(resource) }
}

export function keyExample(resource: CompiledResource): unknown {
  const fields = keyFields(resource)
  const [first] = fields
  return first !== undefined && fields.length === 1 ? exampleOf(first) : valuesOf(fields)
}

function valuesOf(fields: readonly Field[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(fields.map((field) => [field.name, exampleOf(field)]))
}

/** Replies of one resource in the application's format. */
export interface ReplyExamples {
  readonly record?: Parts
  readonly records?: Parts
  readonly page?: Parts
}

export function replyExamples(resource: CompiledResource, format: ReplyFormat): ReplyExamples {
  const record = recordExample(resource)
  if (record === undefined) return {}
  const list = bytesOf([record])
  return {
    record: { record: example('One record', parse(format.record(bytesOf(record)))) },
    records: { records: example('Records of a bulk write', parse(format.records(list))) },
    page: { page: example('A page of one record', parse(format.page(pageExample(resource, list)))) },
  }
}

/** The first of several pages. */
export function pageExample(resource: CompiledResource, json: Buffer): RecordPage {
  const total = resource.countDefault === 'exact' ? 2 : undefined
  const next = resource.model.primaryKey.length === 0 ? undefined : cursorExample
  return {
    json: (frame) => (frame === undefined ? json : Buffer.concat([frame.before, json, frame.behind])),
    count: 1,
    size: 1,
    number: next === undefined ? 1 : undefined,
    hasMore: true,
    total,
    next,
  }
}

/** As `encodeCursor` writes them: order values and a signature. */
export const cursorExample = 'WyIxIl0.c2lnbmF0dXJlMTIz'

function bytesOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function parse(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString())
}

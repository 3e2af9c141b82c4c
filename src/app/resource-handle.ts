// A resource for code in the same process: the same plans and statements as REST, without HTTP.

import type { Entry } from '../cache/entry.ts'
import type { CachedRead, Fill } from '../cache/read.ts'
import { currentRequestId } from '../core/context.ts'
import { cachedGet, cachedList } from '../resource/cached-read.ts'
import { resourceErrors } from '../resource/errors.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { ListRequest, RecordKey, RecordValues, Shape, WriteRequest } from '../resource/request.ts'
import { type Engine, prepareGet, prepareList, runGet, runList } from '../resource/run.ts'
import { etagOf } from '../resource/shape/etag.ts'
import { writeBulk, writeRecord } from '../resource/write.ts'
import type { Writer } from '../resource/writer.ts'

export type ResourceRecord = Record<string, unknown>

/** Key values as they are: `1`, `'a'`, or a list of them for a key of several fields. */
export type KeyInput = string | number | bigint | readonly (string | number | bigint)[]

export interface ListResult {
  readonly records: readonly ResourceRecord[]
  readonly total: number | undefined
  readonly next: string | undefined
}

export interface ResourceHandle {
  list(request?: ListRequest): Promise<ListResult>
  get(key: KeyInput, shape?: Shape): Promise<ResourceRecord | undefined>
  create(values: RecordValues): Promise<ResourceRecord>
  createMany(items: readonly RecordValues[]): Promise<readonly ResourceRecord[]>
  replace(key: KeyInput, values: RecordValues): Promise<ResourceRecord>
  patch(key: KeyInput, values: RecordValues): Promise<ResourceRecord>
  delete(key: KeyInput): Promise<void>
  restore(key: KeyInput): Promise<ResourceRecord>
}

export function resourceHandle(engine: Engine, resource: CompiledResource, writer: Writer): ResourceHandle {
  const write = async (request: WriteRequest): Promise<ResourceRecord> => {
    const written = await writeRecord(writer, request, { requestId: currentRequestId() })
    if (written === undefined) throw resourceErrors.NOT_FOUND(resource.name)
    return parse(written.json) as ResourceRecord
  }
  return {
    list: (request = {}) => readList(engine, resource, request),
    get: (key, shape = {}) => readRecord(engine, resource, recordKey(key), shape),
    create: (values) => write({ operation: 'create', values }),
    async createMany(items) {
      const written = await writeBulk(writer, { operation: 'create', items }, { requestId: currentRequestId() })
      return parse(written.json) as ResourceRecord[]
    },
    replace: (key, values) => write({ operation: 'replace', key: recordKey(key), values }),
    patch: (key, values) => write({ operation: 'patch', key: recordKey(key), values }),
    async delete(key) {
      const written = await writeRecord(writer, { operation: 'delete', key: recordKey(key) }, { requestId: currentRequestId() })
      if (written === undefined) throw resourceErrors.NOT_FOUND(resource.name)
    },
    restore: (key) => write({ operation: 'restore', key: recordKey(key) }),
  }
}

async function readList(engine: Engine, resource: CompiledResource, request: ListRequest): Promise<ListResult> {
  const prepared = prepareList(engine, resource, request)
  const entry = await readThrough(engine, cachedList(engine, prepared, form), async (reads) => {
    const { json, total, next } = await runList(engine, prepared, reads)
    return entryOf(json(), { total, next })
  })
  if (entry === undefined) throw new Error('A list is never absent.')
  const { total, next } = entry.facts as Pick<ListResult, 'total' | 'next'>
  return { records: parse(entry.body) as ResourceRecord[], total, next }
}

async function readRecord(engine: Engine, resource: CompiledResource, key: RecordKey, shape: Shape): Promise<ResourceRecord | undefined> {
  const prepared = prepareGet(resource, shape)
  const entry = await readThrough(engine, cachedGet(engine, prepared, form)?.(key), async (reads) => {
    const json = await runGet(engine, prepared, key, reads)
    return json === undefined ? undefined : entryOf(json, {})
  })
  return entry === undefined ? undefined : (parse(entry.body) as ResourceRecord)
}

/** What is kept for code: bare records, which no face frames. */
const form = 'code'

function entryOf(body: Buffer, facts: Entry['facts']): Entry {
  return { etag: etagOf(body), body, facts }
}

async function readThrough({ cache, db }: Engine, read: CachedRead | undefined, fill: Fill): Promise<Entry | undefined> {
  if (cache === undefined || read === undefined) return fill(db.anywhere())
  return cache.near(read) ?? (await cache.read(read, fill)).entry
}

function recordKey(key: KeyInput): RecordKey {
  return (Array.isArray(key) ? key : [key]).map(String)
}

function parse(json: Buffer): unknown {
  return JSON.parse(json.toString())
}

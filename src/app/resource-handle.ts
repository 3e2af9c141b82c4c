// A resource for code in the same process: the same plans and statements as REST, without HTTP.

import { currentRequestId } from '../core/context.ts'
import { resourceErrors } from '../resource/errors.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { GetRequest, ListRequest, RecordKey, RecordValues, Shape, WriteRequest } from '../resource/request.ts'
import { type Engine, getRecord, listRecords } from '../resource/run.ts'
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
    async list(request = {}) {
      const page = await listRecords(engine, resource, request)
      return { records: parse(page.json()) as ResourceRecord[], total: page.total, next: page.next }
    },
    async get(key, shape = {}) {
      const request: GetRequest = { ...shape, key: recordKey(key) }
      const json = await getRecord(engine, resource, request)
      return json === undefined ? undefined : (parse(json) as ResourceRecord)
    },
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

function recordKey(key: KeyInput): RecordKey {
  return (Array.isArray(key) ? key : [key]).map(String)
}

function parse(json: Buffer): unknown {
  return JSON.parse(json.toString())
}

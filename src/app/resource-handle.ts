// A resource for code in the same process: the same plans and statements as REST, without HTTP.

import type { Entry } from '../cache/entry.ts'
import type { CachedRead, Fill } from '../cache/read.ts'
import { anonymousCaller, type Caller } from '../core/caller.ts'
import { currentContext, currentRequestId } from '../core/context.ts'
import { isEveryTenant, runInTenant, tenantInForce, tenantOf } from '../core/tenant.ts'
import { admit } from '../resource/access/admit.ts'
import { withDeleted } from '../resource/access/deleted.ts'
import { isOfNoTenant } from '../resource/access/same-for-all.ts'
import type { Sight } from '../resource/access/sights.ts'
import { cachedGet, cachedList } from '../resource/cached-read.ts'
import { resourceErrors } from '../resource/errors.ts'
import type { Operation } from '../resource/define.ts'
import { recordShaper } from '../resource/record-shaper.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { ListRequest, RecordKey, RecordValues, Shape, WriteRequest } from '../resource/request.ts'
import { type Engine, prepareGet, prepareList, runGet, runList } from '../resource/run.ts'
import { etagOf } from '../resource/shape/etag.ts'
import { type Held, nothingHeld } from '../resource/sql-builder.ts'
import { writeBulk, writeRecord } from '../resource/write.ts'
import { type Writer, writerFor } from '../resource/writer.ts'

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
  /**
   * The same, held to the policies of a caller, in the tenant that they act in. Without it nothing is refused, and everything is seen; inside
   * of a request what belongs to the tenant that the request acts in, unless `app.acrossTenants` lifts that.
   */
  as(caller: Caller): ResourceHandle
}

/** Where a handle reads and what it writes with; throws where the caller may not do this with any record. */
interface Ways {
  reads(operation: 'list' | 'get', deleted?: ListRequest['deleted']): { readonly resource: CompiledResource; readonly held: Held }
  writes(operation: Operation): Writer
}

export function resourceHandle(engine: Engine, resource: CompiledResource, writer: Writer): ResourceHandle {
  const free: Ways = { reads: () => ({ resource, held: nothingHeld }), writes: () => writer }
  const isFree = isOfNoTenant(resource) && resource.references.length === 0
  const waysOf = (caller: Caller): Ways => heldWays(engine.registry.sights.of(resource, caller), writer)
  return handleOver(engine, isFree ? () => free : () => codeWays(engine, resource, writer) ?? free, (work) => work(), waysOf)
}

/** Of code in nobody's name: everything, of the tenant in force; undefined where that is every tenant. */
function codeWays(engine: Engine, resource: CompiledResource, writer: Writer): Ways | undefined {
  const caller = codeCaller()
  if (caller === undefined) return undefined
  const held = heldWays(engine.registry.codeSights.of(resource, caller), writer)
  return { ...held, writes: (operation) => ({ ...held.writes(operation), who: undefined }) }
}

/** Undefined across tenants. Whoever has not signed in to the request that the code serves is told to. */
function codeCaller(): Caller | undefined {
  const tenant = tenantInForce()
  if (isEveryTenant(tenant)) return undefined
  const isNobodys = currentContext()?.caller.kind === 'anonymous'
  return { ...anonymousCaller, kind: isNobodys ? 'anonymous' : 'service', tenant }
}

function heldWays(sight: Sight, writer: Writer): Ways {
  return {
    reads(operation, deleted = 'without') {
      admit(sight, operation)
      return deleted === 'without' ? sight : withDeleted(sight)
    },
    writes(operation) {
      admit(sight, operation)
      return writerFor(writer, sight, operation, recordShaper)
    },
  }
}

/** @param inForce  runs what a handle does in the tenant that it does it in */
function handleOver(
  engine: Engine,
  ways: () => Ways,
  inForce: <result>(work: () => Promise<result>) => Promise<result>,
  waysOf: (caller: Caller) => Ways,
): ResourceHandle {
  const write = async (request: WriteRequest): Promise<ResourceRecord> => {
    const writer = ways().writes(request.operation)
    const written = await writeRecord(writer, request, { requestId: currentRequestId() })
    if (written === undefined) throw resourceErrors.NOT_FOUND(writer.resource.name)
    return parse(written.json) as ResourceRecord
  }
  return {
    list: (request = {}) => inForce(async () => readList(engine, ways().reads('list', request.deleted), request)),
    get: (key, shape = {}) => inForce(async () => readRecord(engine, ways().reads('get'), recordKey(key), shape)),
    create: (values) => inForce(() => write({ operation: 'create', values })),
    createMany: (items) =>
      inForce(async () => {
        const written = await writeBulk(ways().writes('create'), { operation: 'create', items }, { requestId: currentRequestId() })
        return parse(written.json) as ResourceRecord[]
      }),
    replace: (key, values) => inForce(() => write({ operation: 'replace', key: recordKey(key), values })),
    patch: (key, values) => inForce(() => write({ operation: 'patch', key: recordKey(key), values })),
    async delete(key) {
      await inForce(() => write({ operation: 'delete', key: recordKey(key) }))
    },
    restore: (key) => inForce(() => write({ operation: 'restore', key: recordKey(key) })),
    as: (caller) =>
      handleOver(
        engine,
        () => waysOf(caller),
        (work) => runInTenant(tenantOf(caller), work),
        waysOf,
      ),
  }
}

/** What is read, and what is held of whoever reads. */
interface Source {
  readonly resource: CompiledResource
  readonly held: Held
}

async function readList(engine: Engine, { resource, held }: Source, request: ListRequest): Promise<ListResult> {
  const prepared = prepareList(engine, resource, request)
  const entry = await readThrough(engine, cachedList(engine, prepared, form)?.(held), async (reads) => {
    const { json, total, next } = await runList(engine, prepared, reads, held)
    return entryOf(json(), { total, next })
  })
  if (entry === undefined) throw new Error('A list is never absent.')
  const { total, next } = entry.facts as Pick<ListResult, 'total' | 'next'>
  return { records: parse(entry.body) as ResourceRecord[], total, next }
}

async function readRecord(engine: Engine, { resource, held }: Source, key: RecordKey, shape: Shape): Promise<ResourceRecord | undefined> {
  const prepared = prepareGet(resource, shape)
  const entry = await readThrough(engine, cachedGet(engine, prepared, form)?.(key, held), async (reads) => {
    const json = await runGet(engine, prepared, key, reads, held)
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

// What writing to one resource needs, worked out once at start.

import type { FencedCache } from '../cache/fenced/fenced-cache.ts'
import type { FencedWrites } from '../cache/fenced/writes.ts'
import type { Caller } from '../core/caller.ts'
import type { Database } from '../db/database.ts'
import type { TextRows } from '../db/rows.ts'
import { leadsTo } from '../model/leads-to.ts'
import type { Field, Model } from '../model/model.ts'
import type { Operation } from './define.ts'
import { type Guard, guardOf } from './access/guard.ts'
import type { Sight } from './access/sights.ts'
import { fieldNamed } from './field-named.ts'
import { seesRecords } from './hooks.ts'
import type { CompiledResource } from './registry.ts'
import { shapedFields } from './shaped-fields.ts'
import { quoteName } from './sql-builder.ts'
import { StatementNames } from './write-names.ts'
import type { WriteTable } from './write-statement.ts'

/** Rows that a write returned → what replies carry. Looks at the columns of `shapedFields`, which come first, and at no others. */
export interface RecordShaper {
  /** Record `index` as a JSON object. */
  toJson(rows: TextRows, index: number): Buffer
  /** Strong entity tag of a record's JSON, with its quotes. */
  etag(json: Buffer): string
}

/** Everything `writeRecord` and `writeBulk` know about a resource. */
export interface Writer {
  readonly db: Database
  /** Tables that a write may change: the resource's, and those whose keys lead there. As SQL names them. */
  readonly tables: readonly string[]
  /** Undefined when no resource of the application is fenced. */
  readonly fence: WriterFence | undefined
  readonly resource: CompiledResource
  readonly shaper: RecordShaper
  readonly table: WriteTable
  readonly names: StatementNames
  /** What callers may set. */
  readonly writable: ReadonlySet<Field>
  /** What a new record must be given: writable, not null, and nothing fills it. */
  readonly required: readonly Field[]
  /** What PUT sets: writable without the key and without what every change sets. */
  readonly replaced: readonly Field[]
  /** Filled by `$defaultFn`. */
  readonly made: readonly Field[]
  /** Filled by `$onUpdate`. */
  readonly touched: readonly Field[]
  /** Whoever writes, where it is not code of the application in nobody's name. */
  readonly who: Caller | undefined
  /** What a caller's policies ask of the records of one write; undefined: nothing. */
  readonly guard: Guard | undefined
}

/** How a writer's changes of fenced rows are kept out of the cache. */
export interface WriterFence {
  readonly writes: FencedWrites
  /** Every write is a fenced transaction: the tables lead to a fenced one, or a trigger was found to. */
  isNeeded: boolean
}

export function compileWriter(
  db: Database,
  resource: CompiledResource,
  shaper: RecordShaper,
  models: Iterable<Model> = [resource.model],
  fenced?: FencedCache,
): Writer {
  const { model } = resource
  const tables = writtenTables(model, [...models])
  return {
    ...seenBy(resource, shaper),
    db,
    tables,
    fence: fenced && { writes: fenced.writes, isNeeded: fenced.hasRedis && tables.some((name) => fenced.tables.has(name)) },
    names: new StatementNames(),
    made: model.fields.filter((field) => field.makeDefault !== undefined),
    touched: model.fields.filter((field) => field.onUpdate !== undefined),
    who: undefined,
    guard: undefined,
  }
}

type Seen = Pick<Writer, 'resource' | 'shaper' | 'table' | 'writable' | 'required' | 'replaced'>

/** What of a writer depends on the fields that a caller sees and sets. */
function seenBy(resource: CompiledResource, shaper: RecordShaper): Seen {
  const { writable } = resource
  const table = writeTable(resource)
  return {
    resource,
    shaper,
    table,
    writable: new Set(writable),
    required: [...writable, ...(resource.tenant === undefined ? [] : [resource.tenant])].filter(
      (field) => !field.nullable && !field.hasDefault && !field.generated && field.onUpdate === undefined,
    ),
    replaced: writable.filter((field) => !table.key.includes(field) && field.onUpdate === undefined),
  }
}

const seenParts = new WeakMap<CompiledResource, Seen>()

/** The writer held to the policies of a caller, for one write. What depends on the caller's sight is made once for all with the same. */
export function writerFor(
  writer: Writer,
  sight: Sight,
  operation: Operation,
  shaperOf: (resource: CompiledResource) => RecordShaper,
): Writer {
  const { resource, who } = sight
  const guard = guardOf(sight, operation)
  if (resource === writer.resource) return { ...writer, who, guard }
  const seen = seenParts.get(resource) ?? seenBy(resource, shaperOf(resource))
  seenParts.set(resource, seen)
  return { ...writer, ...seen, who, guard }
}

/** With what PostgreSQL does on its own: rows go or lose their key when the row goes that they point to. */
function writtenTables(model: Model, models: readonly Model[]): string[] {
  const written = new Set([model])
  // A set visits what is added while it is walked.
  for (const target of written) for (const other of models) if (other.foreignKeys.some((key) => leadsTo(key, target))) written.add(other)
  return [...written].map(({ sqlName }) => sqlName)
}

function writeTable(resource: CompiledResource): WriteTable {
  const { model } = resource
  return {
    sqlName: model.sqlName,
    bareName: quoteName(model.table.name),
    fields: model.fields,
    key: model.primaryKey.map((name) => fieldNamed(model, name)),
    softDelete: model.softDelete === undefined ? undefined : fieldNamed(model, model.softDelete),
    returning: returnedFields(resource)
      .map((field) => `${model.sqlName}.${quoteName(field.column)}`)
      .join(', '),
  }
}

/** Columns of every returned row: what replies show, the key, and, where hooks want the record, all. */
function returnedFields(resource: CompiledResource): readonly Field[] {
  const { model, options } = resource
  const shaped = shapedFields(resource)
  const key = model.primaryKey.map((name) => fieldNamed(model, name))
  return seesRecords(options.hooks) ? [...shaped, ...key, ...model.fields] : [...shaped, ...key]
}

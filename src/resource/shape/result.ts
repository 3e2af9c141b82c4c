// Levels of rows → the JSON bytes of a reply.

import type { Field } from '../../model/model.ts'
import type { CompiledInclude, CompiledShape, Level } from '../compiled-shape.ts'
import { resourceErrors } from '../errors.ts'
import { ByteWriter } from './byte-writer.ts'
import { type Result, writeRecord, writeRecords } from './record-shape.ts'
import { recordValues } from './record-values.ts'
import { indexRows, locateColumns, rowIndexReader } from './row-index.ts'

/** What a reply writes around its records: put there at once, a page need not be copied. */
export interface Frame {
  readonly before: Uint8Array
  readonly behind: Uint8Array
}

const bare: Frame = { before: new Uint8Array(), behind: new Uint8Array() }
const writer = new ByteWriter()

/** The first `count` records of a level as a JSON array, between two texts. */
export function recordsJson(shape: CompiledShape, level: Level, count: number, { before, behind }: Frame = bare): Buffer {
  if (shape.hasSerializeHook) return Buffer.concat([before, hookedRecords(shape, level, count), behind])
  writer.reset()
  writer.put(before)
  writeRecords(writer, shape.record, resultOf(shape, level), count)
  writer.put(behind)
  return writer.take()
}

/** Record `index` of a level as a JSON object. */
export function recordJson(shape: CompiledShape, level: Level, index: number): Buffer {
  if (shape.hasSerializeHook) return hookedJson(() => hookedRecord(shape, level, index))
  writer.reset()
  writeRecord(writer, shape.record, resultOf(shape, level), index)
  return writer.take()
}

function resultOf(shape: CompiledShape, level: Level): Result {
  return {
    rows: level.rows,
    includes: shape.includes.map((include, i) => {
      const child = level.children[i] as Level
      return { result: resultOf(include.shape, child), index: indexRows(child.rows, include.statement.linkColumns, include.integerKey) }
    }),
  }
}

/** Records of one reply that pass through hooks: about 100 MB of objects. */
const mostHooked = 100_000
let hooked = 0

function hookedJson(make: () => unknown): Buffer {
  hooked = 0
  return Buffer.from(JSON.stringify(make()))
}

function hookedRecords(shape: CompiledShape, level: Level, count: number): Buffer {
  return hookedJson(() => Array.from({ length: count }, (_, index) => hookedRecord(shape, level, index)))
}

/** A record with its includes as an object, through the `serialize` hooks on the way. */
function hookedRecord(shape: CompiledShape, level: Level, index: number): unknown {
  if (++hooked > mostHooked) throw resourceErrors.REPLY_TOO_LARGE()
  const { resource, fields, keys } = shape.plan
  const serialize = resource.options.hooks?.serialize
  const unasked = serialize === undefined ? [] : keys.slice(0, resource.shown.length - fields.length)
  const record = recordValues([...fields, ...unasked], level.rows, index)
  shape.includes.forEach((include, i) => {
    record[include.name] = hookedChildren(include, level, level.children[i] as Level, index)
  })
  return serialize === undefined ? record : withoutFields(shaped(serialize(record), resource.name), unasked)
}

/** A promise would be sent as `{}`, and nothing as no JSON at all. */
function shaped(made: unknown, resource: string): unknown {
  if (made === undefined) throw new Error(`The serialize hook of "${resource}" returned nothing.`)
  if (!(made instanceof Promise)) return made
  made.catch(() => {})
  throw new Error(`The serialize hook of "${resource}" returned a promise: it has to return the record itself, so it cannot be async.`)
}

/** What a hook returned without the fields that the caller did not ask for or may not see; what the hook has added stays. */
function withoutFields(made: unknown, unasked: readonly Field[]): unknown {
  if (unasked.length === 0 || typeof made !== 'object' || made === null) return made
  return Object.fromEntries(Object.entries(made).filter(([name]) => !unasked.some((field) => field.name === name)))
}

function hookedChildren(include: CompiledInclude, parent: Level, child: Level, parentIndex: number): unknown {
  const found = childRows(include, parent, child, parentIndex).map((row) => hookedRecord(include.shape, child, row))
  return include.many ? found : (found[0] ?? null)
}

const indexes = new WeakMap<Level, ReturnType<typeof indexRows>>()

function childRows(include: CompiledInclude, parent: Level, child: Level, parentIndex: number): readonly number[] {
  let index = indexes.get(child)
  if (index === undefined) {
    index = indexRows(child.rows, include.statement.linkColumns, include.integerKey)
    indexes.set(child, index)
  }
  const width = Math.max(...include.parentColumns) + 1
  const offsets = new Int32Array(width)
  const lengths = new Int32Array(width)
  const source = locateColumns(parent.rows, parentIndex, width, offsets, lengths)
  const key = rowIndexReader(include.parentColumns, include.integerKey)(source, offsets, lengths)
  return key === undefined ? [] : (index.get(key) ?? [])
}

// The shape of a reply, compiled once per plan: which columns become which keys, and where included records go.
// `writeRecord` then turns the bytes of a row into the bytes of a JSON object without making a JavaScript value of it.

import type { Field } from '../../model/model.ts'
import type { TextRows } from '../../db/rows.ts'
import { arrayEncoder } from './array-encoder.ts'
import type { ByteWriter } from './byte-writer.ts'
import { type Encoder, encoders } from './encoders.ts'
import { type RowIndex, rowIndexReader } from './row-index.ts'

/** What a plan says of the records it returns. The select list starts with `fields`, in this order. */
export interface ShapeSpec {
  readonly fields: readonly Field[]
  /** Length of the select list up to the last column that `includes` look at. */
  readonly width: number
  readonly includes: readonly IncludeSpec[]
}

export interface IncludeSpec {
  readonly name: string
  readonly many: boolean
  /** Columns of the parent's select list whose values find the children. */
  readonly parentColumns: readonly number[]
  /** Columns of the child's select list that hold the same values. */
  readonly childColumns: readonly number[]
  /** The values are integers, so they can be compared as numbers. */
  readonly integerKey: boolean
  readonly shape: ShapeSpec
}

export interface RecordShape {
  readonly keys: readonly Buffer[]
  readonly encoders: readonly Encoder[]
  readonly width: number
  readonly includes: readonly IncludeShape[]
  /** Where each column of the row being written starts, and its length; scratch space of `writeRecord`. */
  readonly offsets: Int32Array
  readonly lengths: Int32Array
}

interface IncludeShape {
  readonly key: Buffer
  readonly many: boolean
  readonly readKey: (source: Buffer, offsets: Int32Array, lengths: Int32Array) => string | number | undefined
  readonly shape: RecordShape
}

/** The rows of one level and, for each include, the rows of the next level with an index by key. */
export interface Result {
  readonly rows: TextRows
  readonly includes: readonly { readonly result: Result; readonly index: RowIndex }[]
}

const nullBytes = Buffer.from('null')
const emptyObject = Buffer.from('{}')
const closeObject = 0x7d
const openArray = 0x5b
const closeArray = 0x5d
const comma = 0x2c

export function compileShape(spec: ShapeSpec): RecordShape {
  const names = [...spec.fields.map((field) => field.name), ...spec.includes.map((include) => include.name)]
  const keys = names.map((name, position) => Buffer.from(`${position === 0 ? '{' : ','}${JSON.stringify(name)}:`))
  return {
    keys: keys.slice(0, spec.fields.length),
    encoders: spec.fields.map(encoderOf),
    width: spec.width,
    offsets: new Int32Array(spec.width),
    lengths: new Int32Array(spec.width),
    includes: spec.includes.map((include, position) => ({
      key: keys[spec.fields.length + position] as Buffer,
      many: include.many,
      readKey: rowIndexReader(include.parentColumns, include.integerKey),
      shape: compileShape(include.shape),
    })),
  }
}

function encoderOf(field: Field): Encoder {
  const encoder = encoders[field.kind.encoding]
  return field.dimensions === 0 ? encoder : arrayEncoder(encoder)
}

/** Writes record `index` of `result` as a JSON object. */
export function writeRecord(writer: ByteWriter, shape: RecordShape, result: Result, index: number): void {
  const source = result.rows.buffers[index] as Buffer
  writeColumns(writer, shape, source, (result.rows.starts[index] as number) + 2)
  for (let i = 0; i < shape.includes.length; i++) writeInclude(writer, shape, result, i, source)
  if (shape.keys.length + shape.includes.length === 0) writer.put(emptyObject)
  else writer.byte(closeObject)
}

function writeColumns(writer: ByteWriter, shape: RecordShape, source: Buffer, start: number): void {
  const { keys, width, offsets, lengths } = shape
  const outputs = keys.length
  let at = start
  for (let column = 0; column < width; column++) {
    const length = ((source[at] as number) << 24) | ((source[at + 1] as number) << 16) | ((source[at + 2] as number) << 8) | (source[at + 3] as number)
    at += 4
    offsets[column] = at
    lengths[column] = length
    if (column < outputs) writeColumn(writer, keys[column] as Buffer, shape.encoders[column] as Encoder, source, at, length)
    if (length > 0) at += length
  }
}

function writeColumn(writer: ByteWriter, key: Buffer, encode: Encoder, source: Buffer, at: number, length: number): void {
  writer.put(key)
  if (length === -1) return writer.put(nullBytes)
  writer.reserve(length * 6 + 16)
  encode(writer, source, at, length)
}

function writeInclude(writer: ByteWriter, shape: RecordShape, result: Result, position: number, source: Buffer): void {
  const include = shape.includes[position] as IncludeShape
  const { result: children, index } = result.includes[position] as Result['includes'][number]
  const key = include.readKey(source, shape.offsets, shape.lengths)
  const found = key === undefined ? undefined : index.get(key)
  writer.put(include.key)
  if (include.many) writeChildren(writer, include.shape, children, found ?? [])
  else if (found === undefined) writer.put(nullBytes)
  else writeRecord(writer, include.shape, children, found[0] as number)
}

function writeChildren(writer: ByteWriter, shape: RecordShape, children: Result, rows: readonly number[]): void {
  writer.byte(openArray)
  for (let i = 0; i < rows.length; i++) {
    if (i > 0) writer.byte(comma)
    writeRecord(writer, shape, children, rows[i] as number)
  }
  writer.byte(closeArray)
}

/** Writes the first `count` records of `result` as a JSON array. */
export function writeRecords(writer: ByteWriter, shape: RecordShape, result: Result, count: number): void {
  writer.byte(openArray)
  for (let i = 0; i < count; i++) {
    if (i > 0) writer.byte(comma)
    writeRecord(writer, shape, result, i)
  }
  writer.byte(closeArray)
}

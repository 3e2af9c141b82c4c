// The shape of a reply, compiled once per plan: which columns become which keys, and where included records go.
// `writeRecord` then turns the bytes of a row into the bytes of a JSON object without making a JavaScript value of it.

import type { Field } from '../../model/model.ts'
import type { TextRows } from '../../db/rows.ts'
import type { ByteWriter } from './byte-writer.ts'
import { type ColumnWriter, compileColumns } from './column-writer.ts'
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
  readonly writeColumns: ColumnWriter
  readonly isEmpty: boolean
  readonly includes: readonly IncludeShape[]
  /** Where each column of the row being written starts, and its length: scratch space, filled by `writeColumns`. */
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
  const outputs = spec.fields.map((field, position) => ({ field, key: keys[position] as Buffer }))
  return {
    writeColumns: compileColumns(outputs, spec.width),
    isEmpty: names.length === 0,
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

/** Writes record `index` of `result` as a JSON object. */
export function writeRecord(writer: ByteWriter, shape: RecordShape, result: Result, index: number): void {
  const source = result.rows.buffers[index] as Buffer
  shape.writeColumns(writer, source, (result.rows.starts[index] as number) + 2, shape.offsets, shape.lengths)
  for (let i = 0; i < shape.includes.length; i++) writeInclude(writer, shape, result, i, source)
  if (shape.isEmpty) writer.put(emptyObject)
  else writer.byte(closeObject)
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

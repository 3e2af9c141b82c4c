// A row that a write returned, as the parts of it that callers and hooks want. Its columns: see `writer.ts`.

import { textColumns, type TextRows } from '../db/rows.ts'
import { decodeText } from '../model/decode.ts'
import type { HookRow } from './hooks.ts'
import type { RecordKey } from './request.ts'
import { shapedFields } from './shaped-fields.ts'
import type { Writer } from './writer.ts'

/** A record after a write. */
export interface WrittenRecord {
  readonly json: Buffer
  /** Strong entity tag of `json`, with its quotes. */
  readonly etag: string
  readonly key: RecordKey
  readonly created: boolean
}

export function writtenRecord(writer: Writer, rows: TextRows, index: number, created: boolean): WrittenRecord {
  const json = writer.shaper.toJson(rows, index)
  return { json, etag: writer.shaper.etag(json), key: rowKey(writer, rows, index), created }
}

/** All rows as a JSON array. */
export function recordsJson({ shaper }: Writer, rows: TextRows): Buffer {
  const records = Array.from({ length: rows.count }, (_, index) => [index === 0 ? open : comma, shaper.toJson(rows, index)]).flat()
  return Buffer.concat([...(rows.count === 0 ? [open] : records), close])
}

const open = Buffer.from('[')
const comma = Buffer.from(',')
const close = Buffer.from(']')

/** Primary key of row `index` as PostgreSQL writes it. */
export function rowKey({ resource, table }: Writer, rows: TextRows, index: number): RecordKey {
  const from = shapedFields(resource).length
  return textColumns(rows, index).slice(from, from + table.key.length) as string[]
}

/** Every column of row `index`, decoded. Only for resources with hooks: the others do not read all columns. */
export function hookRow({ resource, table }: Writer, rows: TextRows, index: number): HookRow {
  const texts = textColumns(rows, index).slice(shapedFields(resource).length + table.key.length)
  return Object.fromEntries(resource.model.fields.map((field, i) => [field.name, decodeText(field, texts[i] ?? null)]))
}

/** The item of a bulk request that row `index` belongs to: its last column, counted from 1 by `WITH ORDINALITY`. */
export function rowItem(rows: TextRows, index: number): number {
  return Number(textColumns(rows, index).at(-1)) - 1
}

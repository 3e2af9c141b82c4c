// PostgreSQL's text format → JSON, byte by byte. Each encoder copies `length` bytes of `source` from `at` into the
// writer, which has room for six bytes per source byte (the worst case: `\u0001`) and 16 more.

import type { Encoding } from '../../model/kinds/kind.ts'
import type { ByteWriter } from './byte-writer.ts'

export type Encoder = (writer: ByteWriter, source: Buffer, at: number, length: number) => void

const quote = 0x22
const backslash = 0x5c
const space = 0x20
/** Below this a loop beats the call into `Buffer.copy`. */
const loopBytes = 48

export const encoders: Readonly<Record<Encoding, Encoder>> = {
  verbatim: copy,
  float: encodeFloat,
  boolean: encodeBoolean,
  quoted: encodeQuoted,
  text: encodeText,
  timestamp: encodeTimestamp,
  bytes: encodeBase64,
}

function copy(writer: ByteWriter, source: Buffer, at: number, length: number): void {
  const out = writer.bytes
  if (length > loopBytes) source.copy(out, writer.at, at, at + length)
  else for (let i = 0, to = writer.at; i < length; i++) out[to++] = source[at + i] as number
  writer.at += length
}

function encodeQuoted(writer: ByteWriter, source: Buffer, at: number, length: number): void {
  writer.bytes[writer.at++] = quote
  copy(writer, source, at, length)
  writer.bytes[writer.at++] = quote
}

/** JSON has no NaN or Infinity; they go out in quotes. Both start with a letter, after a possible minus. */
function encodeFloat(writer: ByteWriter, source: Buffer, at: number, length: number): void {
  if ((source[at + length - 1] as number) > 0x39) encodeQuoted(writer, source, at, length)
  else copy(writer, source, at, length)
}

const trueBytes = Buffer.from('true')
const falseBytes = Buffer.from('false')

function encodeBoolean(writer: ByteWriter, source: Buffer, at: number): void {
  writer.put(source[at] === 0x74 ? trueBytes : falseBytes)
}

function encodeText(writer: ByteWriter, source: Buffer, at: number, length: number): void {
  const out = writer.bytes
  const end = at + length
  let to = writer.at
  out[to++] = quote
  for (let i = at; i < end; i++) {
    const byte = source[i] as number
    if (byte >= space && byte !== quote && byte !== backslash) out[to++] = byte
    else to = escapeByte(out, to, byte)
  }
  out[to++] = quote
  writer.at = to
}

/** The letter that stands behind the backslash, by byte; 0 where there is none. */
const shortEscapes = new Uint8Array(256)
shortEscapes.set([0x62, 0x74, 0x6e, 0, 0x66, 0x72], 8)
shortEscapes[quote] = quote
shortEscapes[backslash] = backslash
const hexDigits = Buffer.from('0123456789abcdef')

/** Writes the escape of a control character, a quote or a backslash; returns where it ends. */
export function escapeByte(out: Buffer, to: number, byte: number): number {
  out[to++] = backslash
  const short = shortEscapes[byte] as number
  if (short !== 0) {
    out[to++] = short
    return to
  }
  out[to++] = 0x75
  out[to++] = 0x30
  out[to++] = 0x30
  out[to++] = hexDigits[byte >> 4] as number
  out[to++] = hexDigits[byte & 15] as number
  return to
}

/**
 * `2026-11-20 09:00:00.5+00` → `"2026-11-20T09:00:00.5Z"`. The session runs in UTC, so the offset is always `+00` or absent.
 * `infinity` and years before Christ have no ISO 8601 form that clients agree on: they go out as PostgreSQL writes them.
 */
function encodeTimestamp(writer: ByteWriter, source: Buffer, at: number, length: number): void {
  const last = source[at + length - 1] as number
  if (last < 0x30 || last > 0x39) return encodeQuoted(writer, source, at, length)
  const hasOffset = source[at + length - 3] === 0x2b
  const end = hasOffset ? at + length - 3 : at + length
  const out = writer.bytes
  let to = writer.at
  out[to++] = quote
  for (let i = at; i < end; i++) {
    const byte = source[i] as number
    out[to++] = byte === space ? 0x54 : byte
  }
  out[to++] = 0x5a
  out[to++] = quote
  writer.at = to
}

/** `\x6869` → `"aGk="`. */
function encodeBase64(writer: ByteWriter, source: Buffer, at: number, length: number): void {
  const binary = Buffer.from(source.toString('latin1', at + 2, at + length), 'hex')
  const out = writer.bytes
  out[writer.at++] = quote
  writer.at += out.write(binary.toString('base64'), writer.at, 'latin1')
  out[writer.at++] = quote
}

// PostgreSQL's array text → a JSON array: `{1,NULL,"a b"}` → `[1,null,"a b"]`, for any depth and element kind.

import type { ByteWriter } from './byte-writer.ts'
import type { Encoder } from './encoders.ts'

const openBrace = 0x7b
const closeBrace = 0x7d
const comma = 0x2c
/** Braces become brackets. */
const punctuationOf: Readonly<Record<number, number>> = { [openBrace]: 0x5b, [closeBrace]: 0x5d, [comma]: comma }
const quote = 0x22
const backslash = 0x5c
const equals = 0x3d
const nullBytes = Buffer.from('null')

/** An encoder for arrays whose elements `encodeElement` writes. */
export function arrayEncoder(encodeElement: Encoder): Encoder {
  return (writer, source, at, length) => {
    const end = at + length
    let i = afterBounds(source, at)
    while (i < end) {
      const byte = source[i] as number
      const punctuation = punctuationOf[byte]
      if (punctuation !== undefined) {
        writer.byte(punctuation)
        i++
      } else if (byte === quote) i = quotedElement(writer, source, i + 1, encodeElement)
      else i = plainElement(writer, source, i, encodeElement)
    }
  }
}

/** Arrays that do not start at index 1 are written `[0:1]={…}`; JSON has no place for the bounds. */
function afterBounds(source: Buffer, at: number): number {
  return source[at] === openBrace ? at : source.indexOf(equals, at) + 1
}

function plainElement(writer: ByteWriter, source: Buffer, at: number, encodeElement: Encoder): number {
  let end = at
  while (source[end] !== comma && source[end] !== closeBrace) end++
  writer.reserve((end - at) * 6 + 16)
  if (end - at === 4 && source.toString('latin1', at, end) === 'NULL') writer.put(nullBytes)
  else encodeElement(writer, source, at, end - at)
  return end
}

/** `at` is behind the opening quote; a backslash makes the next byte ordinary. */
function quotedElement(writer: ByteWriter, source: Buffer, at: number, encodeElement: Encoder): number {
  let end = at
  let escaped = false
  while (source[end] !== quote) {
    if (source[end] === backslash) {
      escaped = true
      end++
    }
    end++
  }
  writer.reserve((end - at) * 6 + 16)
  if (!escaped) encodeElement(writer, source, at, end - at)
  else encodeUnescaped(writer, source.subarray(at, end), encodeElement)
  return end + 1
}

function encodeUnescaped(writer: ByteWriter, element: Buffer, encodeElement: Encoder): void {
  const plain = Buffer.allocUnsafe(element.length)
  let length = 0
  for (let i = 0; i < element.length; i++) {
    if (element[i] === backslash) i++
    plain[length++] = element[i] as number
  }
  encodeElement(writer, plain, 0, length)
}

// Broken requests, made from whole ones by the accidents that bytes can have.

import type { Random } from './random.ts'

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer

const words = [
  '\r\n',
  '\n',
  '\0',
  '%00',
  '%',
  '\r\n\r\n',
  ' HTTP/1.1',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  '99999999999999999999',
  '-1',
  '{',
  '[[[[',
  '"',
  '\\u0000',
  '\ud800',
  '__proto__',
  '&',
  '=',
  '[',
  ']',
  '🦊',
]

const mutations: readonly Mutation[] = [
  (bytes, random) => {
    const changed = Buffer.from(bytes)
    const at = random.below(changed.length)
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
    return changed
  },
  (bytes, random) => {
    const changed = Buffer.from(bytes)
    changed[random.below(changed.length)] = random.below(256)
    return changed
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => cut(bytes, random, () => Buffer.alloc(0)),
  (bytes, random) => cut(bytes, random, (piece) => Buffer.concat([piece, piece])),
  (bytes, random) => cut(bytes, random, (piece) => Buffer.from(piece.toReversed())),
  (bytes, random) => insert(bytes, random, Buffer.from(random.pick(words))),
  (bytes, random) => insert(bytes, random, Buffer.from(Array.from({ length: 1 + random.below(20) }, () => random.below(256)))),
  (bytes, random, other) => Buffer.concat([bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length))]),
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  (bytes, random) => Buffer.from(bytes.toString('latin1').replace(/\d+/, random.pick(words)), 'latin1'),
]

/** @param templates  whole requests, one of which is broken in one to four ways */
export function mutated(templates: readonly Buffer[], random: Random): Buffer {
  let bytes = random.pick(templates)
  for (let count = 1 + random.below(4); count > 0; count--) {
    if (bytes.length > 0) bytes = random.pick(mutations)(bytes, random, random.pick(templates))
  }
  return bytes
}

function cut(bytes: Buffer, random: Random, change: (piece: Buffer) => Buffer): Buffer {
  const from = random.below(bytes.length)
  const to = Math.min(bytes.length, from + 1 + random.below(40))
  return Buffer.concat([bytes.subarray(0, from), change(bytes.subarray(from, to)), bytes.subarray(to)])
}

function insert(bytes: Buffer, random: Random, piece: Buffer): Buffer {
  const at = random.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
}

/** The shortest bytes, by leaving pieces out, for which `fails` still holds. */
export async function shrunk(bytes: Buffer, fails: (bytes: Buffer) => Promise<boolean>): Promise<Buffer> {
  let shortest = bytes
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < shortest.length;) {
      const candidate = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + size)])
      if (await fails(candidate)) shortest = candidate
      else at += size
    }
  }
  return shortest
}

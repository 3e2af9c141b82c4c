// A finished answer: the bytes that are sent and what is known about them. In a store it is one buffer: seal, head, body.

import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto'

/** What a face wants to know of an answer beside its bytes: plain JSON. */
export type Facts = Readonly<Record<string, unknown>>

export interface Entry {
  /** Strong entity tag of the body, with its quotes. */
  readonly etag: string
  readonly body: Buffer
  readonly facts: Facts
}

/** An entry as a store keeps it. */
export interface StoredEntry {
  readonly entry: Entry
  /** What the tables were when it was made; it is right for this version and for no other. */
  readonly version: string
  /** Milliseconds of `Date.now()` after which it is not used any more. */
  readonly expiresAt: number
}

interface Head {
  readonly version: string
  readonly expiresAt: number
  readonly etag: string
  readonly facts: Facts
}

export type SealKey = KeyObject

/** The shared store is a place that others can write to; only who knows the application's secret can make an entry. */
export function sealKey(secret: string): SealKey {
  return createSecretKey(Buffer.from(`cache:${secret}`))
}

/** Layout: seal, length of the head as uint32, head as JSON, body. */
const sealBytes = 16
const lengthBytes = 4
const headStart = sealBytes + lengthBytes

export function encodeEntry(seal: SealKey, key: string, { entry, version, expiresAt }: StoredEntry): Buffer {
  const { etag, facts, body } = entry
  const head = Buffer.from(JSON.stringify({ version, expiresAt, etag, facts } satisfies Head))
  const bytes = Buffer.allocUnsafe(headStart + head.length + body.length)
  bytes.writeUInt32BE(head.length, sealBytes)
  head.copy(bytes, headStart)
  body.copy(bytes, headStart + head.length)
  sealOf(seal, key, bytes).copy(bytes)
  return bytes
}

/** Undefined for everything that `encodeEntry` did not make with the same secret for the same key: garbage, a part, a copy from elsewhere. */
export function decodeEntry(seal: SealKey, key: string, bytes: Buffer): StoredEntry | undefined {
  if (bytes.length < headStart || !timingSafeEqual(bytes.subarray(0, sealBytes), sealOf(seal, key, bytes))) return undefined
  return openEntry(bytes)
}

/** @param bytes  with a good seal */
export function openEntry(bytes: Buffer): StoredEntry {
  const bodyStart = headStart + bytes.readUInt32BE(sealBytes)
  const { version, expiresAt, etag, facts } = JSON.parse(bytes.toString('utf8', headStart, bodyStart)) as Head
  return { version, expiresAt, entry: { etag, facts, body: bytes.subarray(bodyStart) } }
}

function sealOf(seal: SealKey, key: string, bytes: Buffer): Buffer {
  return createHmac('sha256', seal).update(`${key}\n`).update(bytes.subarray(sealBytes)).digest().subarray(0, sealBytes)
}

/** A short name for a text that callers may have chosen: no two texts share one, so nobody can aim at another's entry. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url')
}

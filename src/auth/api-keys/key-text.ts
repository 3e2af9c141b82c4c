// The text of an API key: `plinth_` that scanners for leaked secrets can look for, 16 characters that name it, and 256 random bits.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const shape = /^plinth_([\da-f]{16})_([\w-]{43})$/

export interface KeyText {
  /** As it is shown once. */
  readonly key: string
  /** Names it, in lists and logs. */
  readonly id: string
  /** SHA-256 of all of it: what is kept. 256 random bits need no slower hash. */
  readonly hash: Buffer
}

export function newKeyText(): KeyText {
  const id = randomBytes(8).toString('hex')
  const key = `plinth_${id}_${randomBytes(32).toString('base64url')}`
  return { key, id, hash: hashOf(key) }
}

/** Undefined when `key` cannot be one, so that nothing is asked for it. */
export function readKeyText(key: string): KeyText | undefined {
  const [, id] = shape.exec(key) ?? []
  return id === undefined ? undefined : { key, id, hash: hashOf(key) }
}

export function isKeyText(text: string): boolean {
  return text.startsWith('plinth_')
}

export function isSameHash(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

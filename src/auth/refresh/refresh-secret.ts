// The text of a refresh token: 256 bits that its family has in common, and 256 bits of its own. Only the client has either.

import { createHash, createHmac, randomBytes } from 'node:crypto'

const halfBytes = 32

export interface RefreshSecret {
  /** As the client has it. */
  readonly token: string
  /** SHA-256 of the first half, in hex. */
  readonly family: string
  /** SHA-256 of both, in hex. */
  readonly hash: string
}

/** The first of a family. */
export function firstSecret(): RefreshSecret {
  return secretOf(randomBytes(2 * halfBytes))
}

/** Undefined when `token` cannot be one, so that nothing is asked for it. */
export function readSecret(token: string): RefreshSecret | undefined {
  if (!/^[\w-]{86}$/.test(token)) return undefined
  const bytes = Buffer.from(token, 'base64url')
  return bytes.toString('base64url') === token ? secretOf(bytes) : undefined
}

export function newSalt(): Buffer {
  return randomBytes(16)
}

/**
 * What a token is exchanged for. Made of the token itself, so that nothing needs to be kept to answer the same once more: who has the database
 * lacks the token and the key, who has the key lacks the salt, and who has an old token lacks both.
 */
export function successorOf({ token }: RefreshSecret, salt: Buffer, key: Buffer): RefreshSecret {
  const family = Buffer.from(token, 'base64url').subarray(0, halfBytes)
  const own = createHmac('sha256', key).update(salt).update(token).digest()
  return secretOf(Buffer.concat([family, own]))
}

function secretOf(bytes: Buffer): RefreshSecret {
  return { token: bytes.toString('base64url'), family: hashOf(bytes.subarray(0, halfBytes)), hash: hashOf(bytes) }
}

/** With a prefix, so that no hash here is one of a session's id. */
function hashOf(bytes: Buffer): string {
  return createHash('sha256').update('refresh\n').update(bytes).digest('hex')
}

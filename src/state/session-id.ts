// Ids of sessions. Whoever reads the database, its backups or Redis finds hashes, with which no session can be used.

import { hash, randomBytes } from 'node:crypto'

/** 256 bits as 43 characters of base64url. */
export function newSessionId(): string {
  return randomBytes(32).toString('base64url')
}

/** SHA-256 in hex; undefined when `id` cannot be one, so that nothing is asked for it. */
export function hashOf(id: string): string | undefined {
  return /^[\w-]{43}$/.test(id) ? hash('sha256', id) : undefined
}

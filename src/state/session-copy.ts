// A copy of a session: what PostgreSQL said of it, and from when on that was so. In Redis it is signed, because who can write there
// must not be able to make himself a session.

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Session, SessionData } from './sessions.ts'

/** Times are milliseconds of PostgreSQL's clock. */
export interface SessionCopy {
  readonly user: string
  readonly data: SessionData
  readonly createdMs: number
  readonly seenMs: number
  readonly idleMs: number
  readonly expiresMs: number
  /** Every transaction below this id was over when the copy was made (`pg_snapshot_xmin`). */
  readonly version: bigint
}

export function sessionOf(handle: string, copy: SessionCopy): Session {
  const { user, data, createdMs, seenMs, expiresMs } = copy
  return { handle, user, data, createdAt: new Date(createdMs), seenAt: new Date(seenMs), expiresAt: new Date(expiresMs) }
}

/** When it is over, unless it is touched. */
export function endOf({ seenMs, idleMs, expiresMs }: SessionCopy): number {
  return Math.min(seenMs + idleMs, expiresMs)
}

const macBytes = 32

/** @param place  where the copy is kept: it is worth nothing anywhere else */
export function sealCopy(copy: SessionCopy, place: string, key: Buffer): Buffer {
  const { user, data, createdMs, seenMs, idleMs, expiresMs, version } = copy
  const body = Buffer.from(JSON.stringify([user, data, createdMs, seenMs, idleMs, expiresMs, String(version)]))
  return Buffer.concat([macOf(body, place, key), body])
}

/** Undefined when it was not sealed by us for this place. */
export function openCopy(sealed: Buffer, place: string, key: Buffer): SessionCopy | undefined {
  const [mac, body] = [sealed.subarray(0, macBytes), sealed.subarray(macBytes)]
  if (mac.length !== macBytes || !timingSafeEqual(mac, macOf(body, place, key))) return undefined
  const [user, data, createdMs, seenMs, idleMs, expiresMs, version] = JSON.parse(body.toString()) as SealedFields
  return { user, data, createdMs, seenMs, idleMs, expiresMs, version: BigInt(version) }
}

/** What was signed by us has this shape. */
type SealedFields = [string, SessionData, number, number, number, number, string]

function macOf(body: Buffer, place: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(`${place}\n`).update(body).digest()
}

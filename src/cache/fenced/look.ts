// Looks at a row of the fenced cache for somebody who wants to know, not to read.

import type { Redis } from '../../redis/redis.ts'
import { markKey } from './keys.ts'
import type { PermittedRow } from './permission.ts'
import { lookScript } from './scripts/look.ts'

/** What Redis has of a row. */
export interface RowSight {
  /** As Redis has it, behind the application's prefix. */
  readonly redisKey: string
  /** False: Redis has lost what the epoch stands on. */
  readonly hasMark: boolean
  readonly locked: boolean
  /** Whether there is a value for this read, also that the row does not exist. */
  readonly has: boolean
  readonly bytes: number
  /** Undefined when the row is not there, or has no end because it is locked. */
  readonly leftMs: number | undefined
}

/** @throws RedisUnavailable */
export async function lookAtRow(redis: Redis, row: PermittedRow, variant: string): Promise<RowSight> {
  const reply = await redis.run(lookScript, [markKey(row.epoch, row.name.bucket), row.redisKey], [variant])
  const [mark = 0, locked = 0, bytes = -1, leftMs = -2] = reply as readonly number[]
  return {
    redisKey: row.redisKey,
    hasMark: mark === 1,
    locked: locked === 1,
    has: bytes >= 0,
    bytes: Math.max(0, bytes),
    leftMs: leftMs >= 0 ? leftMs : undefined,
  }
}

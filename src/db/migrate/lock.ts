// One migrator per database: a session advisory lock, so that two instances starting together do not both migrate.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'

/** `plin`, `th` as two int4 keys: the same in every version, so that an old and a new release exclude each other. */
const lockKeys = [0x706c696e, 0x7468] as const
const pollMs = 100

/**
 * Runs `work` while holding the lock.
 *
 * It asks again and again instead of waiting inside PostgreSQL: a session that waits in `pg_advisory_lock` holds a snapshot, and
 * CREATE INDEX CONCURRENTLY of the holder would wait for that snapshot: a deadlock.
 *
 * @param waitMs    how long another migrator may take
 * @param onWait    called once when there is another one
 * @throws          MIGRATE_LOCKED
 */
export async function withLock<result>(
  connection: Connection,
  waitMs: number,
  onWait: () => void,
  work: () => Promise<result>,
): Promise<result> {
  await acquire(connection, waitMs, onWait)
  try {
    return await work()
  } finally {
    await connection.query('SELECT pg_advisory_unlock($1, $2)', [...lockKeys]).catch(() => undefined) // a lost connection has no lock
  }
}

async function acquire(connection: Connection, waitMs: number, onWait: () => void): Promise<void> {
  const deadline = Date.now() + waitMs
  if (await tryLock(connection)) return
  onWait()
  while (!(await tryLock(connection))) {
    if (Date.now() > deadline) throw migrateErrors.LOCKED(Math.round(waitMs / 1000))
    await sleep(pollMs)
  }
}

async function tryLock(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', [...lockKeys])
  return rows[0]?.locked === true
}

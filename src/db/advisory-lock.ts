// A lock on a name, for work that only one process may do at a time: migrations. PostgreSQL frees it with the connection.

import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientBase } from 'pg'
import { dbErrors } from './errors.ts'

const pollMs = 100

export interface AdvisoryLockOptions {
  /** How long to wait for somebody else who has it. */
  readonly timeoutMs: number
  /** Called once when somebody else has it. */
  readonly onWait?: () => void
}

/**
 * Runs `work` while holding the lock `name` on the client's session. It is not re-entrant across clients.
 *
 * @throws AppError `DB_LOCK_TIMEOUT` when somebody else has it for longer than `timeoutMs`
 */
export async function withAdvisoryLock<result>(
  client: ClientBase,
  name: string,
  work: () => Promise<result>,
  options: AdvisoryLockOptions,
): Promise<result> {
  await takeLock(client, name, options)
  try {
    return await work()
  } finally {
    // A connection that is lost has lost its locks too; its error has reached `work`.
    await client.query('select pg_advisory_unlock($1)', [keyOf(name)]).catch(() => undefined)
  }
}

/**
 * Asks again and again rather than waiting inside PostgreSQL: a session that waits there holds a snapshot, and
 * `create index concurrently`, run by whoever has the lock, waits for all snapshots: a deadlock.
 */
async function takeLock(client: ClientBase, name: string, { timeoutMs, onWait }: AdvisoryLockOptions): Promise<void> {
  const deadline = Date.now() + timeoutMs
  if (await tryLock(client, name)) return
  onWait?.()
  while (!(await tryLock(client, name))) {
    if (Date.now() >= deadline) throw dbErrors.LOCK_TIMEOUT(name, timeoutMs)
    await sleep(pollMs)
  }
}

async function tryLock(client: ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [keyOf(name)])
  return rows[0]?.taken === true
}

/** 64 bits of the name's SHA-256, signed as PostgreSQL's bigint is, as text. */
function keyOf(name: string): string {
  return createHash('sha256').update(`plinth:${name}`).digest().readBigInt64BE().toString()
}

// Up and down: which files are due, under the lock, one after the other.

import { nearest } from '../../support/similar.ts'
import { installSystem } from '../system/install.ts'
import { applyFile, type Direction, type LockPatience } from './apply.ts'
import type { Connection } from './connection.ts'
import { migrateErrors } from './errors.ts'
import { readMigrations, type Migration } from './folder.ts'
import { compare, prepareLedger, readLedger, refuseMismatch } from './ledger.ts'
import { withLock } from './lock.ts'
import { openToApp, refuseClosed } from './open-to-app.ts'
import { closeUnfenced } from './unfenced.ts'

export interface RunOptions {
  /** `lock_timeout` of each statement; default 400 ms, so that traffic waits for less than half a second at a time. */
  readonly lockTimeoutMs?: number
  /** Tries per file when a lock is not to be had; default 10. */
  readonly tries?: number
  /** How long to wait for another migrator; default 10 minutes. */
  readonly waitMs?: number
  readonly onEvent?: (event: MigrationEvent) => void
}

export type MigrationEvent =
  /** Another process is migrating. */
  | { readonly type: 'waiting' }
  | { readonly type: 'start'; readonly revision: string; readonly direction: Direction }
  | { readonly type: 'done'; readonly revision: string; readonly direction: Direction; readonly durationMs: number }

export interface UpgradeOptions extends RunOptions {
  /** Last migration to apply: its folder's name, a unique beginning of it, or its number. Default: all. */
  readonly to?: string
  /** How many at most. */
  readonly steps?: number
  /** Apply migrations that sort before an applied one (merged late) instead of refusing. */
  readonly allowLate?: boolean
}

export interface DowngradeOptions extends RunOptions {
  /** How many; default 1. */
  readonly steps?: number
  /** Migration to stay at, or `base` for none. */
  readonly to?: string
}

const defaults = { lockTimeoutMs: 400, tries: 10, waitMs: 600_000 } as const

/**
 * Applies what is pending. Of several callers at once one applies, the others wait and then find nothing to do.
 *
 * @param connection  a client of its own, not in a transaction (and not behind a pooler in transaction mode: the lock is the session's)
 * @returns           revisions applied, in order; those before a failing one stay applied
 * @throws            MIGRATE_STATEMENT_FAILED, MIGRATE_EDITED, MIGRATE_FILE_MISSING, MIGRATE_LATE, MIGRATE_LOCKED, MIGRATE_UNKNOWN_REVISION,
 *                    MIGRATE_APP_ROLE_REFUSED
 */
export function upgrade(connection: Connection, directory: string, options: UpgradeOptions = {}): Promise<string[]> {
  return locked(connection, options, async () => {
    const migrations = await readMigrations(directory)
    const target = options.to === undefined ? undefined : findMigration(migrations, options.to)
    const statuses = compare(migrations, await readLedger(connection))
    refuseMismatch(statuses, { late: options.allowLate ?? false, file: 'up.sql' })
    const open = new Set(statuses.filter(({ state }) => state === 'pending' || state === 'late').map(({ revision }) => revision))
    const end = target === undefined ? migrations.length : migrations.indexOf(target) + 1
    const due = migrations.slice(0, end).filter(({ revision }) => open.has(revision))
    const applied = await runAll(connection, due.slice(0, options.steps), 'up', options)
    const ddl = migrations.at(-1)?.snapshot.ddl ?? []
    await openToApp(connection, ddl) // what was made by hand, too, and what a restored dump of another server has lost
    await refuseClosed(connection, ddl)
    return applied
  })
}

/**
 * Takes migrations back, the newest first.
 *
 * @returns  revisions taken back, in that order
 * @throws   as `upgrade`, and MIGRATE_NOT_APPLIED
 */
export function downgrade(connection: Connection, directory: string, options: DowngradeOptions = {}): Promise<string[]> {
  return locked(connection, options, async () => {
    const migrations = await readMigrations(directory)
    const statuses = compare(migrations, await readLedger(connection))
    refuseMismatch(statuses, { late: true, file: 'down.sql' })
    const applied = migrations
      .filter(({ revision }) => statuses.some((status) => status.revision === revision && status.appliedAt !== undefined))
      .toReversed()
    return runAll(connection, dueDown(applied, migrations, options), 'down', options)
  })
}

function dueDown(applied: readonly Migration[], migrations: readonly Migration[], { to, steps }: DowngradeOptions): Migration[] {
  if (to === 'base') return [...applied]
  if (to === undefined) return applied.slice(0, steps ?? 1)
  const target = findMigration(migrations, to)
  if (!applied.includes(target)) throw migrateErrors.NOT_APPLIED(target.revision)
  return applied.slice(0, applied.indexOf(target))
}

/** Runs `work` under the lock with the record and the schema `plinth` in place. */
export function locked<result>(connection: Connection, options: RunOptions, work: () => Promise<result>): Promise<result> {
  const onWait = (): void => options.onEvent?.({ type: 'waiting' })
  return withLock(connection, options.waitMs ?? defaults.waitMs, onWait, async () => {
    await prepareLedger(connection)
    await installSystem(connection)
    await connection.query('SELECT plinth.touch_all(unknown_only => true)') // a restored dump has tracked tables without a version
    return work()
  })
}

async function runAll(
  connection: Connection,
  migrations: readonly Migration[],
  direction: Direction,
  options: RunOptions,
): Promise<string[]> {
  const patience: LockPatience = { lockTimeoutMs: options.lockTimeoutMs ?? defaults.lockTimeoutMs, tries: options.tries ?? defaults.tries }
  try {
    for (const migration of migrations) {
      const { revision } = migration
      options.onEvent?.({ type: 'start', revision, direction })
      const durationMs = Math.round(await applyFile(connection, migration, direction, patience))
      options.onEvent?.({ type: 'done', revision, direction, durationMs })
    }
  } finally {
    if (migrations.length > 0) await closeUnfenced(connection).catch(() => undefined) // a lost connection; the cache stays off for some minutes
  }
  return migrations.map(({ revision }) => revision)
}

/**
 * The migration somebody means by `0003_add_tags`, `0003` or `3`.
 *
 * @throws  MIGRATE_UNKNOWN_REVISION
 */
export function findMigration(migrations: readonly Migration[], wanted: string): Migration {
  const exact = migrations.find(({ revision }) => revision === wanted)
  const near = migrations.filter(({ revision, number }) => revision.startsWith(wanted) || String(number) === wanted)
  const [only] = near
  if (exact !== undefined) return exact
  if (only !== undefined && near.length === 1) return only
  throw migrateErrors.UNKNOWN_REVISION(
    wanted,
    nearest(
      wanted,
      migrations.map(({ revision }) => revision),
    ) ?? migrations.at(-1)?.revision,
  )
}

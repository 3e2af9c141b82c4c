// The answers that are kept, as rows of `plinth.idempotency`: written in the transaction of the write they are about, so that
// there is no write without its answer and no answer without its write.

import type { Database, WriteOptions } from '../../db/database.ts'
import { pgProblemOf } from '../../db/pg-errors.ts'
import { type Statement, textColumns } from '../../db/rows.ts'
import type { Answer } from '../answer.ts'
import type { Claim } from './claim.ts'

/** None of the application's: what it keeps in the process stays. */
const ownTables: WriteOptions = { tables: [] }

export interface KeptAnswer {
  readonly fingerprint: string
  readonly answer: Answer
}

/**
 * Takes the key for the current transaction. When another transaction has just taken it, PostgreSQL lets us wait for its
 * end, at most for the lock time-out: rolled back, the key is ours; committed, its answer is there.
 *
 * @returns false when there is an answer
 */
export async function takeKey(db: Database, { scope, key, fingerprint }: Claim): Promise<boolean> {
  const rows = await db.write(statement('take', takeText, [scope, key, fingerprint]), ownTables)
  return rows.count === 1
}

/** The answer to the request that had the key first; undefined when it is older than `ttlMs`. */
export async function findAnswer(db: Database, { scope, key }: Claim, ttlMs: number): Promise<KeptAnswer | undefined> {
  const rows = await db.read(statement('find', findText, [scope, key, interval(ttlMs)]))
  if (rows.count === 0) return undefined
  const [fingerprint, status, headers, body] = textColumns(rows, 0)
  const answer = { status: Number(status), headers: JSON.parse(headers ?? '{}') as Answer['headers'] }
  return { fingerprint: fingerprint ?? '', answer: { ...answer, ...(body == null ? {} : { body: Buffer.from(body, 'base64') }) } }
}

/** Writes the answer beside the key that this transaction has taken. */
export async function keepAnswer(db: Database, { scope, key }: Claim, { status, headers, body }: Answer): Promise<void> {
  const values = [scope, key, String(status), JSON.stringify(headers), body === undefined ? null : body.toString('base64')]
  await db.write(statement('keep', keepText, values), ownTables)
}

/** Removes the key when its answer is older than `ttlMs`. */
export async function forgetOldKey(db: Database, { scope, key }: Claim, ttlMs: number): Promise<void> {
  await db.write(statement('forget', forgetText, [scope, key, interval(ttlMs)]), ownTables)
}

/**
 * Removes up to `most` answers older than `ttlMs`; none when another process is at it.
 *
 * @returns how many were removed
 */
export async function forgetOldAnswers(db: Database, ttlMs: number, most: number): Promise<number> {
  const { affected } = await db.write(statement('sweep', sweepText, [interval(ttlMs), String(most)]), ownTables)
  return affected
}

/** Why answers cannot be kept, when that is what the error says: no table, no schema, or no privilege on them. */
export function whyNotInstalled(error: unknown): 'missing' | 'forbidden' | undefined {
  const sqlstate = pgProblemOf(error)?.sqlstate ?? ''
  if (sqlstate === '42501') return 'forbidden'
  return ['42P01', '3F000'].includes(sqlstate) ? 'missing' : undefined
}

const takeText = `insert into plinth.idempotency (scope, key, fingerprint) values ($1, $2, decode($3, 'hex')) on conflict do nothing returning true`

const findText = `select encode(fingerprint, 'hex'), status, headers, encode(body, 'base64') from plinth.idempotency
where scope = $1 and key = $2 and created_at > now() - $3::interval`

const keepText = `update plinth.idempotency set status = $3::smallint, headers = $4::json, body = decode($5, 'base64') where scope = $1 and key = $2`

const forgetText = `delete from plinth.idempotency where scope = $1 and key = $2 and created_at <= now() - $3::interval`

// The lock ends with the statement. Whoever does not get it has nothing to select, and so nothing to delete.
const sweepText = `with turn as materialized (select pg_try_advisory_xact_lock(hashtextextended('plinth: old idempotency keys', 0)) as mine),
old as (select scope, key from plinth.idempotency where (select mine from turn) and created_at <= now() - $1::interval
  order by created_at limit $2::int for update skip locked)
delete from plinth.idempotency as kept using old where kept.scope = old.scope and kept.key = old.key`

function statement(name: string, text: string, values: Statement['values']): Statement {
  return { name: `plinth_idempotency_${name}`, text, values }
}

function interval(ms: number): string {
  return `${ms} milliseconds`
}

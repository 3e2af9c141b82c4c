// Secrets of second factors in PostgreSQL: the statements, and what they return.

import type { Database } from '../../db/database.ts'
import { textColumns } from '../../db/rows.ts'

export interface FactorRow {
  /** Sealed. */
  readonly secret: Buffer
  readonly confirmed: boolean
}

const tables = ['"plinth"."second_factors"', '"plinth"."recovery_codes"']
const ofUser = 'user_id = $1::text'

/** In the place of one that was never confirmed. @returns false when there is one that was */
export async function insertFactor(db: Database, user: string, secret: Buffer): Promise<boolean> {
  const text = `INSERT INTO plinth.second_factors (user_id, secret) VALUES ($1::text, decode($2::text, 'hex'))
    ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0, created_at = excluded.created_at
    WHERE second_factors.confirmed_at IS NULL`
  const { affected } = await db.write({ text, values: [user, secret.toString('hex')] }, { tables })
  return affected > 0
}

export async function findFactor(db: Database, user: string): Promise<FactorRow | undefined> {
  const text = `SELECT encode(secret, 'hex'), confirmed_at IS NOT NULL FROM plinth.second_factors WHERE ${ofUser}`
  const rows = await db.read({ text, values: [user] })
  if (rows.count === 0) return undefined
  const [secret, confirmed] = textColumns(rows, 0)
  return { secret: Buffer.from(secret ?? '', 'hex'), confirmed: confirmed === 't' }
}

/**
 * Uses the code of a half minute. Of two that come with the same code, or with one of before, the second gets nothing.
 *
 * @param secret  that the code was of, sealed: another may have come in its place
 * @returns       whether it was not used before
 */
export async function useStep(db: Database, user: string, { secret, confirmed }: FactorRow, step: number): Promise<boolean> {
  const text = `UPDATE plinth.second_factors SET last_step = $2::text::bigint, confirmed_at = coalesce(confirmed_at, clock_timestamp())
    WHERE ${ofUser} AND last_step < $2::text::bigint AND secret = decode($3::text, 'hex') AND (confirmed_at IS NOT NULL) = $4::text::boolean`
  const { affected } = await db.write({ text, values: [user, String(step), secret.toString('hex'), String(confirmed)] }, { tables })
  return affected > 0
}

/** With its recovery codes. @returns false when there was none */
export async function removeFactor(db: Database, user: string): Promise<boolean> {
  const text = `WITH codes AS (DELETE FROM plinth.recovery_codes WHERE ${ofUser}) DELETE FROM plinth.second_factors WHERE ${ofUser}`
  const { affected } = await db.write({ text, values: [user] }, { tables })
  return affected > 0
}

// Hashes of passwords, in the schema `plinth`: no resource leads there.

import type { Database } from '../../db/database.ts'
import { parseCost } from '../password-cost.ts'
import type { CostShare } from '../stored-costs.ts'
import { readTexts } from './texts.ts'

const tables = ['"plinth"."credentials"']

export async function findPassword(db: Database, user: string): Promise<string | undefined> {
  const [row] = await readTexts(db, { text: 'SELECT password FROM plinth.credentials WHERE user_id = $1::text', values: [user] })
  return row?.[0] ?? undefined
}

export async function keepPassword(db: Database, user: string, phc: string): Promise<void> {
  const text = `INSERT INTO plinth.credentials (user_id, password) VALUES ($1::text, $2::text)
    ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, changed_at = now()`
  await db.write({ text, values: [user, phc] }, { tables })
}

/** The same password under another cost; nothing happens when it was changed meanwhile. */
export async function replaceHash(db: Database, user: string, before: string, after: string): Promise<void> {
  const text = 'UPDATE plinth.credentials SET password = $3::text WHERE user_id = $1::text AND password = $2::text'
  await db.write({ text, values: [user, before, after] }, { tables })
}

export async function forgetPassword(db: Database, user: string): Promise<void> {
  await db.write({ text: 'DELETE FROM plinth.credentials WHERE user_id = $1::text', values: [user] }, { tables })
}

/** Rows that are looked at, about: enough for the share of each cost to a hundredth, in a millisecond. */
const sample = 10_000

/** Bytes of a row with all around it: 46 of them in a page (measured, with ids of 36 characters). */
const rowBytes = 178

/** What checking passwords costs, and how many accounts of a sample have each cost: the same sample each time. */
export async function countCosts(db: Database): Promise<CostShare[]> {
  // Nobody has counted the rows of a table before the first ANALYZE, as after an upgrade of PostgreSQL: then its size tells about how many.
  const estimate = `CASE WHEN reltuples < 0 THEN pg_catalog.pg_relation_size(oid) / ${rowBytes} ELSE reltuples END`
  const text = `SELECT split_part(password, '$', 4), count(*)::text FROM plinth.credentials TABLESAMPLE SYSTEM (
      (SELECT least(100, 100 * ${sample} / greatest(${estimate}, 1)) FROM pg_catalog.pg_class WHERE oid = 'plinth.credentials'::regclass)) REPEATABLE (1) GROUP BY 1`
  const rows = await readTexts(db, { text, values: [] })
  return rows.flatMap(([written, accounts]) => {
    const cost = parseCost(written ?? '')
    return cost === undefined ? [] : [{ cost, accounts: Number(accounts) }]
  })
}

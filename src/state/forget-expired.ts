// Removes rows of ours whose time is over.

import type { Database } from '../db/database.ts'

/** Tables of the schema `plinth` whose rows end at `expires_at`, which has an index. */
export const expiringTables = ['sessions', 'refresh_tokens', 'one_time_tokens', 'rate_counters'] as const
type ExpiringTable = (typeof expiringTables)[number]

/**
 * Rows that another process is removing are left to that one.
 *
 * @param most  rows of one call
 * @returns     how many were removed
 */
export async function forgetExpired(db: Database, table: ExpiringTable, most: number): Promise<number> {
  const text = `DELETE FROM plinth.${table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM plinth.${table} WHERE expires_at < now() ORDER BY expires_at LIMIT $1::text::integer FOR UPDATE SKIP LOCKED))`
  const { affected } = await db.write({ text, values: [String(most)] }, { tables: [`"plinth"."${table}"`] })
  return affected
}

// Entries of the audit whose time is over, removed in the background: with addresses and devices of people they are not kept longer than they are needed.

import type { Part } from '../core/lifecycle.ts'
import type { Logger } from '../core/log.ts'
import type { Database } from '../db/database.ts'
import { stateSweeper } from '../state/sweeper.ts'

/** An entry more or less old by minutes harms nobody. */
const intervalMs = 10 * 60_000

export function auditSweeper(db: Database, log: Logger, retentionMs: number): Part {
  const sweep = (most: number): Promise<number> => forgetAudit(db, retentionMs, most)
  return stateSweeper([sweep], log, { name: 'The sweeper of the audit', isNeeded: () => true, intervalMs })
}

/**
 * Removes the oldest of the entries that are older than `retentionMs`. Those that another process is removing are left to that one.
 *
 * @returns how many were removed, at most `most`
 */
export async function forgetAudit(db: Database, retentionMs: number, most: number): Promise<number> {
  const text = `DELETE FROM plinth.audit WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM plinth.audit WHERE at < now() - $1::text::bigint * interval '1 ms' ORDER BY at LIMIT $2::text::integer FOR UPDATE SKIP LOCKED))`
  const { affected } = await db.write({ text, values: [String(retentionMs), String(most)] }, { tables: ['"plinth"."audit"'] })
  return affected
}

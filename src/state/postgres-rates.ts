// Counts hits in PostgreSQL: one statement, by the clock of PostgreSQL; `plinth.rate_hit` has the algorithm.

import type { Database } from '../db/database.ts'
import { textColumns } from '../db/rows.ts'
import type { RateStore } from './rate-counter.ts'

const statement =
  'SELECT allowed, used, reset_ms FROM plinth.rate_hit($1::text, $2::text::integer, $3::text::bigint, $4::text::integer, $5::text::bigint)'
const tables = ['"plinth"."rate_counters"']

export function postgresRates(db: Database): RateStore {
  return {
    nameFor: () => 'postgres',
    async count({ key, limit, windowMs, carried, carriedMs }) {
      const values = [`${windowMs}:${key}`, ...[limit, windowMs, carried, carriedMs].map(String)]
      const rows = await db.write({ name: 'plinth_rate_hit', text: statement, values }, { tables })
      const [allowed, used, resetMs] = textColumns(rows, 0)
      return { allowed: allowed === 't', used: Number(used), resetMs: Number(resetMs) }
    },
  }
}

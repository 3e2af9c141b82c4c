// Makes reads of some tables slow, inside PostgreSQL and after their snapshot was taken, while writes stay fast: a policy of row security
// whose condition takes its time. With reads of less than a millisecond 16,000 operations did not show what is wrong with joining a
// read that is under way.

import type { Servers } from './bed.ts'
import type { ModeName } from './modes.ts'
import { query } from './query.ts'

const makeFunction = `create or replace function take_time(seconds float8) returns boolean language plpgsql volatile as
  $$ begin if current_query() ~* '^ *select' then perform pg_sleep(seconds); end if; return true; end $$`

/** @param milliseconds  0: as fast as they can be */
export async function slowDown({ databaseUrl }: Servers, tables: readonly ModeName[], milliseconds: number): Promise<void> {
  await query(databaseUrl, makeFunction, ...tables.flatMap((table) => (milliseconds === 0 ? fast(table) : slow(table, milliseconds))))
}

/** The owner, too, is held to the policies. A subquery without a reference to the row is asked once for a statement. */
function slow(table: string, milliseconds: number): string[] {
  return [
    ...fast(table),
    `create policy everything on ${table} using (true) with check (true)`,
    `create policy slow_reads on ${table} as restrictive for select using ((select take_time(${milliseconds / 1_000})))`,
    `alter table ${table} enable row level security, force row level security`,
  ]
}

function fast(table: string): string[] {
  return [
    `alter table ${table} disable row level security, no force row level security`,
    ...['everything', 'slow_reads'].map((policy) => `drop policy if exists ${policy} on ${table}`),
  ]
}

// What the fenced cache needs in PostgreSQL beside its state: which rows a transaction has touched, told by triggers, because they
// also see cascades, other triggers, MERGE and plain SQL of the application; and which processes cannot reach Redis.
//
// A transaction that will fence its rows says so with `set local plinth.fenced = 'on'`. From then on the triggers note every row of
// a fenced table that it inserts, updates (under its old and its new key) or deletes, and `plinth.fencing()`, called right before
// COMMIT, tells them.

import { escapeIdentifier, escapeLiteral } from 'pg'

/** Rows of one statement that are noted one by one. More than that are noted as their whole table, which turns the cache off for the commit. */
const mostRows = 2_000

/**
 * `plinth.touched` is a setting of the transaction, a line of JSON for each row: `[16384, "1"]`, the table's oid and the parts of the key
 * as text; without a key it is the whole table. A savepoint that is rolled back takes its lines with it.
 *
 * `plinth.record` gets the key's columns as arguments. Its query is not planned ahead (some 60 us), because only so it can leave out the
 * other columns: `to_jsonb` of the row would read every large value out of TOAST.
 *
 * `plinth.fencing` runs deferred triggers now, because what they write would come after the fences. It reads the state in a later
 * statement than the one that assigns the transaction's id: a function that is VOLATILE takes a new snapshot for each in READ COMMITTED.
 */
export const fenceSql = `
create or replace function plinth.record() returns trigger language plpgsql as $$
declare
  key text;
  source text;
  notes text;
  count bigint;
begin
  if current_setting('plinth.fenced', true) is distinct from 'on' then return null; end if;
  source := case tg_op
    when 'INSERT' then 'table plinth_new' when 'DELETE' then 'table plinth_old' else 'table plinth_old union all table plinth_new' end;
  select string_agg(format('%I::text', u.name), ', ' order by u.place) into key from unnest(tg_argv) with ordinality u(name, place);
  execute format(
    'select string_agg(note, e''\\n''), count(*) from (select distinct jsonb_build_array(%s, %s)::text as note from (%s) changed limit %s) noted',
    tg_relid::bigint, key, source, ${mostRows + 1}) into notes, count;
  if count > ${mostRows} then notes := jsonb_build_array(tg_relid::bigint)::text; end if;
  if count > 0 then
    perform set_config('plinth.touched', concat_ws(e'\\n', nullif(current_setting('plinth.touched', true), ''), notes), true);
  end if;
  return null;
end $$;

create or replace function plinth.fencing(
  out xid text, out isolation text, out touched text, out state text, out epoch text, out redis text, out place text
) language plpgsql volatile as $$
begin
  set constraints all immediate;
  xid := pg_current_xact_id();
  isolation := current_setting('transaction_isolation');
  touched := coalesce(current_setting('plinth.touched', true), '');
  place := plinth.identity();
  select c.state, c.epoch, c.redis_run_id into state, epoch, redis from plinth.cache_state c where c.id = 1;
end $$;
`

/** The triggers that note rows, by event. An update under a new key touches both. */
const recorders = [
  { event: 'insert', tables: 'referencing new table as plinth_new' },
  { event: 'update', tables: 'referencing old table as plinth_old new table as plinth_new' },
  { event: 'delete', tables: 'referencing old table as plinth_old' },
] as const

/** Names of the triggers of a fenced table beside its guard. */
export const recorderNames = recorders.map(({ event }) => `plinth_record_${event}`)

/**
 * @param sqlName  quoted and schema-qualified
 * @param key      columns of the primary key, in the order of the model
 */
export function createRecorders(sqlName: string, key: readonly string[]): string[] {
  const names = key.map((column) => escapeLiteral(column)).join(', ')
  return recorders.flatMap(({ event, tables }, i) => {
    const trigger = escapeIdentifier(recorderNames[i] ?? '')
    return [
      `create trigger ${trigger} after ${event} on ${sqlName} ${tables} for each statement execute function plinth.record(${names})`,
      `alter table ${sqlName} enable always trigger ${trigger}`,
    ]
  })
}

export function dropRecorders(sqlName: string): string[] {
  return recorderNames.map((trigger) => `drop trigger if exists ${escapeIdentifier(trigger)} on ${sqlName}`)
}

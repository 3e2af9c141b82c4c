// Which rows a transaction has touched, told by triggers of the fenced tables: they also see cascades, other triggers, MERGE and the
// application's own SQL, and nothing that is written down by hand does.
//
// A transaction that will fence its rows says so with `SET LOCAL plinth.fenced = 'on'`. From then on every row that it inserts, updates
// (under its old and its new key) or deletes is noted, and `plinth.fencing()`, asked right before COMMIT, tells them.

import type { SystemStep } from './step.ts'

/** Rows of one statement that are noted one by one; more are noted as their whole table. */
const mostRows = 2_000
/**
 * Bytes of all notes; after that they are replaced by one for all tables. Each statement copies what was noted before: 20,000 updates of
 * one row each took 70 s, and the application locks no more than 5,000 rows one by one.
 */
const mostNotes = 200_000

/**
 * `plinth.touched` is a setting of the transaction with a line of JSON for each row: `[16384, "1"]`, the table's oid and the values of
 * its key as text, in the order of the columns' names; without a key it means the whole table, and `[0]` alone that there were too many.
 * A savepoint that is rolled back takes its lines with it.
 *
 * The query is planned each time (some 60 µs), because only so it leaves out the other columns: `to_jsonb` of a row would read every
 * large value of it.
 */
const record = `
CREATE FUNCTION plinth.record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed text := CASE tg_op
    WHEN 'INSERT' THEN 'TABLE plinth_new' WHEN 'DELETE' THEN 'TABLE plinth_old' ELSE 'TABLE plinth_old UNION ALL TABLE plinth_new' END;
  key text;
  notes text;
  noted bigint := 0;
  before text := nullif(pg_catalog.current_setting('plinth.touched', true), '');
BEGIN
  IF pg_catalog.current_setting('plinth.fenced', true) IS DISTINCT FROM 'on' OR before = '[0]' THEN RETURN NULL; END IF;
  SELECT pg_catalog.string_agg(pg_catalog.format('%I::text', u.name), ', ' ORDER BY u.place) INTO key
  FROM pg_catalog.unnest(plinth.fence_key(tg_relid)) WITH ORDINALITY u (name, place);
  IF key IS NOT NULL THEN
    EXECUTE pg_catalog.format(
      'SELECT pg_catalog.string_agg(n.note, e''\\n''), pg_catalog.count(*) FROM (
        SELECT DISTINCT pg_catalog.jsonb_build_array(%s, %s)::text AS note FROM (%s) c LIMIT %s) n',
      tg_relid::bigint, key, changed, ${mostRows + 1}) INTO notes, noted;
    IF noted = 0 THEN RETURN NULL; END IF;
  END IF;
  IF key IS NULL OR noted > ${mostRows} THEN notes := pg_catalog.jsonb_build_array(tg_relid::bigint)::text; END IF;
  notes := pg_catalog.concat_ws(e'\\n', before, notes);
  IF pg_catalog.octet_length(notes) > ${mostNotes} THEN notes := '[0]'; END IF;
  PERFORM pg_catalog.set_config('plinth.touched', notes, true);
  RETURN NULL;
END $$;`

/**
 * Runs deferred triggers now, because what they write would come after the fences. Reads the state in a later statement than the one that
 * assigns the transaction's id: in READ COMMITTED a VOLATILE function takes a new snapshot for each.
 */
const fencing = `
CREATE FUNCTION plinth.fencing(
  OUT xid text, OUT isolation text, OUT touched text, OUT place text, OUT state text, OUT epoch text, OUT redis_run_id text
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SET CONSTRAINTS ALL IMMEDIATE;
  xid := pg_catalog.pg_current_xact_id();
  isolation := pg_catalog.current_setting('transaction_isolation');
  touched := coalesce(pg_catalog.current_setting('plinth.touched', true), '');
  place := plinth.identity();
  SELECT s.state, s.epoch, s.redis_run_id INTO state, epoch, redis_run_id FROM plinth.cache_state s WHERE s.id = 1;
END $$;`

export const fenceRowsStep: SystemStep = {
  step: 11,
  title: 'rows that a transaction of the fenced cache has touched',
  sql: [record, fencing].join('\n'),
}

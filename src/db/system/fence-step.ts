// The fenced cache's state in PostgreSQL, and the guard of its tables: who writes without having fenced the cache is refused, unless
// the cache is off and will stay off until this transaction has ended.

import type { SystemStep } from './step.ts'

/**
 * `permission_ms`: for how long a process may serve from the cache after it has asked for the state; DISABLE waits that long.
 * `unfenced_until`: before then nobody enables the cache again, so that who has asked for it to be off can get to work.
 * `tables`: the shape of each guarded table, by oid, when the epoch began.
 */
const state = `
CREATE TABLE plinth.cache_state (
  id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  state text NOT NULL DEFAULT 'disabled' CHECK (state IN ('enabled', 'disabling', 'disabled', 'enabling')),
  epoch uuid,
  redis_run_id text,
  identity text,
  tables jsonb NOT NULL DEFAULT '{}',
  permission_ms integer NOT NULL DEFAULT 500,
  unfenced_until timestamptz
);
INSERT INTO plinth.cache_state DEFAULT VALUES;
GRANT SELECT ON plinth.cache_state TO PUBLIC;`

/**
 * The ways from state to state. Each is one statement and belongs into a transaction of its own. Functions, so that a role which may
 * only write to the application's tables can take part.
 *
 * disabling: the epoch whose end has to be waited for, or NULL when the cache is off; with `seen` only when that is the epoch still.
 * The others: whether the state is now the wanted one. An epoch is enabled once, so it names its end, too. Enabling does not wait for a
 * writer that was let in with a fixed snapshot and so keeps the row: it will be tried again.
 *
 * `fence_shape` changes with what no trigger tells: the table's file (TRUNCATE, ALTER), its definition, its triggers. NULL when writes
 * may pass them: they are not there or not always on, or rows come from a parent, a child or a subscription; and when one key may be
 * written in two ways, because then two callers would know one row under two names.
 */
const transitions = `
CREATE FUNCTION plinth.fence_key(rel oid) RETURNS name[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname ORDER BY a.attname COLLATE "C") FROM pg_index i
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
  WHERE i.indrelid = rel AND i.indisprimary;
$$;

CREATE FUNCTION plinth.fence_shape(rel oid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat(c.relfilenode, '.', c.xmin, '.', g.versions) FROM pg_class c, LATERAL (
    SELECT count(*) AS triggers, string_agg(t.xmin::text, '.' ORDER BY t.tgname) AS versions FROM pg_trigger t
    WHERE t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgqual IS NULL AND t.tgattr = ''::int2vector AND (
      (t.tgfoid = to_regproc('plinth.guard') AND t.tgtype = 62) OR (t.tgfoid = to_regproc('plinth.record') AND t.tgtype IN (4, 8, 16)))
  ) g
  WHERE c.oid = rel AND g.triggers = 4 AND c.relkind = 'r' AND NOT c.relhassubclass AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
    AND NOT EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = c.oid)
    AND (SELECT bool_and(a.atttypid = ANY ('{smallint,integer,bigint,uuid,text,varchar}'::regtype[]) AND coalesce(l.collisdeterministic, true))
      FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE a.attrelid = c.oid AND a.attname = ANY (plinth.fence_key(c.oid)));
$$;

CREATE FUNCTION plinth.cache_disabling(hold interval DEFAULT '0', seen uuid DEFAULT NULL) RETURNS uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE plinth.cache_state SET
    state = CASE WHEN state IN ('enabled', 'enabling') THEN 'disabling' ELSE state END,
    unfenced_until = greatest(unfenced_until, clock_timestamp() + hold)
  WHERE id = 1 AND (seen IS NULL OR seen = epoch) RETURNING CASE WHEN state = 'disabling' THEN epoch END;
$$;

CREATE FUNCTION plinth.cache_disabled(wanted uuid) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE plinth.cache_state SET state = 'disabled' WHERE id = 1 AND state = 'disabling' AND epoch = wanted;
  SELECT state = 'disabled' FROM plinth.cache_state WHERE id = 1;
$$;

CREATE FUNCTION plinth.cache_enabling(wanted uuid, run_id text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM plinth.cache_state WHERE id = 1 FOR UPDATE SKIP LOCKED;
  IF NOT found THEN RETURN false; END IF;
  UPDATE plinth.cache_state SET state = 'enabling', epoch = wanted, redis_run_id = run_id, identity = plinth.identity(),
    tables = (SELECT coalesce(jsonb_object_agg(t.rel, plinth.fence_shape(t.rel)), '{}')
      FROM (SELECT DISTINCT g.tgrelid FROM pg_trigger g WHERE g.tgfoid = to_regproc('plinth.guard')) t (rel))
  WHERE id = 1 AND state = 'disabled' AND (unfenced_until IS NULL OR unfenced_until <= clock_timestamp());
  RETURN (SELECT state = 'enabling' AND epoch = wanted FROM plinth.cache_state WHERE id = 1);
END $$;

CREATE FUNCTION plinth.cache_enabled(wanted uuid) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE plinth.cache_state SET state = 'enabled' WHERE id = 1 AND state = 'enabling' AND epoch = wanted;
  SELECT state = 'enabled' AND epoch = wanted FROM plinth.cache_state WHERE id = 1;
$$;`

/**
 * Lets the current transaction write without a fence, or raises. The id comes first: enabling waits for every transaction that had one
 * before, so whoever reads `disabled` after that is waited for. In READ COMMITTED a later statement sees what is committed by now; with a
 * fixed snapshot a lock does, which fails with 40001 when the row has changed since. Once let in, a transaction stays in.
 *
 * A transaction that says `plinth.fenced = on` fences what it touches before it commits. Rows that TRUNCATE removes are told by nobody.
 */
const guard = `
CREATE FUNCTION plinth.admit_unfenced(subject text DEFAULT 'this') RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me text := pg_current_xact_id()::text;
  found_state text;
BEGIN
  IF current_setting('plinth.unfenced', true) = me THEN RETURN; END IF;
  IF current_setting('transaction_isolation') = 'read committed' THEN
    SELECT state INTO found_state FROM plinth.cache_state WHERE id = 1;
  ELSE
    SELECT state INTO found_state FROM plinth.cache_state WHERE id = 1 FOR SHARE;
  END IF;
  IF found_state IS DISTINCT FROM 'disabled' THEN
    RAISE EXCEPTION 'cached rows of % may only be changed through the application while its cache is on', subject USING
      ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'Switch the cache off first, outside of a transaction: CALL plinth.open_unfenced(); then write. The application switches it on again.';
  END IF;
  PERFORM set_config('plinth.unfenced', me, true);
END $$;

CREATE FUNCTION plinth.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.current_setting('plinth.fenced', true) = 'on' AND tg_op <> 'TRUNCATE' THEN RETURN NULL; END IF;
  PERFORM plinth.admit_unfenced(pg_catalog.format('%I.%I', tg_table_schema, tg_table_name));
  RETURN NULL;
END $$;`

/**
 * A procedure, because others must see `disabling` while it waits: a function cannot commit. 2 % more than the permission, for clocks
 * that do not run alike.
 */
const openUnfenced = `
CREATE PROCEDURE plinth.open_unfenced(hold interval DEFAULT '1 minute') LANGUAGE plpgsql AS $$
DECLARE
  ending uuid;
BEGIN
  LOOP
    ending := plinth.cache_disabling(hold);
    COMMIT;
    EXIT WHEN ending IS NULL;
    PERFORM pg_catalog.pg_sleep((SELECT permission_ms FROM plinth.cache_state WHERE id = 1) * 1.02 / 1000);
    PERFORM plinth.cache_disabled(ending);
    COMMIT;
  END LOOP;
END $$;

CREATE FUNCTION plinth.close_unfenced() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE plinth.cache_state SET unfenced_until = NULL WHERE id = 1;
$$;`

export const fenceStep: SystemStep = {
  step: 10,
  title: 'the state of the fenced cache and its guard',
  sql: [state, transitions, guard, openUnfenced].join('\n'),
}

// Versions of tables. Every transaction that writes to a tracked table leaves a row with its own id, which nobody else will ever have;
// what a reader sees of these rows is the version of the table. decisions/0011-table-versions.md has the argument and the numbers.

import type { SystemStep } from './step.ts'

/** Writers that also remove rows which no reader needs any more: one in 64, one in 1024 where that may cost a serialization failure. */
const cleaning = { oneIn: 64, oneInSerializable: 1024, atMost: 1000 } as const

/**
 * `seen` is the snapshot of the writer. A reader takes the row with the highest id and those that this one's writer had not seen: all
 * others were finished before, so they say nothing new. That bounds the work however many rows there are, alive or dead.
 *
 * `home` keeps the rows of another server out, which come with a restored dump: their ids may still be assigned here.
 */
const tables = `
CREATE TABLE plinth.versions (
  relation oid NOT NULL,
  home integer NOT NULL,
  version xid8 NOT NULL,
  seen pg_snapshot NOT NULL,
  cleaned_to xid8,
  PRIMARY KEY (relation, home, version)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE TABLE plinth.touches (
  relation oid NOT NULL,
  home integer NOT NULL,
  version xid8 NOT NULL,
  PRIMARY KEY (relation, home)
);

GRANT USAGE ON SCHEMA plinth TO PUBLIC;
GRANT SELECT ON plinth.versions, plinth.touches TO PUBLIC;`

/**
 * Immutable as long as a server runs, and marked so: PostgreSQL then works it out once for a prepared statement, not for every write
 * (reading the control file takes some 20 µs).
 */
const home = `
CREATE FUNCTION plinth.home() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtext((SELECT system_identifier::text FROM pg_control_system()) || '.' || (SELECT oid::text FROM pg_database WHERE datname = current_database()));

CREATE FUNCTION plinth.place() RETURNS text LANGUAGE sql IMMUTABLE
RETURN (SELECT concat(system_identifier, '.', (SELECT oid FROM pg_database WHERE datname = current_database()), '.', left(pg_walfile_name(pg_current_wal_lsn()), 8))
  FROM pg_control_system());`

/**
 * A server assigns ids a second time when its data directory was put back from a copy, and after a crash with synchronous_commit = off.
 * Both take a new start: of the postmaster, or of its statistics when that has gone on and only its children were started anew.
 * pg_current_wal_lsn() fails on a standby, as it should.
 */
const identity = `
CREATE FUNCTION plinth.identity() RETURNS text LANGUAGE sql VOLATILE
RETURN concat(plinth.place(), '.', (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, '.',
  (extract(epoch FROM pg_stat_get_bgwriter_stat_reset_time()) * 1000000)::bigint);`

/** By a hash: applications write in patterns, and a table that only ever sees odd ids would never be cleaned. */
const track = `
CREATE FUNCTION plinth.track() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me xid8 := pg_current_xact_id();
  seen pg_snapshot := pg_current_snapshot();
BEGIN
  INSERT INTO plinth.versions (relation, home, version, seen) VALUES (tg_relid, plinth.home(), me, seen) ON CONFLICT DO NOTHING;
  IF found AND hashint8(me::text::bigint) % ${cleaning.oneIn} = 0 THEN
    IF current_setting('transaction_isolation') <> 'serializable' OR hashint8(me::text::bigint) % ${cleaning.oneInSerializable} = 0 THEN
      PERFORM plinth.clean(tg_relid, me, pg_snapshot_xmin(seen), NULL, ${cleaning.atMost});
    END IF;
  END IF;
  RETURN NULL;
END $$;`

/**
 * Removes rows below `bound`, where everything was finished when the caller's own row was made. It begins where the last cleaning ended:
 * while somebody holds an old snapshot, removed rows stay in the index, and going through them again would cost more every time.
 */
const clean = `
CREATE FUNCTION plinth.clean(rel oid, me xid8, bound xid8, start xid8, at_most integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last xid8;
  removed integer;
BEGIN
  IF start IS NULL THEN
    SELECT v.cleaned_to INTO start FROM plinth.versions v
    WHERE v.relation = rel AND v.home = plinth.home() AND v.cleaned_to IS NOT NULL ORDER BY v.version DESC LIMIT 1;
    start := coalesce(start, '0');
  END IF;
  WITH gone AS (
    DELETE FROM plinth.versions WHERE ctid = ANY (ARRAY(
      SELECT v.ctid FROM plinth.versions v WHERE v.relation = rel AND v.home = plinth.home() AND v.version >= start AND v.version < bound
      ORDER BY v.version LIMIT at_most FOR UPDATE SKIP LOCKED))
    RETURNING version
  )
  SELECT (array_agg(version ORDER BY version DESC))[1], count(*) INTO last, removed FROM gone;
  UPDATE plinth.versions v SET cleaned_to = CASE WHEN removed = at_most THEN last ELSE greatest(start, bound) END
  WHERE v.relation = rel AND v.home = plinth.home() AND v.version = me;
EXCEPTION WHEN serialization_failure THEN
  NULL; -- in REPEATABLE READ somebody else has removed the same rows; the write goes on
END $$;`

/** A new version without a write: for changes that fire no trigger. */
const touch = `
CREATE FUNCTION plinth.touch(rel regclass) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO plinth.versions (relation, home, version, seen) VALUES (rel, plinth.home(), pg_current_xact_id(), pg_current_snapshot()) ON CONFLICT DO NOTHING;
  INSERT INTO plinth.touches (relation, home, version) VALUES (rel, plinth.home(), pg_current_xact_id())
  ON CONFLICT (relation, home) DO UPDATE SET version = excluded.version;
END $$;

CREATE FUNCTION plinth.touch_all(unknown_only boolean DEFAULT false) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  rel oid;
BEGIN
  FOR rel IN SELECT tgrelid FROM pg_trigger WHERE tgfoid = 'plinth.track()'::regprocedure AND NOT tgisinternal LOOP
    CONTINUE WHEN unknown_only AND EXISTS (SELECT FROM plinth.versions v WHERE v.relation = rel AND v.home = plinth.home());
    PERFORM plinth.touch(rel);
    PERFORM plinth.clean(rel, pg_current_xact_id(), pg_snapshot_xmin(pg_current_snapshot()), '0', 1000000);
  END LOOP;
  IF unknown_only THEN RETURN; END IF;
  DELETE FROM plinth.versions WHERE ctid = ANY (ARRAY(SELECT v.ctid FROM plinth.versions v
    WHERE v.home <> plinth.home() OR NOT EXISTS (SELECT FROM pg_class WHERE oid = v.relation) FOR UPDATE SKIP LOCKED));
  DELETE FROM plinth.touches WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM plinth.touches t
    WHERE t.home <> plinth.home() OR NOT EXISTS (SELECT FROM pg_class WHERE oid = t.relation) FOR UPDATE SKIP LOCKED));
END $$;`

export const versionsStep: SystemStep = {
  step: 1,
  title: 'versions of tables',
  sql: [tables, home, identity, clean, track, touch].join('\n'),
}

export const rowVersionsStep: SystemStep = {
  step: 2,
  title: 'versions of rows',
  sql: `
CREATE FUNCTION plinth.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  new.plinth_version := pg_catalog.pg_current_xact_id();
  RETURN new;
END $$;`,
}

// Hits of the last window, counted where all processes see them. The algorithm is that of src/state/window.ts, whose words it uses.

import type { SystemStep } from './step.ts'

/**
 * Counts several hits of a key at once, as many as the limit allows. The clock is read when the row is locked, so that hits are counted in the
 * order of their times. Durability is not waited for: a crash of the server forgets the hits of its last moments. The setting is that of
 * the transaction, so a statement that calls this should do nothing else.
 */
const hits = `
CREATE FUNCTION plinth.rate_hits(
  counter text, hits integer, most integer, window_ms bigint, carried integer, carried_ms bigint,
  OUT allowed integer, OUT used integer, OUT reset_ms bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  size bigint := greatest(1, (window_ms + 31) / 32);
  at bigint;
  live_slots bigint[];
  live_counts integer[];
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  LOOP
    INSERT INTO plinth.rate_counters (key) VALUES (counter) ON CONFLICT DO NOTHING;
    SELECT slots, counts INTO live_slots, live_counts FROM plinth.rate_counters WHERE key = counter FOR UPDATE;
    EXIT WHEN found;
  END LOOP;
  at := floor(extract(epoch FROM clock_timestamp()) * 1000);
  SELECT array_agg(slot ORDER BY slot), array_agg(held ORDER BY slot), coalesce(sum(held), 0) INTO live_slots, live_counts, used
  FROM unnest(live_slots, live_counts) live (slot, held) WHERE (slot + 1) * size + window_ms > at;
  IF carried > used THEN
    live_slots := (at - carried_ms) / size || live_slots;
    live_counts := carried - used || live_counts;
    used := carried;
  END IF;
  allowed := greatest(0, least(hits, most - used));
  IF allowed > 0 THEN
    used := used + allowed;
    IF live_slots[cardinality(live_slots)] = at / size THEN
      live_counts[cardinality(live_counts)] := live_counts[cardinality(live_counts)] + allowed;
    ELSE
      live_slots := live_slots || at / size;
      live_counts := live_counts || allowed;
    END IF;
  END IF;
  reset_ms := coalesce((SELECT min(slot) FROM unnest(live_slots) slot) * size + size + window_ms - at, 0);
  IF allowed > 0 OR carried = used THEN
    UPDATE plinth.rate_counters SET slots = coalesce(live_slots, '{}'), counts = coalesce(live_counts, '{}'),
      expires_at = to_timestamp(((at + window_ms + size) / 300000 + 1) * 300)
    WHERE key = counter;
  END IF;
END $$;`

export const rateCountersStep: SystemStep = {
  step: 31,
  title: 'rate counters',
  sql: `
CREATE TABLE plinth.rate_counters (
  key text PRIMARY KEY,
  slots bigint[] NOT NULL DEFAULT '{}',
  counts integer[] NOT NULL DEFAULT '{}',
  expires_at timestamptz NOT NULL DEFAULT now() + interval '1 day'
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX rate_counters_expires_at ON plinth.rate_counters (expires_at);
${hits}`,
}

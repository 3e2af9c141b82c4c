// Sessions, and which of them copies must not be believed any more. A copy is what a process read of a session; it carries the oldest
// transaction id that was open then (`pg_snapshot_xmin`). Whoever changes or removes a session, by whatever way, leaves its own id here:
// a copy is believed when everything up to that id was finished when it was made.

import type { SystemStep } from './step.ts'

/**
 * `id` is the SHA-256 of what the client has. `seen_at` is written about once a minute while a session is used: no index has it, and pages have
 * room, so that such a write touches no index. `home` keeps out what comes with a dump of another server, where ids mean something else.
 */
const tables = `
CREATE TABLE plinth.sessions (
  id bytea PRIMARY KEY,
  user_id text NOT NULL,
  data json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  idle_ms bigint NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX sessions_user_id ON plinth.sessions (user_id);
CREATE INDEX sessions_expires_at ON plinth.sessions (expires_at);

CREATE TABLE plinth.session_changes (
  id bytea NOT NULL,
  home integer NOT NULL DEFAULT plinth.home(),
  version xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX session_changes_version ON plinth.session_changes (home, version);

CREATE TABLE plinth.session_changes_removed (
  home integer PRIMARY KEY,
  below xid8 NOT NULL
);`

/** An empty id stands for every session. What has expired needs no change: every copy knows when. */
const triggers = `
CREATE FUNCTION plinth.session_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF tg_op = 'TRUNCATE' THEN
    INSERT INTO plinth.session_changes (id) VALUES ('');
  ELSE
    INSERT INTO plinth.session_changes (id) VALUES (old.id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER deleted AFTER DELETE ON plinth.sessions FOR EACH ROW WHEN (old.expires_at > now()) EXECUTE FUNCTION plinth.session_changed();
CREATE TRIGGER updated AFTER UPDATE OF id, user_id, data, idle_ms, expires_at ON plinth.sessions FOR EACH ROW EXECUTE FUNCTION plinth.session_changed();
CREATE TRIGGER emptied AFTER TRUNCATE ON plinth.sessions FOR EACH STATEMENT EXECUTE FUNCTION plinth.session_changed();
ALTER TABLE plinth.sessions ENABLE ALWAYS TRIGGER deleted, ENABLE ALWAYS TRIGGER updated, ENABLE ALWAYS TRIGGER emptied;`

export const sessionsStep: SystemStep = {
  step: 30,
  title: 'sessions',
  sql: tables + triggers,
}

// API keys. Processes keep what they read of them until the table changes; the last use changes often, so it stands in a table of its own.

import type { SystemStep } from './step.ts'

export const apiKeysStep: SystemStep = {
  step: 52,
  title: 'API keys',
  sql: `
CREATE TABLE plinth.api_keys (
  id text PRIMARY KEY,
  hash bytea NOT NULL,
  owner_kind text NOT NULL CHECK (owner_kind IN ('user', 'service')),
  owner_id text NOT NULL,
  name text NOT NULL,
  scopes json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz
);
CREATE INDEX api_keys_owner ON plinth.api_keys (owner_kind, owner_id);
CREATE TABLE plinth.api_key_uses (
  id text PRIMARY KEY,
  used_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE TRIGGER plinth_track AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON plinth.api_keys FOR EACH STATEMENT EXECUTE FUNCTION plinth.track();
ALTER TABLE plinth.api_keys ENABLE ALWAYS TRIGGER plinth_track;`,
}

/** Nothing: it acts in whichever tenant of its owner is named. */
export const apiKeyTenantsStep: SystemStep = {
  step: 57,
  title: 'tenants of API keys',
  sql: `
ALTER TABLE plinth.api_keys ADD COLUMN tenant text;`,
}

// The first answers to requests with an Idempotency-Key. They hold what replies hold, so no role but the owner's may read them
// unless it is granted.

import type { SystemStep } from './step.ts'

/** A row is inserted without its answer and updated once: room for the second version is left on its page. */
export const idempotencyStep: SystemStep = {
  step: 20,
  title: 'Answers to requests with an Idempotency-Key',
  sql: `
CREATE TABLE plinth.idempotency (
  scope text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  status smallint,
  headers json,
  body bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, key)
) WITH (fillfactor = 70);
CREATE INDEX idempotency_created_at ON plinth.idempotency (created_at);`,
}

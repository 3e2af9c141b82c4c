// Keys that sign access tokens. Their private parts are encrypted by the application, which has the secret for it.

import type { SystemStep } from './step.ts'

/** The current key has no end; there is one at most. */
export const signingKeysStep: SystemStep = {
  step: 50,
  title: 'signing keys',
  sql: `
CREATE TABLE plinth.signing_keys (
  kid text PRIMARY KEY,
  algorithm text NOT NULL,
  public_key bytea,
  private_key bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ends_at timestamptz
);
CREATE UNIQUE INDEX signing_keys_current ON plinth.signing_keys ((ends_at IS NULL)) WHERE ends_at IS NULL;`,
}

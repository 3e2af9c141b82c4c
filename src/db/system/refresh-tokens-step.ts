// Refresh tokens. A family is what one sign-in has led to: the token that counts, and those that were exchanged for it in the last moments.

import type { SystemStep } from './step.ts'

/**
 * `family` and `hash` are SHA-256 of the first half of a token and of the whole. What is not here and has the first half of something that is,
 * was used before. No foreign key: sessions may be emptied by hand, and a token without its session is worth nothing.
 */
export const refreshTokensStep: SystemStep = {
  step: 51,
  title: 'refresh tokens',
  sql: `
CREATE TABLE plinth.refresh_tokens (
  family bytea NOT NULL,
  hash bytea NOT NULL,
  session_id bytea NOT NULL,
  used_at timestamptz,
  salt bytea,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (family, hash)
);
CREATE INDEX refresh_tokens_expires_at ON plinth.refresh_tokens (expires_at);`,
}

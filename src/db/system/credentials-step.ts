// What shows that somebody is who he says: hashes of passwords, and tokens that are sent by mail and used once. The users themselves are in
// a table of the application; nothing here refers to it, because the application names it.

import type { SystemStep } from './step.ts'

/** `password` is a PHC string of argon2id. */
const passwords = `
CREATE TABLE plinth.credentials (
  user_id text PRIMARY KEY,
  password text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);`

/** `id` is the SHA-256 of what was sent. What has been used is removed, so that it is used once. */
const tokens = `
CREATE TABLE plinth.one_time_tokens (
  id bytea PRIMARY KEY,
  purpose text NOT NULL,
  user_id text NOT NULL,
  data json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_tokens_user_id ON plinth.one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expires_at ON plinth.one_time_tokens (expires_at);`

export const credentialsStep: SystemStep = {
  step: 40,
  title: 'Passwords and one-time tokens',
  sql: passwords + tokens,
}

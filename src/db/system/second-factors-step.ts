// What is asked for beside a password: secrets that an application on a telephone has, too, and codes for when it is lost.

import type { SystemStep } from './step.ts'

/** `secret` is encrypted by the application. `last_step` is the half minute of the last code that was used: none is used twice. */
export const secondFactorsStep: SystemStep = {
  step: 53,
  title: 'second factors',
  sql: `
CREATE TABLE plinth.second_factors (
  user_id text PRIMARY KEY,
  secret bytea NOT NULL,
  last_step bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  confirmed_at timestamptz
);
CREATE TABLE plinth.recovery_codes (
  user_id text NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (user_id, hash)
);`,
}

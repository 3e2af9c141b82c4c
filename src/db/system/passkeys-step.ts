// Passkeys: public keys whose private parts are on telephones, computers and sticks.

import type { SystemStep } from './step.ts'

/** `id` is the credential's, in base64url. `sign_count` is what the device said last; many say 0 for ever. */
export const passkeysStep: SystemStep = {
  step: 54,
  title: 'passkeys',
  sql: `
CREATE TABLE plinth.passkeys (
  id text PRIMARY KEY,
  user_id text NOT NULL,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  transports json NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  used_at timestamptz
);
CREATE INDEX passkeys_user_id ON plinth.passkeys (user_id);`,
}

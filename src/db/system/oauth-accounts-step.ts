// Accounts at other sites that users sign in by.

import type { SystemStep } from './step.ts'

/** An issuer never gives a subject to anybody else; an e-mail address it may. */
export const oauthAccountsStep: SystemStep = {
  step: 55,
  title: 'accounts at other sites',
  sql: `
CREATE TABLE plinth.oauth_accounts (
  issuer text NOT NULL,
  subject text NOT NULL,
  user_id text NOT NULL,
  provider text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX oauth_accounts_user_id ON plinth.oauth_accounts (user_id);`,
}

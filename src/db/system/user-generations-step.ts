// How often everything that signed a user in was declared void: by another password, by signing out everywhere, by disabling the account.

import type { SystemStep } from './step.ts'

/** A user without a row has generation 0. Whoever opens a session locks the row, so that none comes from a proof of before. */
export const userGenerationsStep: SystemStep = {
  step: 56,
  title: 'generations of users',
  sql: `
CREATE TABLE plinth.user_generations (
  user_id text PRIMARY KEY,
  generation bigint NOT NULL DEFAULT 0
);`,
}

// Who did what to accounts and roles. Rows are written once; who may do everything in the database may also change them.

import type { SystemStep } from './step.ts'

export const auditStep: SystemStep = {
  step: 41,
  title: 'Audit',
  sql: `
CREATE TABLE plinth.audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  action text NOT NULL,
  actor text,
  subject text,
  address inet,
  request_id text,
  details json NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_at ON plinth.audit (at);
CREATE INDEX audit_subject ON plinth.audit (subject, at);
CREATE INDEX audit_actor ON plinth.audit (actor, at);
CREATE FUNCTION plinth.audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Rows of plinth.audit are not changed.';
END $$;
CREATE TRIGGER kept BEFORE UPDATE ON plinth.audit FOR EACH ROW EXECUTE FUNCTION plinth.audit_is_kept();`,
}

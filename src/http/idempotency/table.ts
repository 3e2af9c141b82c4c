export const idempotencyTable = `create schema if not exists plinth;
create table plinth.idempotency (
  scope text not null, key text not null, fingerprint bytea not null, status smallint, headers json, body bytea,
  created_at timestamptz not null default now(), primary key (scope, key)
) with (fillfactor = 80);
create index idempotency_created_at on plinth.idempotency (created_at);`

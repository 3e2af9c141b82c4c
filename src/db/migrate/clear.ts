// Drops everything in some schemas, and nothing that an extension owns.

import type { Connection } from './connection.ts'

/** One DROP per object; CASCADE takes along what hangs on it, hence IF EXISTS. Parameters: schemas to empty (`public` is kept, others go). */
const dropsQuery = `
SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname) AS statement
FROM pg_namespace n WHERE n.nspname = ANY ($1) AND n.nspname <> 'public'
UNION ALL
SELECT format('DROP %s IF EXISTS %I.%I CASCADE',
  CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
  n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND 'public' = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid AND e.classid = 'pg_class'::regclass AND e.deptype IN ('e', 'i'))
UNION ALL
SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'public' AND 'public' = ANY ($1) AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.classid = 'pg_proc'::regclass AND e.deptype = 'e')
UNION ALL
SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = 'public' AND 'public' = ANY ($1) AND t.typtype IN ('e', 'd', 'r')
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = t.oid AND e.classid = 'pg_type'::regclass AND e.deptype = 'e')`

const userSchemasQuery = `SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'plinth')`

/** Drops what is in the schemas, and the schemas themselves but `public`. Run it in a transaction. */
export async function clearSchemas(connection: Connection, schemas: readonly string[]): Promise<void> {
  const { rows } = await connection.query<{ statement: string }>(dropsQuery, [schemas])
  for (const { statement } of rows) await connection.query(statement)
}

/** Drops everything users made in a database, not the schema `plinth`; for shadows only. */
export async function clearDatabase(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ name: string }>(userSchemasQuery)
  await clearSchemas(
    connection,
    rows.map(({ name }) => name),
  )
}

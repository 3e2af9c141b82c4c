// A database as the SQL that makes it again, section by section in the order of their dependencies. Each query writes one statement per
// row, and what takes it back where dropping the table does not do that already. Run with an empty search_path: names are qualified.

import { notOfExtension, userColumn, userSchema, userTrigger } from './scope.ts'

export interface DumpRow {
  readonly statement: string
  readonly undo: string | null
}

const schemas = `
SELECT format('CREATE SCHEMA %I;', n.nspname) AS statement, format('DROP SCHEMA %I;', n.nspname) AS undo
FROM pg_namespace n WHERE ${userSchema} AND n.nspname <> 'public' AND ${notOfExtension('n.oid', 'pg_namespace')} ORDER BY n.nspname`

const extensions = `
SELECT format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I;', e.extname, n.nspname) AS statement, NULL AS undo
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql' ORDER BY e.oid`

const types = `
SELECT CASE t.typtype
  WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s);', n.nspname, t.typname, (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
  WHEN 'c' THEN format('CREATE TYPE %I.%I AS (%s);', n.nspname, t.typname, (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
  WHEN 'r' THEN format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s);', n.nspname, t.typname, (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid))
  ELSE concat_ws(' ', format('CREATE DOMAIN %I.%I AS %s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod)), 'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
    (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')) || ';' END AS statement,
  format('DROP %s %I.%I CASCADE;', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, n.nspname, t.typname) AS undo
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE ${userSchema} AND t.typtype IN ('e', 'c', 'd', 'r') AND (c.oid IS NULL OR c.relkind = 'c') AND ${notOfExtension('t.oid', 'pg_type')} ORDER BY t.oid`

const sequenceOptions = `'START WITH ' || q.seqstart || ' INCREMENT BY ' || q.seqincrement || ' MINVALUE ' || q.seqmin || ' MAXVALUE ' || q.seqmax || ' CACHE ' || q.seqcache || CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END`

/** Those of identity columns come with their table. */
const sequences = `
SELECT format('CREATE SEQUENCE %I.%I AS %s %s;', n.nspname, c.relname, format_type(q.seqtypid, NULL), ${sequenceOptions}) AS statement,
  CASE WHEN NOT EXISTS (SELECT FROM pg_depend o WHERE o.objid = c.oid AND o.classid = 'pg_class'::regclass AND o.deptype = 'a') THEN format('DROP SEQUENCE %I.%I;', n.nspname, c.relname) END AS undo
FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${userSchema} AND ${notOfExtension('c.oid', 'pg_class')} AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.objid = c.oid AND i.classid = 'pg_class'::regclass AND i.deptype = 'i') ORDER BY c.oid`

/** A function that has a table's row type, or a parsed body, needs its tables first; the others may be needed by tables. */
const functions = (afterTables: boolean): string => `
SELECT pg_get_functiondef(p.oid) || ';' AS statement, format('DROP ROUTINE %s CASCADE;', p.oid::regprocedure) AS undo
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE ${userSchema} AND p.prokind IN ('f', 'p') AND ${notOfExtension('p.oid', 'pg_proc')} AND ${afterTables ? '' : 'NOT '}(p.prosqlbody IS NOT NULL OR EXISTS (
  SELECT FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid AND d.refclassid = 'pg_type'::regclass JOIN pg_class c ON c.oid = t.typrelid AND c.relkind IN ('r', 'p', 'v', 'm')
  WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass)) ORDER BY p.oid`

const columnText = `format('  %I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || concat(
  CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || a.attcollation::regcollation END,
  CASE WHEN d.oid IS NOT NULL THEN CASE a.attgenerated WHEN '' THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
    ELSE format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid), CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END) END END,
  CASE WHEN a.attidentity <> '' THEN (SELECT format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, q.seqrelid::regclass, ${sequenceOptions})
    FROM pg_depend o JOIN pg_sequence q ON q.seqrelid = o.objid WHERE o.refobjid = a.attrelid AND o.refobjsubid = a.attnum AND o.deptype = 'i' AND o.classid = 'pg_class'::regclass LIMIT 1) END,
  CASE WHEN a.attnotnull THEN ' NOT NULL' END)`

/** Parents stand before what inherits from them; the columns of a child that are not its own come from its parent. */
const tables = `
WITH RECURSIVE tree (oid, depth) AS (
  SELECT c.oid, 0 FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
  UNION ALL SELECT i.inhrelid, tree.depth + 1 FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent)
SELECT format('CREATE %sTABLE %I.%I', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, n.nspname, c.relname) || CASE
    WHEN c.relispartition THEN (SELECT format(' PARTITION OF %s %s', i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid)) FROM pg_inherits i WHERE i.inhrelid = c.oid)
    ELSE E' (\\n' || coalesce((SELECT string_agg(${columnText}, E',\\n' ORDER BY a.attnum) FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal AND ${userColumn}), '') || E'\\n)'
      || coalesce((SELECT ' INHERITS (' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) || ')' FROM pg_inherits i WHERE i.inhrelid = c.oid), '') END
    || coalesce(' PARTITION BY ' || pg_get_partkeydef(c.oid), '') || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') || ';' AS statement,
  CASE WHEN NOT c.relispartition THEN format('DROP TABLE %I.%I CASCADE;', n.nspname, c.relname) END AS undo
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN (SELECT oid, max(depth) AS depth FROM tree GROUP BY oid) AS t ON t.oid = c.oid
WHERE ${userSchema} AND c.relname <> 'plinth_migrations' AND ${notOfExtension('c.oid', 'pg_class')} ORDER BY t.depth, c.oid`

const ownedSequences = `
SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I;', c.oid::regclass, d.refobjid::regclass, a.attname) AS statement, NULL AS undo
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refobjsubid > 0
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE c.relkind = 'S' AND ${userSchema} AND ${notOfExtension('c.oid', 'pg_class')} ORDER BY c.oid`

const constraints = (kinds: string): string => `
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s;', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) AS statement, NULL AS undo
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${userSchema} AND k.contype IN (${kinds}) AND k.conparentid = 0 AND k.conislocal AND c.relkind IN ('r', 'p') AND c.relname <> 'plinth_migrations' AND ${notOfExtension('c.oid', 'pg_class')}
ORDER BY position(k.contype::text in 'puxcf'), c.oid, k.conname`

const indexes = (kinds: string): string => `
SELECT replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') || ';' AS statement, NULL AS undo
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${userSchema} AND c.relkind IN (${kinds}) AND NOT ic.relispartition AND i.indisvalid AND c.relname <> 'plinth_migrations' AND ${notOfExtension('c.oid', 'pg_class')}
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) ORDER BY ic.oid`

/** A view after the views it reads. */
const views = `
WITH RECURSIVE reads AS (
  SELECT DISTINCT r.ev_class AS reader, d.refobjid AS source FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = d.refobjid AND s.relkind IN ('v', 'm') WHERE d.refobjid <> r.ev_class),
ranks (oid, rank) AS (
  SELECT c.oid, 0 FROM pg_class c WHERE c.relkind IN ('v', 'm') AND NOT EXISTS (SELECT FROM reads WHERE reads.reader = c.oid)
  UNION ALL SELECT reads.reader, ranks.rank + 1 FROM reads JOIN ranks ON ranks.oid = reads.source WHERE ranks.rank < 100)
SELECT format('CREATE %s %I.%I%s AS %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname,
    coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', ''), pg_get_viewdef(c.oid)) AS statement,
  format('DROP %s %I.%I CASCADE;', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname) AS undo
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN (SELECT oid, max(rank) AS rank FROM ranks GROUP BY oid) r ON r.oid = c.oid
WHERE ${userSchema} AND ${notOfExtension('c.oid', 'pg_class')} ORDER BY r.rank, c.oid`

const triggers = `
SELECT pg_get_triggerdef(g.oid) || ';' || CASE g.tgenabled WHEN 'D' THEN format(E'\\nALTER TABLE %s DISABLE TRIGGER %I;', g.tgrelid::regclass, g.tgname) ELSE '' END AS statement, NULL AS undo
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND ${userTrigger} AND ${userSchema} AND ${notOfExtension('c.oid', 'pg_class')} ORDER BY g.oid`

const rowSecurity = `
SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY;', c.oid::regclass) || CASE WHEN c.relforcerowsecurity THEN format(E'\\nALTER TABLE %s FORCE ROW LEVEL SECURITY;', c.oid::regclass) ELSE '' END AS statement, NULL AS undo
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity AND ${userSchema} AND ${notOfExtension('c.oid', 'pg_class')} ORDER BY c.oid`

const policies = `
SELECT concat_ws(' ', format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, p.polrelid::regclass, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY r) FROM unnest(p.polroles) r)),
  'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', 'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') || ';' AS statement, NULL AS undo
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userSchema} AND ${notOfExtension('c.oid', 'pg_class')} ORDER BY p.oid`

const comments = `
SELECT CASE WHEN d.objsubid > 0 THEN format('COMMENT ON COLUMN %s.%I IS %L;', c.oid::regclass, a.attname, d.description)
  ELSE format('COMMENT ON %s %s IS %L;', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, c.oid::regclass, d.description) END AS statement, NULL AS undo
FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND ${userSchema} AND ${notOfExtension('c.oid', 'pg_class')} ORDER BY c.oid, d.objsubid`

/** In this order everything finds what it needs. */
export const dumpQueries: readonly string[] = [
  schemas,
  extensions,
  types,
  sequences,
  functions(false),
  tables,
  ownedSequences,
  constraints(`'p', 'u', 'x', 'c'`),
  indexes(`'r', 'p'`),
  constraints(`'f'`),
  functions(true),
  views,
  indexes(`'m'`),
  triggers,
  rowSecurity,
  policies,
  comments,
]

// What a database contains, as comparable text: one line per object, read from pg_catalog. Column order, statistics, grants and
// comments are left out; so are the members of extensions and our own bookkeeping.

import { inTransaction, type Connection } from './connection.ts'

/** Definitions by object: `column public.posts.title` → `text NOT NULL`. */
export type Catalog = ReadonlyMap<string, string>

export interface CatalogDifference {
  /** `column public.posts.title` */
  readonly object: string
  /** Undefined: it should not be there. */
  readonly expected: string | undefined
  /** Undefined: it is missing. */
  readonly found: string | undefined
}

export interface CatalogOptions {
  /** Only these schemas; default: all but PostgreSQL's own. */
  readonly schemas?: readonly string[]
}

/** Names that never count: ours, and what PostgreSQL or an extension made. */
const userObject = (oid: string, catalog: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = ${oid} AND e.classid = '${catalog}'::regclass AND e.deptype = 'e')`

const userSchema = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'plinth') AND ($1::text[] IS NULL OR n.nspname = ANY ($1))`

const catalogQuery = `
SELECT 'schema' AS kind, n.nspname AS name, '' AS definition
FROM pg_namespace n WHERE ${userSchema} AND n.nspname <> 'public' AND ${userObject('n.oid', 'pg_namespace')}
UNION ALL
SELECT 'enum', format('%s.%s', n.nspname, t.typname), string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid
WHERE ${userSchema} AND ${userObject('t.oid', 'pg_type')} GROUP BY 2
UNION ALL
SELECT 'domain', format('%s.%s', n.nspname, t.typname), concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
  CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault,
  (SELECT string_agg(format('%s %s', c.conname, pg_get_constraintdef(c.oid)), ' ' ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND ${userSchema} AND ${userObject('t.oid', 'pg_type')}
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'type' ELSE 'table' END, format('%s.%s', n.nspname, c.relname),
  CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) ELSE concat_ws(' ', 'PARTITION BY ' || pg_get_partkeydef(c.oid),
    (SELECT format('PARTITION OF %s %s', i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid)) FROM pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition),
    CASE WHEN c.relrowsecurity THEN 'ROW LEVEL SECURITY' END, CASE WHEN c.relforcerowsecurity THEN 'FORCED' END) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND ${userSchema} AND c.relname <> 'plinth_migrations' AND ${userObject('c.oid', 'pg_class')}
UNION ALL
SELECT 'column', format('%s.%s.%s', n.nspname, c.relname, a.attname), concat_ws(' ', format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
  CASE WHEN a.attnotnull THEN 'NOT NULL' END,
  CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
  CASE WHEN a.attgenerated = '' THEN 'DEFAULT' ELSE 'GENERATED' END || ' ' || pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND ${userSchema}
  AND c.relname <> 'plinth_migrations' AND ${userObject('c.oid', 'pg_class')}
UNION ALL
SELECT 'constraint', format('%s.%s.%s', n.nspname, c.relname, k.conname), pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND ${userSchema} AND c.relname <> 'plinth_migrations' AND ${userObject('c.oid', 'pg_class')}
UNION ALL
SELECT 'index', format('%s.%s', n.nspname, c.relname), pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${userSchema} AND t.relname <> 'plinth_migrations' AND t.relkind IN ('r', 'p', 'm') AND ${userObject('t.oid', 'pg_class')}
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'sequence', format('%s.%s', n.nspname, c.relname), concat_ws(' ', format_type(s.seqtypid, NULL), 'START', s.seqstart, 'INCREMENT', s.seqincrement,
  'MIN', s.seqmin, 'MAX', s.seqmax, 'CACHE', s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' END,
  (SELECT format('OWNED BY %s.%s', d.refobjid::regclass, a.attname) FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
   WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 LIMIT 1))
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userSchema} AND ${userObject('c.oid', 'pg_class')}
UNION ALL
SELECT 'function', format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), pg_get_functiondef(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND ${userSchema} AND ${userObject('p.oid', 'pg_proc')}
UNION ALL
SELECT 'trigger', format('%s.%s.%s', n.nspname, c.relname, g.tgname), pg_get_triggerdef(g.oid) || ' ' || g.tgenabled::text
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal AND ${userSchema} AND ${userObject('c.oid', 'pg_class')}
UNION ALL
SELECT 'policy', format('%s.%s.%s', n.nspname, c.relname, p.polname), concat_ws(' ', p.polcmd, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
  (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r) END, ',' ORDER BY r) FROM unnest(p.polroles) r),
  'USING ' || pg_get_expr(p.polqual, p.polrelid), 'CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userSchema}`

/**
 * Reads what a database contains. Names are qualified in every definition, whatever the session's search_path is.
 *
 * @param connection  not inside a transaction
 */
export async function readCatalog(connection: Connection, options: CatalogOptions = {}): Promise<Catalog> {
  const rows = await inTransaction(connection, async () => {
    await connection.query(`SET LOCAL search_path = ''`)
    return (await connection.query<{ kind: string; name: string; definition: string | null }>(catalogQuery, [options.schemas ?? null])).rows
  })
  return new Map(rows.map(({ kind, name, definition }) => [`${kind} ${name}`, definition ?? '']))
}

/** Objects that differ, sorted; empty when both are the same. */
export function compareCatalogs(expected: Catalog, found: Catalog): CatalogDifference[] {
  const objects = [...new Set([...expected.keys(), ...found.keys()])].toSorted()
  return objects
    .filter((object) => expected.get(object) !== found.get(object))
    .map((object) => ({ object, expected: expected.get(object), found: found.get(object) }))
}

/** `column public.posts.title is text, expected character varying(10)` */
export function describeDifference({ object, expected, found }: CatalogDifference): string {
  if (found === undefined) return `${object} is missing (${oneLine(expected)})`
  if (expected === undefined) return `${object} should not be there (${oneLine(found)})`
  return `${object} is ${oneLine(found)}, expected ${oneLine(expected)}`
}

function oneLine(definition: string | undefined): string {
  const text = (definition ?? '').replaceAll(/\s+/g, ' ').trim()
  return text.length > 200 ? `${text.slice(0, 200)} …` : text === '' ? 'no details' : text
}

// What belongs to the user: not PostgreSQL, not an extension, not our own bookkeeping, not a single partition.

/** Condition over `n` (pg_namespace). `$1`: schemas to read, NULL for all. */
export const userSchema = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'plinth') AND ($1::text[] IS NULL OR n.nspname = ANY ($1))`

/** Condition: an object is no member of an extension. */
export function notOfExtension(oid: string, catalog: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = ${oid} AND x.classid = '${catalog}'::regclass AND x.deptype = 'e')`
}

/** Condition over `n` and `c` (pg_class): a relation that becomes a model. */
export const userRelation = `${userSchema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND c.relname <> 'plinth_migrations' AND ${notOfExtension('c.oid', 'pg_class')}`

/** Condition over `a` (pg_attribute): not the version that a cached table has in each row. */
export const userColumn = `NOT (a.attname = 'plinth_version' AND a.atttypid = 'xid8'::regtype)`

/** Condition over `g` (pg_trigger): not one of ours. */
export const userTrigger = `NOT EXISTS (SELECT FROM pg_proc f JOIN pg_namespace fn ON fn.oid = f.pronamespace WHERE f.oid = g.tgfoid AND fn.nspname = 'plinth')`

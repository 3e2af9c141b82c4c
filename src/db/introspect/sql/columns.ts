// Columns of every user relation, in table order.

import { userColumn, userRelation } from './scope.ts'

export interface ColumnRow {
  readonly schema: string
  readonly relation: string
  readonly name: string
  readonly type: string
  readonly typeKind: string
  readonly typeSchema: string
  readonly typeName: string
  readonly dimensions: number
  readonly notNull: boolean
  readonly expression: string | null
  readonly isGenerated: boolean
  readonly identity: string
  readonly sequence: string | null
  readonly sequenceOptions: { start: string; increment: string; min: string; max: string; cache: string; cycle: boolean } | null
  readonly comment: string | null
}

/** A domain's default counts as the column's: a create may leave the column out. `e` is the type itself or, for an array, that of its elements. */
export const columnsQuery = `
SELECT n.nspname AS schema, c.relname AS relation, a.attname AS name, format_type(e.oid, a.atttypmod) AS type, e.typtype AS "typeKind",
  en.nspname AS "typeSchema", e.typname AS "typeName", CASE WHEN e.oid = t.oid THEN 0 ELSE greatest(a.attndims, 1)::int END AS dimensions,
  a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS "notNull", coalesce(pg_get_expr(d.adbin, d.adrelid), CASE WHEN t.typtype = 'd' THEN t.typdefault END) AS expression, a.attgenerated <> '' AS "isGenerated",
  a.attidentity AS identity, s.name AS sequence, s.options AS "sequenceOptions", col_description(c.oid, a.attnum) AS comment
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
JOIN pg_namespace en ON en.oid = e.typnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN LATERAL (
  SELECT sc.relname AS name, json_build_object('start', q.seqstart::text, 'increment', q.seqincrement::text, 'min', q.seqmin::text, 'max', q.seqmax::text,
    'cache', q.seqcache::text, 'cycle', q.seqcycle) AS options
  FROM pg_depend p JOIN pg_class sc ON sc.oid = p.objid AND sc.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = sc.oid
  WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum
    AND p.deptype IN ('a', 'i') AND sc.relnamespace = c.relnamespace
  ORDER BY sc.oid LIMIT 1
) s ON true
WHERE a.attnum > 0 AND NOT a.attisdropped AND ${userColumn} AND ${userRelation}
ORDER BY n.nspname, c.relname, a.attnum`

// Relations, enums, constraints and indexes: one query each, rows as plain as SQL can make them.

import { notOfExtension, userRelation } from './scope.ts'

export interface RelationRow {
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly comment: string | null
  readonly definition: string | null
  readonly options: string[] | null
  readonly partitionKey: string | null
}

export const relationsQuery = `
SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, obj_description(c.oid, 'pg_class') AS comment,
  CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition, CASE WHEN c.relkind = 'v' THEN c.reloptions END AS options,
  pg_get_partkeydef(c.oid) AS "partitionKey"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${userRelation}
ORDER BY n.nspname, c.relname`

export interface EnumRow {
  readonly schema: string
  readonly name: string
  readonly values: string[]
}

export const enumsQuery = `
SELECT n.nspname AS schema, t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS values
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ${notOfExtension('t.oid', 'pg_type')}
GROUP BY 1, 2 ORDER BY 1, 2`

export interface ConstraintRow {
  readonly schema: string
  readonly relation: string
  readonly name: string
  /** p u f c x */
  readonly type: string
  readonly columns: string[]
  readonly foreignSchema: string | null
  readonly foreignTable: string | null
  readonly foreignColumns: string[] | null
  readonly onUpdate: string
  readonly onDelete: string
  readonly nullsNotDistinct: boolean
  readonly deferrable: boolean
  readonly definition: string
  readonly expression: string | null
  /** Not enforced, NO INHERIT, WITHOUT OVERLAPS, ON DELETE SET NULL (columns): nothing Drizzle can say. */
  readonly special: boolean
}

const names = (relation: string, numbers: string): string =>
  `(SELECT array_agg(a.attname::text ORDER BY m.place) FROM unnest(${numbers}) WITH ORDINALITY AS m (number, place) JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = m.number)`

export const constraintsQuery = `
SELECT n.nspname AS schema, c.relname AS relation, k.conname AS name, k.contype AS type, coalesce(${names('k.conrelid', 'k.conkey')}, '{}') AS columns,
  fn.nspname AS "foreignSchema", f.relname AS "foreignTable", ${names('k.confrelid', 'k.confkey')} AS "foreignColumns",
  k.confupdtype AS "onUpdate", k.confdeltype AS "onDelete", coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS "nullsNotDistinct",
  k.condeferrable AS deferrable, pg_get_constraintdef(k.oid) AS definition, pg_get_expr(k.conbin, k.conrelid) AS expression,
  k.connoinherit AND k.contype = 'c' OR coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) OR coalesce(to_jsonb(k) ->> 'confdelsetcols', '') <> ''
    OR k.confmatchtype = 'f' OR NOT coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS special
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u')
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND ${userRelation} AND coalesce(NOT f.relispartition, true)
ORDER BY n.nspname, c.relname, k.conname`

export interface IndexRow {
  readonly schema: string
  readonly relation: string
  readonly name: string
  readonly unique: boolean
  readonly method: string
  readonly keys: { value: string; isExpression: boolean; descending: boolean; nullsFirst: boolean; operatorClass: string | null }[]
  readonly where: string | null
  readonly definition: string
  /** INCLUDE columns, NULLS NOT DISTINCT, a collation or storage parameters: nothing Drizzle can say. */
  readonly special: boolean
}

export const indexesQuery = `
SELECT n.nspname AS schema, c.relname AS relation, ic.relname AS name, i.indisunique AS unique, am.amname AS method,
  (SELECT json_agg(json_build_object('value', coalesce(a.attname, pg_get_indexdef(i.indexrelid, k.place::int, false)), 'isExpression', k.number = 0,
      'descending', i.indoption[(k.place - 1)::int] & 1 = 1, 'nullsFirst', i.indoption[(k.place - 1)::int] & 2 = 2,
      'operatorClass', CASE WHEN NOT o.opcdefault THEN o.opcname END) ORDER BY k.place)
   FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place) LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0
   JOIN pg_opclass o ON o.oid = i.indclass[(k.place - 1)::int] WHERE k.place <= i.indnkeyatts) AS keys,
  pg_get_expr(i.indpred, i.indrelid) AS where, pg_get_indexdef(i.indexrelid) AS definition,
  i.indnatts > i.indnkeyatts OR ic.reloptions IS NOT NULL OR coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
    OR EXISTS (SELECT FROM unnest(i.indcollation) WITH ORDINALITY AS l (oid, place) JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = l.place
      JOIN pg_type t ON t.oid = a.atttypid WHERE l.oid <> 0 AND l.oid <> t.typcollation) AS special
FROM pg_index i
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am am ON am.oid = ic.relam
WHERE ${userRelation} AND i.indisvalid AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY n.nspname, c.relname, ic.relname`

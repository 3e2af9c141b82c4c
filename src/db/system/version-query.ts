// Asks for the version of what a read depends on: one statement on the primary, 45 µs of PostgreSQL for three tables. Two answers that
// are equal mean that nothing was committed to these tables in between; a version that has passed never comes back.
// decisions/0011-table-versions.md has the argument.

import { textColumns, type Statement, type TextRows } from '../rows.ts'

export interface VersionQuestion {
  /** Tables whose every write makes another version, as SQL names them: `"public"."items"`. Resolved when the statement runs. */
  readonly tables: readonly string[]
  /** One row, where only its own writes count. */
  readonly row?: RowQuestion
}

export interface RowQuestion {
  /** As SQL names it; has the column `plinth_version`. */
  readonly table: string
  /** What follows `where`, with parameters from `$1` on: `"id" = $1::text::integer`. */
  readonly condition: string
  readonly values: Statement['values']
}

export type Versions =
  | {
      readonly kind: 'known'
      /** Of the database: another server, database or timeline, or a crash, makes another one. */
      readonly identity: string
      /** Of everything that was asked for, together; ASCII, some 40 bytes for each table. */
      readonly version: string
    }
  /** Not to be cached: these are not there, are no plain tables, or lack a trigger that is always on. In the order of the question. */
  | { readonly kind: 'untracked'; readonly tables: readonly string[] }

/** What has to be true of a table for its triggers to see every write: those to a parent or child, or from a subscription, fire none of its own. */
const plainTable = `c.relkind = 'r' AND NOT c.relhassubclass AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
  AND NOT EXISTS (SELECT FROM pg_subscription_rel s WHERE s.srrelid = c.oid)`

/** `xmin` of the catalog rows changes when the table is altered or a trigger is switched off and on; all are read in the snapshot of the statement. */
const from = `pg_class c
  JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname = 'plinth_track' AND g.tgenabled = 'A' AND g.tgtype = 60 AND g.tgfoid = 'plinth.track'::regproc
  JOIN LATERAL (SELECT v.version, v.seen FROM plinth.versions v WHERE v.relation = c.oid AND v.home = plinth.home() ORDER BY v.version DESC LIMIT 1) v ON true
  LEFT JOIN plinth.touches t ON t.relation = c.oid AND t.home = plinth.home()`

const shapeText = `c.oid, '.', c.relfilenode, '.', c.xmin, '.', g.xmin, '.', t.version, '.'`

/**
 * The newest row, and those its writer had not seen; usually it had seen all. Each id that was open then is looked for by itself: for
 * `= ANY` of several PostgreSQL 15 went through all rows of the table.
 */
const writesText = `v.version, CASE WHEN pg_snapshot_xmin(v.seen) = v.version THEN '' ELSE '+' || array_to_string(ARRAY(
    SELECT o.version FROM plinth.versions o WHERE o.relation = c.oid AND o.home = plinth.home() AND o.version >= pg_snapshot_xmax(v.seen) AND o.version < v.version
    UNION ALL SELECT (SELECT o.version FROM plinth.versions o WHERE o.relation = c.oid AND o.home = plinth.home() AND o.version = open.id)
      FROM pg_snapshot_xip(v.seen) open (id)
    ORDER BY 1), '+') END`

const tableVersion = `(SELECT concat(${shapeText}, ${writesText}) FROM ${from} WHERE c.oid = to_regclass(asked.name) AND ${plainTable})`

/** Without the row (or with one whose version came from elsewhere and is not assigned yet) every write to the table counts. */
function rowVersion({ table, condition }: RowQuestion, parameter: number): string {
  return `(SELECT concat(${shapeText}, s.xmin, '.', CASE WHEN pg_visible_in_snapshot(r.plinth_version, pg_current_snapshot()) THEN r.plinth_version::text ELSE concat('w', ${writesText}) END)
  FROM ${from}
  JOIN pg_trigger s ON s.tgrelid = c.oid AND s.tgname = 'plinth_stamp' AND s.tgenabled = 'A' AND s.tgtype = 23 AND s.tgfoid = 'plinth.stamp'::regproc
  LEFT JOIN LATERAL (SELECT plinth_version FROM ${table} WHERE ${condition}) r ON true
  WHERE c.oid = to_regclass($${parameter}::text) AND ${plainTable})`
}

/**
 * The statement. Its text depends on how many tables are asked for, not on which, so there are few to prepare; give it a name.
 *
 * @throws RangeError without a table and a row
 */
export function versionStatement({ tables, row }: VersionQuestion): Statement {
  if (tables.length === 0 && row === undefined) throw new RangeError('A version is that of a table or of a row.')
  const first = row?.values ?? []
  const names = row === undefined ? tables : [row.table, ...tables]
  const parameters = names.map((_, i) => first.length + i + 1)
  const parts = [
    ...(row === undefined ? [] : [rowPart(row, parameters.shift() ?? 0)]),
    ...(parameters.length > 0 ? [tablesPart(parameters)] : []),
  ]
  return { text: parts.join('\nUNION ALL\n'), values: [...first, ...names] }
}

function rowPart(row: RowQuestion, parameter: number): string {
  return `SELECT plinth.identity(), $${parameter}::text, ${rowVersion(row, parameter)}`
}

/** VALUES and not an array: for an array of unknown length PostgreSQL plans anew each time. */
function tablesPart(parameters: readonly number[]): string {
  return `SELECT plinth.identity(), asked.name, ${tableVersion} FROM (VALUES ${parameters.map((n) => `($${n}::text)`).join(', ')}) asked (name)`
}

/** Reads the answer to `versionStatement`. */
export function readVersions(rows: TextRows): Versions {
  const columns = Array.from({ length: rows.count }, (_, i) => textColumns(rows, i))
  const untracked = columns.filter(([, , version]) => version === null).map(([, name]) => name ?? '')
  if (untracked.length > 0 || rows.count === 0) return { kind: 'untracked', tables: untracked }
  return { kind: 'known', identity: columns[0]?.[0] ?? '', version: columns.map(([, , version]) => version).join(';') }
}

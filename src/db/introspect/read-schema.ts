// pg_catalog → `DatabaseSchema`. Five queries in one snapshot; works on any PostgreSQL from 15 on.

import type { Connection } from '../migrate/connection.ts'
import type {
  DatabaseColumn,
  DatabaseForeignKey,
  DatabaseIndex,
  DatabaseRelation,
  DatabaseSchema,
  ReferentialAction,
  RelationKind,
} from './database-schema.ts'
import { columnsQuery, type ColumnRow } from './sql/columns.ts'
import {
  constraintsQuery,
  enumsQuery,
  indexesQuery,
  relationsQuery,
  type ConstraintRow,
  type EnumRow,
  type IndexRow,
  type RelationRow,
} from './sql/relations.ts'

export interface ReadSchemaOptions {
  /** Only tables and views of these schemas; default: all but PostgreSQL's own. */
  readonly schemas?: readonly string[]
}

/**
 * Reads what a database consists of.
 *
 * @param connection  not inside a transaction
 */
export async function readSchema(connection: Connection, options: ReadSchemaOptions = {}): Promise<DatabaseSchema> {
  const rows = await readRows(connection, options.schemas)
  return { enums: rows.enums, relations: rows.relations.map((relation) => buildRelation(relation, rows)) }
}

interface Rows {
  readonly relations: readonly RelationRow[]
  readonly columns: readonly ColumnRow[]
  readonly constraints: readonly ConstraintRow[]
  readonly indexes: readonly IndexRow[]
  readonly enums: readonly EnumRow[]
}

/** One transaction, so that all queries see one state; `public` on the path, so that its names are written without it. */
async function readRows(connection: Connection, schemas: readonly string[] | undefined): Promise<Rows> {
  await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  try {
    await connection.query(`SET LOCAL search_path = 'public'`)
    const ask = async <row extends object>(text: string, values: unknown[] = [schemas ?? null]): Promise<row[]> =>
      (await connection.query<row>(text, values)).rows
    return {
      relations: await ask<RelationRow>(relationsQuery),
      columns: await ask<ColumnRow>(columnsQuery),
      constraints: await ask<ConstraintRow>(constraintsQuery),
      indexes: await ask<IndexRow>(indexesQuery),
      enums: await ask<EnumRow>(enumsQuery, []),
    }
  } finally {
    await connection.query('ROLLBACK') // nothing was written
  }
}

const relationKinds: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
}

function buildRelation(row: RelationRow, rows: Rows): DatabaseRelation {
  const own = <item extends { readonly schema: string; readonly relation: string }>(items: readonly item[]): item[] =>
    items.filter(({ schema, relation }) => schema === row.schema && relation === row.name)
  const constraints = own(rows.constraints)
  const spoken = constraints.filter(canBeSaid)
  const indexes = own(rows.indexes)
  const primaryKey = spoken.find(({ type }) => type === 'p')
  return {
    schema: row.schema,
    name: row.name,
    kind: relationKinds[row.kind] ?? 'table',
    ...(row.comment === null ? {} : { comment: row.comment }),
    columns: own(rows.columns).map(buildColumn),
    ...(primaryKey === undefined ? {} : { primaryKey: { name: primaryKey.name, columns: primaryKey.columns } }),
    uniques: spoken.filter(({ type }) => type === 'u').map(({ name, columns, nullsNotDistinct }) => ({ name, columns, nullsNotDistinct })),
    foreignKeys: spoken.filter(({ type }) => type === 'f').map(buildForeignKey),
    checks: spoken.filter(({ type }) => type === 'c').map(({ name, expression }) => ({ name, expression: expression ?? '' })),
    indexes: indexes.filter(({ special }) => !special).map(buildIndex),
    ...(row.definition === null ? {} : { definition: row.definition.trim().replace(/;$/, '') }),
    options: row.options ?? [],
    unspoken: [
      ...(row.partitionKey === null ? [] : [`PARTITION BY ${row.partitionKey}`]),
      ...constraints.filter((constraint) => !canBeSaid(constraint)).map(({ name, definition }) => `${name} ${definition}`),
      ...indexes.filter(({ special }) => special).map(({ definition }) => definition),
    ],
  }
}

/** A deferrable key is still a key for reading; an exclusion constraint or a key over part of a range is not one. */
function canBeSaid({ type, special }: ConstraintRow): boolean {
  return type !== 'x' && !special
}

const typeKinds: Readonly<Record<string, DatabaseColumn['typeKind']>> = { e: 'enum', d: 'domain', c: 'composite', r: 'range', m: 'range' }

function buildColumn(row: ColumnRow): DatabaseColumn {
  const { name, type, typeSchema, typeName, dimensions, notNull, sequence, sequenceOptions } = row
  const expression = row.expression ?? undefined
  return {
    name,
    type,
    typeKind: typeKinds[row.typeKind] ?? 'base',
    typeSchema,
    typeName,
    dimensions,
    notNull,
    ...(expression === undefined ? {} : row.isGenerated ? { generated: expression } : { default: expression }),
    ...(row.identity !== '' && sequence !== null && sequenceOptions !== null
      ? { identity: { always: row.identity === 'a', sequence, ...sequenceOptions } }
      : {}),
    ...(row.identity === '' && sequence !== null ? { ownedSequence: sequence } : {}),
    ...(row.comment === null ? {} : { comment: row.comment }),
  }
}

const actions: Readonly<Record<string, ReferentialAction>> = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
}

function buildForeignKey(row: ConstraintRow): DatabaseForeignKey {
  return {
    name: row.name,
    columns: row.columns,
    foreignSchema: row.foreignSchema ?? 'public',
    foreignTable: row.foreignTable ?? '',
    foreignColumns: row.foreignColumns ?? [],
    onUpdate: actions[row.onUpdate] ?? 'no action',
    onDelete: actions[row.onDelete] ?? 'no action',
  }
}

function buildIndex({ name, unique, method, keys, where }: IndexRow): DatabaseIndex {
  return {
    name,
    unique,
    method,
    keys: keys.map(({ operatorClass, ...key }) => ({ ...key, ...(operatorClass === null ? {} : { operatorClass }) })),
    ...(where === null ? {} : { where }),
  }
}

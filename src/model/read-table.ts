// A Drizzle table or view → a frozen `Model`. With the other `read-*.ts` files the only place that knows Drizzle's insides.

import { Column, getColumns, is, SQL } from 'drizzle-orm'
import { getMaterializedViewConfig, getViewConfig, PgMaterializedView, PgTable, PgView } from 'drizzle-orm/pg-core'
import { modelErrors } from './errors.ts'
import { deepFreeze, frozenMap } from './freeze.ts'
import { describe } from './kinds/parsed.ts'
import type { Field, Model, TableName } from './model.ts'
import { readColumn, untypedField } from './read-column.ts'
import { readChecks, readForeignKeys, readLooseUniques, readPrimaryKey, readUniques, tableNameOf } from './read-constraints.ts'
import { readSources } from './read-sources.ts'
import { quoteName } from './sql-type.ts'

type AnyView = PgView | PgMaterializedView
type ModelParts = Pick<Model, 'sources' | 'primaryKey' | 'uniques' | 'looseUniques' | 'checks' | 'foreignKeys'>

/**
 * Everything Plinth needs to know of a table, read once at start.
 *
 * @param name  of the model; default: the table's. To tell tables of the same name in several schemas apart.
 * @throws      AppError `MODEL_NOT_A_TABLE`, `MODEL_NESTED_VIEW_FIELD`
 */
export function readTable(table: PgTable | PgView | PgMaterializedView, name?: string): Model {
  if (is(table, PgTable)) return readPgTable(table, name)
  if (is(table, PgView) || is(table, PgMaterializedView)) return readView(table, name)
  throw modelErrors.NOT_A_TABLE(describe(table))
}

function readPgTable(table: PgTable, name?: string): Model {
  const fields = Object.entries(getColumns(table)).map(([key, column]) => readColumn(key, column))
  const primaryKey = readPrimaryKey(table)
  const keyed = fields.map((field) => (primaryKey?.fields.includes(field.name) === true ? { ...field, nullable: false } : field))
  return buildModel(name, tableNameOf(table), false, keyed, {
    sources: [],
    primaryKey: primaryKey?.fields ?? [],
    uniques: [...(primaryKey === undefined ? [] : [primaryKey]), ...readUniques(table)],
    looseUniques: readLooseUniques(table),
    checks: readChecks(table, fields),
    foreignKeys: readForeignKeys(table),
  })
}

function readView(view: AnyView, name?: string): Model {
  const config = is(view, PgView) ? getViewConfig(view) : getMaterializedViewConfig(view)
  const table = config.schema === undefined ? { name: config.name } : { schema: config.schema, name: config.name }
  const fields = Object.entries(config.selectedFields).map(([key, selected]) => readSelected(config.name, key, selected))
  const none = { primaryKey: [], uniques: [], looseUniques: [], checks: [], foreignKeys: [] }
  return buildModel(name, table, true, fields, { sources: readSources(config.query), ...none })
}

/** A view's own columns have a type; so has an expression with `mapWith(column)`. */
function readSelected(view: string, key: string, selected: unknown): Field {
  if (is(selected, Column)) return fromView(readColumn(key, selected))
  if (!is(selected, SQL.Aliased)) throw modelErrors.NESTED_VIEW_FIELD(view, key)
  const { decoder } = selected.sql as unknown as { readonly decoder: unknown }
  const typed = is(decoder, Column) ? readColumn(key, decoder) : untypedField(key, selected.fieldAlias)
  return { ...fromView(typed), column: selected.fieldAlias, nullable: true }
}

/** Nothing is written through a view. */
function fromView({ makeDefault: _made, onUpdate: _update, default: _default, ...field }: Field): Field {
  return { ...field, hasDefault: false, generated: true }
}

function buildModel(name: string | undefined, table: TableName, isView: boolean, fields: readonly Field[], parts: ModelParts): Model {
  const softDelete = isView ? undefined : fields.find(isSoftDelete)?.name
  const model: Model = {
    name: name ?? table.name,
    table,
    sqlName: [table.schema, table.name]
      .filter((part) => part !== undefined)
      .map(quoteName)
      .join('.'),
    isView,
    fields,
    fieldByName: frozenMap(fields.map((field) => [field.name, field])),
    fieldByColumn: frozenMap(fields.map((field) => [field.column, field])),
    ...parts,
    ...(softDelete === undefined ? {} : { softDelete }),
  }
  return deepFreeze(model)
}

function isSoftDelete({ column, kind, nullable, dimensions }: Field): boolean {
  return column === 'deleted_at' && kind.name === 'timestamp' && nullable && dimensions === 0
}

// Foreign keys of a generated model: the table must be there, and the column is of the type of its key.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AppOptions } from '../../app/define.ts'
import { readModels } from '../../app/models.ts'
import type { Field, Model } from '../../model/model.ts'
import { readTable } from '../../model/read-table.ts'
import { readSqlType } from '../../model/sql-type.ts'
import { isTableOrView } from '../../model/tables.ts'
import { nearest } from '../../support/similar.ts'
import { UsageError } from '../output.ts'
import type { GeneratedColumn } from './field-words.ts'

/** A foreign key that is worked out: what to import, from where, and the field it points to. */
export interface Reference {
  readonly column: string
  /** Undefined when it is the table that is being generated. */
  readonly imported?: { readonly name: string; readonly from: string }
  readonly target: string
}

export interface ResolvedColumns {
  readonly columns: readonly GeneratedColumn[]
  readonly references: readonly Reference[]
}

/**
 * @param table  the one that is being generated; its own key is a serial called `id`
 * @throws UsageError when a table is not there, or its key is not one column of a usual type
 */
export function resolveReferences(columns: readonly GeneratedColumn[], table: string, options: AppOptions, root: string): ResolvedColumns {
  const models = new Map(readModels(options).models.map((model) => [model.name, model]))
  const resolved = columns.map((column) => resolve(column, table, models))
  return {
    columns: resolved.map(({ column }) => column),
    references: resolved.flatMap(({ column, key }) => {
      if (column.references === undefined || key === undefined) return []
      const imported = column.references === table ? {} : { imported: importOf(column.references, options, root) }
      return [{ column: column.name, target: key, ...imported }]
    }),
  }
}

function resolve(column: GeneratedColumn, table: string, models: ReadonlyMap<string, Model>): { column: GeneratedColumn; key?: string } {
  const { references } = column
  if (references === undefined) return { column }
  if (references === table) return { column, key: 'id' }
  const key = keyOf(references, models)
  const type = columnTypes[readSqlType(key.sqlType).base]
  if (type === undefined) throw new UsageError(`${references}.${key.name} is ${key.sqlType}: write the column "${column.name}" by hand.`)
  return { column: { ...column, ...type(key) }, key: key.name }
}

function keyOf(name: string, models: ReadonlyMap<string, Model>): Field {
  const model = models.get(name)
  if (model === undefined) {
    const near = nearest(name, [...models.keys()])
    throw new UsageError(
      `There is no table "${name}" to refer to. ${near === undefined ? 'Make it first.' : `Perhaps you meant "${near}".`}`,
    )
  }
  const [only, ...others] = model.primaryKey.map((field) => model.fieldByName.get(field))
  if (only === undefined || others.length > 0) throw new UsageError(`"${name}" has no primary key of one column to refer to.`)
  return only
}

type ColumnType = Pick<GeneratedColumn, 'builder' | 'call'>

const integer: ColumnType = { builder: 'integer', call: 'integer()' }

/** By PostgreSQL's name of the key's type. */
const columnTypes: Readonly<Record<string, (key: Field) => ColumnType>> = {
  int2: () => integer,
  int4: () => integer,
  int8: () => ({ builder: 'bigint', call: `bigint({ mode: 'bigint' })` }),
  uuid: () => ({ builder: 'uuid', call: 'uuid()' }),
  text: () => ({ builder: 'text', call: 'text()' }),
  varchar: ({ length }) => ({ builder: 'varchar', call: length === undefined ? 'varchar()' : `varchar({ length: ${length} })` }),
}

/** The name under which models are exported may be another than the table's. */
function importOf(table: string, { models = {} }: AppOptions, root: string): { name: string; from: string } {
  const found = Object.entries(models).find(([, value]) => isTableOrView(value) && readTable(value).name === table)
  const ownFile = existsSync(join(root, `api/models/${table}.ts`))
  return { name: found?.[0] ?? table, from: ownFile ? `./${table}.ts` : './index.ts' }
}

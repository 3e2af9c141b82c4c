// Whether a name, or a foreign key, is about the table of a model. A table without a schema is in `public`.

import type { ForeignKey, Model, TableName } from './model.ts'

export function isTable({ schema = 'public', name }: TableName, { table }: Pick<Model, 'table'>): boolean {
  return name === table.name && schema === (table.schema ?? 'public')
}

export function leadsTo({ foreignTable }: Pick<ForeignKey, 'foreignTable'>, model: Pick<Model, 'table'>): boolean {
  return isTable(foreignTable, model)
}

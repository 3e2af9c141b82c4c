// Foreign keys to records of another tenant. PostgreSQL takes them, because the row is there; whoever sets one is told what they are told of
// a row that is not: the error is the same, and goes the same way.

import { textColumns, type TextRows } from '../db/rows.ts'
import type { AppError } from '../core/errors.ts'
import type { GuardedReference } from './access/guard.ts'
import { explainConstraint } from './constraint.ts'
import type { Writer } from './writer.ts'

/** The foreign key of row `at` that leads to another tenant's record, or to none. */
export function strayIn(rows: TextRows, at: number, column: number, references: readonly GuardedReference[]): GuardedReference | undefined {
  const said = textColumns(rows, at).at(column) ?? ''
  return said.startsWith('r') ? references[Number(said.slice(1))] : undefined
}

/** What PostgreSQL would say. */
export function missingReference({ resource }: Writer, { reference }: GuardedReference): AppError {
  const { schema, name: table } = resource.model.table
  return explainConstraint(new MissingReference({ schema, table, constraint: reference.key.name }), resource)
}

class MissingReference extends Error {
  readonly code = '23503'
  readonly severity = 'ERROR'
  readonly schema: string | undefined
  readonly table: string
  readonly constraint: string

  constructor({ schema, table, constraint }: { schema: string | undefined; table: string; constraint: string }) {
    super(`The foreign key "${constraint}" leads to a record of another tenant.`)
    this.schema = schema
    this.table = table
    this.constraint = constraint
  }
}

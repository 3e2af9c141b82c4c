// A table as plain frozen data: everything the rooms above know about the schema. Made by `read-table.ts` from a
// Drizzle table; nothing above this room looks at a Drizzle object.

import type { Kind } from './kinds/kind.ts'

export interface Field {
  /** Property = JSON field. By convention the same as `column`. */
  readonly name: string
  readonly column: string
  /** PostgreSQL type as it is written in SQL, without array brackets: `varchar(100)`, `numeric(10, 2)`, `mood`. */
  readonly sqlType: string
  /** What parameters are cast to: `sqlType` plus brackets for arrays, quoted and schema-qualified where needed. */
  readonly castType: string
  /** The kind of one element; for arrays see `dimensions`. */
  readonly kind: Kind
  /** 0 for a scalar, 1 for `text[]`, 2 for `text[][]`. */
  readonly dimensions: number
  readonly nullable: boolean
  /** The database (default, identity, serial) or a `$defaultFn` fills it when a create leaves it out. */
  readonly hasDefault: boolean
  /** Static default as JSON, for the documentation; absent for SQL defaults. */
  readonly default?: unknown
  /** Generated column, identity always, or a tsvector: never writable. */
  readonly generated: boolean
  /** Characters for varchar/char, dimensions for vector/bit. */
  readonly length?: number
  readonly precision?: number
  readonly scale?: number
  readonly enumValues?: readonly string[]
  /** `$defaultFn`: called per created row when the value is missing. */
  readonly makeDefault?: () => unknown
  /** `now` for date columns with `$onUpdate` (SQL `now()`), a function for other `$onUpdate` columns. */
  readonly onUpdate?: 'now' | (() => unknown)
  readonly comment?: string
}

export interface ForeignKey {
  readonly name: string
  readonly fields: readonly string[]
  readonly foreignTable: TableName
  readonly foreignFields: readonly string[]
  readonly onDelete: string
}

export interface TableName {
  readonly schema?: string
  readonly name: string
}

/** A named set of columns: primary key, unique constraint or unique index. */
export interface Uniqueness {
  readonly name: string
  readonly fields: readonly string[]
}

/** A unique index that says nothing of whole columns: partial, or over expressions. */
export interface LooseUniqueness extends Uniqueness {
  /** Its columns; expressions are left out. */
  readonly fields: readonly string[]
  readonly hasExpressions: boolean
  /** SQL of the condition that its rows meet. */
  readonly where?: string
}

export interface Check {
  readonly name: string
  /** SQL of the condition, for messages and docs. */
  readonly expression: string
  /** Fields the condition mentions, in column order; may be empty. */
  readonly fields: readonly string[]
}

export interface Model {
  /** Table name, or the view's: `order_items`. Unique in an app. */
  readonly name: string
  readonly table: TableName
  /** Quoted and schema-qualified: `"shop"."order_items"`. */
  readonly sqlName: string
  readonly isView: boolean
  /** Tables that a view reads, as far as its query tells. */
  readonly sources: readonly TableName[]
  readonly fields: readonly Field[]
  readonly fieldByName: ReadonlyMap<string, Field>
  readonly fieldByColumn: ReadonlyMap<string, Field>
  /** Field names; empty for views and tables without a primary key. */
  readonly primaryKey: readonly string[]
  /** The primary key first, then unique constraints and plain unique indexes. */
  readonly uniques: readonly Uniqueness[]
  /** The unique indexes that are not among `uniques`. */
  readonly looseUniques: readonly LooseUniqueness[]
  readonly checks: readonly Check[]
  readonly foreignKeys: readonly ForeignKey[]
  /** `deleted_at` when the table has it. */
  readonly softDelete?: string
}

/** A way from one model to another. `from` and `to` are field names, pairwise equal. */
export interface Relation {
  readonly name: string
  readonly kind: 'one' | 'many' | 'through'
  readonly source: string
  readonly target: string
  readonly from: readonly string[]
  readonly to: readonly string[]
  /** For `through`: source.from = model.from, model.to = target.to. */
  readonly through?: {
    readonly model: string
    readonly from: readonly string[]
    readonly to: readonly string[]
  }
  /** For `one`: the foreign key may be NULL, so the included record may be null. */
  readonly nullable: boolean
}

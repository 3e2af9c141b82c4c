// What a face asks of the engine: plain data, no HTTP. REST makes it from a query string, GraphQL from a selection.

import type { FilterOperator } from '../model/kinds/kind.ts'

/** One condition or a group of them. `path` ends with a field; what stands before it are relations. */
export type FilterNode =
  | { readonly all: readonly FilterNode[] }
  | { readonly any: readonly FilterNode[] }
  | {
      readonly path: readonly string[]
      readonly operator: FilterOperator
      /** As the caller wrote them; `in`, `nin` and `between` have several, the others one. */
      readonly values: readonly string[]
      /** How the caller wrote the condition, for messages: `filter[price][gte]`. */
      readonly source: string
    }

export interface SortKey {
  readonly path: readonly string[]
  readonly descending: boolean
}

/** Relations to include, by name, each with its own includes. */
export interface IncludeTree {
  readonly [relation: string]: IncludeTree
}

/** Sparse fields: `''` for the resource itself, `author` or `author.country` for an included one. */
export type FieldSets = ReadonlyMap<string, readonly string[]>

export interface Shape {
  readonly fields?: FieldSets
  readonly include?: IncludeTree
}

export interface ListRequest extends Shape {
  readonly filter?: FilterNode
  readonly sort?: readonly SortKey[]
  readonly search?: string
  readonly page?: { readonly size?: number; readonly number?: number; readonly after?: string }
  readonly count?: 'exact' | 'none'
  /** Soft-deleted records: left out (default), shown too, or shown alone. */
  readonly deleted?: 'without' | 'with' | 'only'
}

/** Primary key values as text, in the order of `Model.primaryKey`. */
export type RecordKey = readonly string[]

/** Values of one record as parsed JSON; names are fields. */
export type RecordValues = { readonly [field: string]: unknown }

/** Which version of the record a write is for, as in the headers: `*`, an entity tag, or several. */
export interface Preconditions {
  /** The record must be one of these. */
  readonly match?: string
  /** The record must be none of these; `*`: there must be no record. */
  readonly noneMatch?: string
}

export type WriteRequest =
  | ({ readonly operation: 'create'; readonly values: RecordValues } & Pick<Preconditions, 'noneMatch'>)
  | ({ readonly operation: 'replace'; readonly key: RecordKey; readonly values: RecordValues } & Preconditions)
  | ({ readonly operation: 'patch'; readonly key: RecordKey; readonly values: RecordValues } & Preconditions)
  | ({ readonly operation: 'delete'; readonly key: RecordKey } & Preconditions)
  | ({ readonly operation: 'restore'; readonly key: RecordKey } & Preconditions)

/** All or nothing, in one transaction; every item that is wrong is reported with its `index`. */
export type BulkRequest =
  | { readonly operation: 'create'; readonly items: readonly RecordValues[] }
  | { readonly operation: 'patch'; readonly items: readonly RecordValues[] }
  | { readonly operation: 'delete'; readonly keys: readonly RecordKey[] }

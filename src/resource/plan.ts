// What a read will do, as frozen plain data: made from a request, turned into SQL by `statement.ts`. Holds no values
// that were not checked against the kind of their field.

import type { Field, Model } from '../model/model.ts'
import type { FilterOperator } from '../model/kinds/kind.ts'
import type { CompiledRelation, CompiledResource } from './registry.ts'
import type { Slot } from './sql-builder.ts'

/** One-relations that lead from the resource to the table a column is taken from; empty for the resource's own. */
export type RelationPath = readonly CompiledRelation[]

export type OrderKey =
  | { readonly by: 'field'; readonly path: RelationPath; readonly field: Field; readonly descending: boolean }
  /** How well a record matches the search words. */
  | { readonly by: 'rank'; readonly descending: true }

export type Condition =
  | { readonly type: 'all' | 'any'; readonly conditions: readonly Condition[] }
  | {
      readonly type: 'compare'
      readonly field: Field
      readonly operator: FilterOperator
      readonly values: readonly string[]
      /** The value is the caller's own key: a new record that leaves the field out gets it. */
      readonly own?: true
    }
  /** At least one record behind the relation meets the condition. */
  | { readonly type: 'related'; readonly relation: CompiledRelation; readonly condition: Condition | undefined; readonly negated: boolean }
  /** A comparison with what is known of the caller. A slot is a whole parameter: the list of an `in`, the pattern of a `contains`. */
  | { readonly type: 'held'; readonly field: Field; readonly operator: FilterOperator; readonly slots: readonly Slot[] }
  /** At least one row of `model`, whose field `to` is what `from` is here, meets all conditions. */
  | {
      readonly type: 'linked'
      readonly from: Field
      readonly model: Model
      readonly to: Field
      /** Further columns of the same key. */
      readonly more?: readonly { readonly from: Field; readonly to: Field }[]
      readonly conditions: readonly Condition[]
      /** A row that is deleted softly is there, too. */
      readonly withDeleted?: true
    }
  /** The condition is false or unknown. */
  | { readonly type: 'not'; readonly condition: Condition }

/** Which rows: every one, none, or those that meet a condition. */
export type Verdict = boolean | Condition

/** The columns of one level and the levels below it: everything about a reply but its rows. */
export interface ShapePlan {
  readonly resource: CompiledResource
  /** Fields in the reply; the select list starts with them. */
  readonly fields: readonly Field[]
  /** Further columns of the select list: those that a `serialize` hook wants to see, then those that only includes look at. */
  readonly keys: readonly Field[]
  readonly includes: readonly IncludePlan[]
}

export interface IncludePlan {
  /** `author.country`, for messages. */
  readonly path: string
  readonly relation: CompiledRelation
  readonly shape: ShapePlan
}

export interface ListPlan {
  readonly shape: ShapePlan
  readonly where: readonly Condition[]
  readonly order: readonly OrderKey[]
  readonly size: number
  readonly offset: number
  readonly after: readonly (string | null)[] | undefined
  readonly countTotal: boolean
  /** Pages by cursor: the last record's order values are selected, so that the next cursor can be made. */
  readonly keyset: boolean
  readonly deleted: 'without' | 'with' | 'only'
  readonly search: string | undefined
}

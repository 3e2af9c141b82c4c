// What Plinth knows about one column kind. A kind is one file and one plain object; nothing else switches on types.

import type { Field } from '../model.ts'

/** A JSON Schema (draft 2020-12, as OpenAPI 3.1 uses it). */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** How the bytes PostgreSQL sends for a value become JSON. `resource/shape` has one byte-level writer for each. */
export type Encoding =
  /** Copy as it is: integers, json, jsonb. */
  | 'verbatim'
  /** Copy; NaN and Infinity in quotes: float4, float8. */
  | 'float'
  /** `t`/`f` → true/false. */
  | 'boolean'
  /** Quotes around, no escaping needed: uuid, numeric, bigint as string, date, time, inet, interval. */
  | 'quoted'
  /** Quotes around, JSON escaping: text and everything unknown. */
  | 'text'
  /** `2026-11-20 09:00:00.5+00` → `"2026-11-20T09:00:00.5Z"`. */
  | 'timestamp'
  /** `\x6869` → base64 in quotes. */
  | 'bytes'

export type FilterOperator =
  | 'eq'
  | 'ne'
  | 'gt'
  | 'gte'
  | 'lt'
  | 'lte'
  | 'in'
  | 'nin'
  | 'contains'
  | 'starts'
  | 'ends'
  | 'null'
  | 'between'
  | 'has'

/** A JSON value as PostgreSQL text, or why it cannot be one. `hint` says what would be right. */
export type Parsed = { readonly value: string } | { readonly problem: string; readonly hint?: string }

export interface Kind {
  readonly name: string
  readonly encoding: Encoding
  /** Operators a scalar of this kind can be filtered with. Arrays add `has`; every nullable field adds `null`. */
  readonly operators: readonly FilterOperator[]
  /** True when `order by` makes sense (not for json, point, …). */
  readonly sortable: boolean
  /** Schema of one value as Plinth writes it. `parse` accepts whatever this schema accepts. */
  jsonSchema(field: Field): JsonSchema
  /** One JSON value (never null, never an array of values) → PostgreSQL text. Pure; never throws. */
  parse(value: unknown, field: Field): Parsed
  /** One query-string value → PostgreSQL text. */
  parseText(text: string, field: Field): Parsed
  /** PostgreSQL text, as the two above give it → the same text for everything that PostgreSQL takes for equal. Absent: it is that already. */
  canonical?(text: string, field: Field): string
  /** PostgreSQL text → what hooks see (number, string, boolean, Date is never used, parsed JSON). */
  decode(text: string): unknown
  /** A value for documentation examples. */
  example(field: Field): unknown
}

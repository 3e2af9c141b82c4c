// `defineResource`: what an application exposes of a table, and to whom. Only collects; `check.ts` finds the mistakes.

import type { InferInsertModel, InferSelectModel, Table } from 'drizzle-orm'
import type { PgTable, PgView } from 'drizzle-orm/pg-core'
import type { Policy } from '../auth/policies.ts'
import type { CacheOption } from '../cache/options.ts'
import type { Caller } from '../core/caller.ts'
import type { Database } from '../db/database.ts'
import { callerFile } from './caller-file.ts'
import type { ResourceRateLimit } from './rate-limit.ts'

export type Operation = 'list' | 'get' | 'create' | 'replace' | 'patch' | 'delete' | 'restore'

/** Who may do what, and of which rows. What is not opened is closed; the narrow word (`delete`) wins over the wide one (`write`). */
export interface Access<field extends string = string> {
  /** `list` and `get`. */
  readonly read?: Policy
  /** What lists contain, count and search, and what includes, filters and sorts of other resources reach. */
  readonly list?: Policy
  readonly get?: Policy
  /** `create`, `update` and `delete`. */
  readonly write?: Policy
  readonly create?: Policy
  /** Replacing and patching: of the row before and after. */
  readonly update?: Policy
  /** Deleting and restoring. */
  readonly delete?: Policy
  /** Fields that not everybody who sees the record sees, or sets. */
  readonly fields?: { readonly [name in field]?: FieldAccess }
}

/** One policy for seeing and setting a field, or one for each. What is not said of setting it is as for seeing it. */
export type FieldAccess = Policy | { readonly read?: Policy; readonly write?: Policy }

/** What a hook is told about the request it runs in. */
export interface HookContext {
  readonly operation: 'create' | 'replace' | 'patch' | 'delete' | 'restore'
  readonly resource: string
  readonly requestId: string | undefined
  /** Whoever asks for it. */
  readonly who: Caller
  /** The application's database. In `beforeWrite` and `afterWrite` it is inside the transaction of the write. */
  readonly db: Database
}

export interface Hooks<row, insert> {
  /** Before the statement, inside the transaction. May change `values` or throw. `current` is the row before, for all but create. */
  beforeWrite?(
    values: Partial<insert>,
    context: HookContext & { readonly current: row | undefined },
  ): void | Promise<void> | Partial<insert> | Promise<Partial<insert>>
  /** After the statement, inside the transaction: a throw rolls everything back. */
  afterWrite?(row: row, context: HookContext): void | Promise<void>
  /** After the transaction has committed. A failure is logged; the answer stands. */
  afterCommit?(row: row, context: HookContext): void | Promise<void>
  /** Shapes one record on its way out, without waiting for anything. Costs the fast path: rows become objects. */
  serialize?(row: row): unknown
}

/** Many-to-many through an association table, when the derived name or way is not the wanted one. */
export interface ThroughRelation {
  readonly through: PgTable
  /** Column of the association table that points to this resource's table. */
  readonly from: string
  /** Column of the association table that points to the other table. */
  readonly to: string
}

/** How long others than the server may keep replies of reads: browsers, proxies, CDNs. What they keep they answer with, whatever has been written since. */
export interface CacheControl {
  /** How long a reply is taken for fresh: `1m`. Default: it is asked about each time, which costs a 304. */
  readonly maxAge?: string
  /** How much longer it may be answered with while a fresh one is fetched: `5m`. Needs `maxAge`. */
  readonly staleWhileRevalidate?: string
  /** True lets caches that several people share keep it. Only where `anyone` may read. */
  readonly public?: boolean
}

export interface ResourceOptions<row = Record<string, unknown>, insert = Record<string, unknown>> {
  /** Path segment and name; default: the table's name. */
  readonly name?: string
  readonly access: Access<keyof row & string>
  /** Which operations exist; default: all that the table can have. */
  readonly operations?: readonly Operation[]
  /**
   * The column that holds the key of a record's tenant: `'organization_id'`. Whatever `access` says, callers see, count, make and change
   * records of the tenant that they act in, and of no other; who acts in none is refused (401, 403 `AUTH_TENANT_REQUIRED`). New records get it.
   * Every unique constraint has the column in it, or is named in `sharedUniques`: it tells one tenant what another has.
   *
   * `false`: the records are not a tenant's alone, although they have a foreign key to the table of tenants.
   */
  readonly tenant?: false | (keyof row & string) | { readonly field: keyof row & string; readonly sharedUniques?: readonly string[] }
  readonly hidden?: readonly (keyof row & string)[]
  readonly readOnly?: readonly (keyof row & string)[]
  /** Opens `email`, `email_verified_at` and `disabled_at` of the table of users to writes: whoever may write them decides who signs in as whom. */
  readonly writable?: readonly (keyof row & string)[]
  /** Fields that full-text search reads, and the text search configuration (default `simple`). */
  readonly search?: readonly (keyof row & string)[] | { readonly fields: readonly (keyof row & string)[]; readonly language?: string }
  /** Default order, as in the query: `-created_at,name`. Default: the primary key. */
  readonly sort?: string
  readonly page?: { readonly size?: number; readonly max?: number }
  /** Most items of one bulk request; default 1000. */
  readonly bulk?: { readonly max?: number }
  /** `exact` makes every list count its total unless the request says `count=none`. */
  readonly count?: 'exact' | 'none'
  /** Renames derived relations (`{ author: 'posts_author_id_fkey' }` → by foreign key name) or adds many-to-many ones. */
  readonly relations?: { readonly [name: string]: string | ThroughRelation }
  readonly include?: { readonly maxDepth?: number }
  /** Keeps what was read, for as long as it has not changed: `5m`, or more to say. The table gets triggers by a migration. Default: not. */
  readonly cache?: CacheOption
  /** The `Cache-Control` of reads; default `private, no-cache`. */
  readonly cacheControl?: CacheControl
  /**
   * How often it may be called, all operations together (`'100/1m'`, `'100/1m by caller'`, several in a list) or each by its name:
   * `{ read: '600/1m', create: '10/1m by caller' }`. Takes the place of the application's limit; false lifts that.
   */
  readonly rateLimit?: ResourceRateLimit
  /** True refuses a `PUT`, `PATCH` or `DELETE` without `If-Match` (428), so that nobody overwrites what they have not seen; changes in bulk do not exist then. */
  readonly requireMatch?: boolean
  readonly hooks?: Hooks<row, insert>
  /** One sentence for the documentation. */
  readonly description?: string
}

export interface ResourceDefinition {
  readonly kind: 'resource'
  readonly table: PgTable | PgView
  readonly options: ResourceOptions
  /** File that called `defineResource`, for messages. */
  readonly file: string | undefined
}

/** A value as replies carry it: what JSON has no number or type for is text. */
type JsonValue<value> = value extends Date | bigint | Uint8Array
  ? string
  : value extends readonly (infer item)[]
    ? JsonValue<item>[]
    : value

type JsonValues<row> = { [field in keyof row]: JsonValue<row[field]> }

/** A row of `table` as hooks see it: by field name, with the values that replies carry (times and bigints are texts). */
export type RowOf<table> = JsonValues<
  table extends Table ? InferSelectModel<table> : table extends { readonly $inferSelect: infer row } ? row : Record<string, unknown>
>

/** What a hook may set in a write to `table`: what a body may carry, and read-only fields besides. */
export type InsertOf<table> = table extends Table ? Writable<InferInsertModel<table>> : Record<string, never>

/** Code may also give what Drizzle takes: a Date, a bigint. */
type Writable<row> = { [field in keyof row]: row[field] | JsonValue<row[field]> }

/**
 * Exposes a table (or, read-only, a view) as a resource.
 *
 * @example
 * export default defineResource(items, {
 *   access: { read: anyone, write: anyone },
 *   search: ['name', 'description'],
 * })
 */
export function defineResource<const table extends PgTable | PgView>(
  table: table,
  options: ResourceOptions<RowOf<table>, InsertOf<table>>,
): ResourceDefinition {
  return Object.freeze({ kind: 'resource', table, options, file: callerFile() })
}

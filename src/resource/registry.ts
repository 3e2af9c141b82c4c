// Every resource of an application, compiled once at start: what the definitions say, joined with what the tables are.

import type { CacheSettings } from '../cache/read.ts'
import type { Field, Model, Relation } from '../model/model.ts'
import type { Operation, ResourceOptions } from './define.ts'
import type { CompiledAccess } from './access/compile-access.ts'
import type { Sights } from './access/sights.ts'
import type { TenantReference } from './access/tenant.ts'
import type { OrderKey, Verdict } from './plan.ts'

export interface CompiledResource {
  /** Path segment and name in messages. */
  readonly name: string
  readonly model: Model
  readonly options: ResourceOptions
  /** What replies contain, in column order. */
  readonly visible: readonly Field[]
  /** What they contain for whoever may see every field: what a `serialize` hook looks at. */
  readonly shown: readonly Field[]
  readonly visibleByName: ReadonlyMap<string, Field>
  /** What callers may set. */
  readonly writable: readonly Field[]
  readonly operations: ReadonlySet<Operation>
  /** Who may do what, ready to be asked about a caller. */
  readonly access: CompiledAccess
  /** Holds the key of the tenant that a record belongs to; undefined: records belong to no tenant. */
  readonly tenant: Field | undefined
  /** The same of every table, by model name: policies look at others. */
  readonly tenantFields: ReadonlyMap<string, Field>
  /** Foreign keys to records of tenants. */
  readonly references: readonly TenantReference[]
  /** What can be read of it: every row for code of the application, and for a caller those of its policies (see `access/view.ts`). */
  readonly rows: { readonly list: Verdict; readonly get: Verdict }
  /** Relations whose other end is a resource that may be read. */
  readonly relations: ReadonlyMap<string, CompiledRelation>
  readonly search: { readonly fields: readonly Field[]; readonly language: string } | undefined
  readonly defaultOrder: readonly OrderKey[]
  readonly pageSize: number
  readonly pageMax: number
  readonly bulkMax: number
  readonly countDefault: 'exact' | 'none'
  readonly includeDepth: number
  /** How its reads are cached; undefined: not at all. */
  readonly cache: CacheSettings | undefined
  /** Definition file, for messages. */
  readonly file: string | undefined
}

export interface CompiledRelation {
  readonly relation: Relation
  readonly source: Model
  readonly target: CompiledResource
  /** The association table of a many-to-many relation. */
  readonly through: Model | undefined
  /** The resource that exposes the association table. */
  readonly throughResource: CompiledResource | undefined
  /** Rows of the association table that may be led over. */
  readonly throughRows: Verdict
}

export interface Registry {
  readonly resources: ReadonlyMap<string, CompiledResource>
  readonly models: ReadonlyMap<string, Model>
  /** What each caller sees of the resources. */
  readonly sights: Sights
  /** What code of the application sees of them that acts in one tenant: all of what is that tenant's. */
  readonly codeSights: Sights
}

/** For messages about the definition. */
export function whereIs({ file, name }: CompiledResource): string {
  return `${file === undefined ? '' : `${file}: `}resource "${name}"`
}

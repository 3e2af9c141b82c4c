// The schema as a migration remembers it: a flat list of entities in drizzle-kit's format (version 9), typed as far as we read it.

import type { Tracking } from './tracking.ts'

/** Where an entity stands. `schema` is always given, `public` too. */
interface Placed {
  readonly schema: string
  readonly name: string
}

interface InTable extends Placed {
  readonly table: string
}

export interface SchemaEntity {
  readonly entityType: 'schemas'
  readonly name: string
}

export interface TableEntity extends Placed {
  readonly entityType: 'tables'
  readonly isRlsEnabled?: boolean
}

export interface EnumEntity extends Placed {
  readonly entityType: 'enums'
  readonly values: readonly string[]
}

export interface ColumnEntity extends InTable {
  readonly entityType: 'columns'
  /** As SQL writes it, without array brackets; the bare name for an enum, whose schema is in `typeSchema`. */
  readonly type: string
  readonly typeSchema: string | null
  readonly notNull: boolean
  readonly dimensions: number
  readonly default: string | null
  readonly generated: { readonly type: string; readonly as: string } | null
  readonly identity: { readonly name: string } | null
}

export interface IndexEntity extends InTable {
  readonly entityType: 'indexes'
  readonly columns: readonly {
    readonly value: string
    readonly isExpression: boolean
    readonly opclass: { readonly name: string } | null
  }[]
  readonly isUnique: boolean
  readonly where: string | null
  readonly method: string
  readonly concurrently: boolean
}

export interface ForeignKeyEntity extends InTable {
  readonly entityType: 'fks'
  readonly columns: readonly string[]
  readonly schemaTo: string
  readonly tableTo: string
  readonly columnsTo: readonly string[]
}

export interface KeyEntity extends InTable {
  readonly entityType: 'pks' | 'uniques'
  readonly columns: readonly string[]
}

export interface CheckEntity extends InTable {
  readonly entityType: 'checks'
  readonly value: string
}

export interface PolicyEntity extends InTable {
  readonly entityType: 'policies'
  /** What several permissive ones permit is permitted; each restrictive one holds. */
  readonly as: 'PERMISSIVE' | 'RESTRICTIVE' | null
  readonly using: string | null
  readonly withCheck: string | null
}

export interface SequenceEntity extends Placed {
  readonly entityType: 'sequences'
}

export interface ViewEntity extends Placed {
  readonly entityType: 'views'
  readonly definition: string | null
  readonly materialized: boolean
}

export interface RoleEntity {
  readonly entityType: 'roles'
  readonly name: string
}

export type Entity =
  | SchemaEntity
  | TableEntity
  | EnumEntity
  | ColumnEntity
  | IndexEntity
  | ForeignKeyEntity
  | KeyEntity
  | CheckEntity
  | PolicyEntity
  | SequenceEntity
  | ViewEntity
  | RoleEntity

/** Entities that stand in a table. */
export type TablePart = Extract<Entity, { readonly table: string }>

/** What `snapshot.json` holds. */
export interface Snapshot {
  readonly version: string
  readonly dialect: string
  readonly id: string
  /** Ids of the snapshots this one was made from; several after a merge. */
  readonly prevIds: readonly string[]
  readonly ddl: readonly Entity[]
  /** What the cache has on the tables; absent: nothing. */
  readonly plinth?: Tracking
}

const rootId = '00000000-0000-0000-0000-000000000000'

/** The state before the first migration. */
export const emptySnapshot: Snapshot = { version: '9', dialect: 'postgres', id: rootId, prevIds: [], ddl: [] }

/** Entities of one type. */
export function entitiesOf<type extends Entity['entityType']>(ddl: readonly Entity[], type: type): Extract<Entity, { entityType: type }>[] {
  return ddl.filter((entity): entity is Extract<Entity, { entityType: type }> => entity.entityType === type)
}

/** The same state with other entities. */
export function withEntities(snapshot: Snapshot, ddl: readonly Entity[]): Snapshot {
  return { ...snapshot, ddl }
}

/** A dotted name as people write it: `posts.title`, `shop.posts.title`; `public` is left out. */
export function dotted(schema: string, ...names: readonly string[]): string {
  return (schema === 'public' ? names : [schema, ...names]).join('.')
}

/** The dotted name of an entity. */
export function nameOf(entity: Entity): string {
  if (!('schema' in entity)) return entity.name
  return 'table' in entity ? dotted(entity.schema, entity.table, entity.name) : dotted(entity.schema, entity.name)
}

/** What makes two entities of two states the same one. */
export function identityOf(entity: Entity): string {
  return `${entity.entityType} ${nameOf(entity)}`
}

/** Finds a name as a word of its own in SQL; not directly behind or before a quote of a string. */
export function wordPattern(name: string, flags: string): RegExp {
  const escaped = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`(?<![A-Za-z0-9_$'])${escaped}(?![A-Za-z0-9_$'])`, flags)
}

/** True when a piece of SQL mentions a name. May be true too often (a string that contains the word), never too seldom. */
export function mentions(sqlText: string | null, name: string): boolean {
  return sqlText !== null && wordPattern(name, 'i').test(sqlText)
}

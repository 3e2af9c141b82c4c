// Renames applied to a snapshot: the old state in the new names, and which default-named constraints have to follow.

import { isDeepStrictEqual } from 'node:util'
import type { Answer } from './differ.ts'
import {
  entitiesOf,
  identityOf,
  wordPattern,
  type CheckEntity,
  type ColumnEntity,
  type Entity,
  type ForeignKeyEntity,
  type IndexEntity,
  type KeyEntity,
  type PolicyEntity,
} from './snapshot.ts'

export type Renaming = Extract<Answer, { readonly type: 'rename' }>

/** How the names of one state become those of another. Paths are looked up in the order schema, enum and table, column. */
export interface NameMap {
  schema(name: string): string
  /** Schema and name of a table, enum, sequence or view. */
  object(kind: string, schema: string, name: string): readonly [schema: string, name: string]
  /** Of a column, in the new names of its table. */
  column(schema: string, table: string, name: string): string
}

const key = (kind: string, path: readonly string[]): string => JSON.stringify([kind, ...path])

/** Renamings as the differ asks for them: a column's path already has its table's new name, a table's its schema's. */
export function nameMap(renamings: readonly Renaming[]): NameMap {
  const targets = new Map(renamings.map(({ kind, from, to }) => [key(kind, from), to]))
  const schema = (name: string): string => targets.get(key('schema', [name]))?.[0] ?? name
  return {
    schema,
    object(kind, oldSchema, name) {
      const path = [schema(oldSchema), name] as const
      const [newSchema, newName] = targets.get(key(kind, path)) ?? path
      return [newSchema ?? path[0], newName ?? name]
    },
    column: (newSchema, table, name) => targets.get(key('column', [newSchema, table, name]))?.[2] ?? name,
  }
}

/** The old state in the names of the new one. */
export interface Relocated {
  readonly ddl: readonly Entity[]
  /** The same before SQL texts were rewritten: what the kit compares when it renames. */
  readonly plain: readonly Entity[]
  /** The renamings and those of constraints that follow from them. */
  readonly renamings: readonly Renaming[]
}

/** Applies renamings to the old state; constraints that differ from the new state by nothing but their name are renamed as well. */
export function relocate(before: readonly Entity[], after: readonly Entity[], renamings: readonly Renaming[]): Relocated {
  if (renamings.length === 0) return { ddl: before, plain: before, renamings }
  const moved = move(before, renamings)
  const constraints = constraintRenamings(rewriteTexts(moved, renamings), after)
  const plain = renameConstraints(moved, constraints)
  return { ddl: rewriteTexts(plain, renamings), plain, renamings: [...renamings, ...constraints] }
}

/** The entities in their new places. SQL texts (checks, generated columns, views) stay as they are. */
export function move(ddl: readonly Entity[], renamings: readonly Renaming[]): Entity[] {
  const names = nameMap(renamings)
  return ddl.map((entity) => moveEntity(entity, names))
}

function moveEntity(entity: Entity, names: NameMap): Entity {
  if (entity.entityType === 'schemas') return { ...entity, name: names.schema(entity.name) }
  if (entity.entityType === 'roles') return entity
  if ('table' in entity) return movePart(entity, names)
  const [schema, name] = names.object(singular[entity.entityType], entity.schema, entity.name)
  return { ...entity, schema, name }
}

const singular = { tables: 'table', enums: 'enum', sequences: 'sequence', views: 'view' } as const

function movePart(entity: Extract<Entity, { readonly table: string }>, names: NameMap): Entity {
  const [schema, table] = names.object('table', entity.schema, entity.table)
  const own = (column: string): string => names.column(schema, table, column)
  switch (entity.entityType) {
    case 'columns':
      return { ...entity, schema, table, name: own(entity.name), ...moveType(entity, names) }
    case 'indexes':
      return { ...entity, schema, table, columns: entity.columns.map((it) => (it.isExpression ? it : { ...it, value: own(it.value) })) }
    case 'pks':
    case 'uniques':
      return { ...entity, schema, table, columns: entity.columns.map(own) }
    case 'fks':
      return { ...moveReference(entity, names), schema, table, columns: entity.columns.map(own) }
    default:
      return { ...entity, schema, table }
  }
}

function moveType(column: ColumnEntity, names: NameMap): Pick<ColumnEntity, 'type' | 'typeSchema'> {
  if (column.typeSchema === null) return { type: column.type, typeSchema: null }
  const [typeSchema, type] = names.object('enum', column.typeSchema, column.type)
  return { type, typeSchema }
}

function moveReference(fk: ForeignKeyEntity, names: NameMap): ForeignKeyEntity {
  const [schemaTo, tableTo] = names.object('table', fk.schemaTo, fk.tableTo)
  return { ...fk, schemaTo, tableTo, columnsTo: fk.columnsTo.map((column) => names.column(schemaTo, tableTo, column)) }
}

type Named = ForeignKeyEntity | IndexEntity | KeyEntity | CheckEntity | PolicyEntity

const constraintKinds = {
  uniques: 'unique',
  indexes: 'index',
  pks: 'primary_key',
  fks: 'foreign key',
  checks: 'check',
  policies: 'policy',
} as const

/**
 * Constraints and indexes that are the same in both states but for their name: a renamed column changes the default names
 * that contain it, and a database whose names differ from the models' would be a different one for every later migration.
 *
 * @param before  entities already in the new names of tables and columns
 */
function constraintRenamings(before: readonly Entity[], after: readonly Entity[]): Renaming[] {
  const gone = before.filter(isNamed).filter((entity) => !hasIdentity(after, entity))
  const born = after.filter(isNamed).filter((entity) => !hasIdentity(before, entity))
  return born.flatMap((entity) => {
    const from = gone.find((candidate) => sameButName(candidate, entity))
    if (from === undefined) return []
    gone.splice(gone.indexOf(from), 1)
    const place = [entity.schema, entity.table] as const
    return [{ type: 'rename' as const, kind: constraintKinds[entity.entityType], from: [...place, from.name], to: [...place, entity.name] }]
  })
}

/** The same entities with the new names of `constraintRenamings`. */
function renameConstraints(ddl: readonly Entity[], renamings: readonly Renaming[]): Entity[] {
  const targets = new Map(renamings.map(({ kind, from, to }) => [key(kind, from), to[2]]))
  return ddl.map((entity) => {
    if (!isNamed(entity)) return entity
    return {
      ...entity,
      name: targets.get(key(constraintKinds[entity.entityType], [entity.schema, entity.table, entity.name])) ?? entity.name,
    }
  })
}

function isNamed(entity: Entity): entity is Named {
  return entity.entityType in constraintKinds
}

function hasIdentity(ddl: readonly Entity[], entity: Entity): boolean {
  return ddl.some((other) => identityOf(other) === identityOf(entity))
}

function sameButName(a: Named, b: Named): boolean {
  return isDeepStrictEqual({ ...a, name: '', nameExplicit: true }, { ...b, name: '', nameExplicit: true })
}

/** PostgreSQL follows a renamed column in checks, generated columns, index expressions and policies by itself; so does this. Views keep their output names. */
function rewriteTexts(ddl: readonly Entity[], renamings: readonly Renaming[]): Entity[] {
  const columns = renamings.filter(({ kind }) => kind === 'column')
  return ddl.map((entity) => {
    if (!('table' in entity)) return entity
    const own = columns.filter(({ to }) => to[0] === entity.schema && to[1] === entity.table)
    return own.reduce<Entity>((result, { from, to }) => rewriteEntity(result, from[2] ?? '', to[2] ?? ''), entity)
  })
}

function rewriteEntity(entity: Entity, from: string, to: string): Entity {
  const rewrite = (text: string): string => text.replaceAll(wordPattern(from, 'g'), () => to)
  const maybe = (text: string | null): string | null => (text === null ? null : rewrite(text))
  switch (entity.entityType) {
    case 'columns':
      return { ...entity, generated: entity.generated === null ? null : { ...entity.generated, as: rewrite(entity.generated.as) } }
    case 'checks':
      return { ...entity, value: rewrite(entity.value) }
    case 'indexes':
      return {
        ...entity,
        where: maybe(entity.where),
        columns: entity.columns.map((it) => (it.isExpression ? { ...it, value: rewrite(it.value) } : it)),
      }
    case 'policies':
      return { ...entity, using: maybe(entity.using), withCheck: maybe(entity.withCheck) }
    default:
      return entity
  }
}

/** Sequences of serial and identity columns keep their old name when a table or column is renamed; these are their renamings. */
export function sequenceRenamings(
  before: readonly Entity[],
  after: readonly Entity[],
  renamings: readonly Renaming[],
): { schema: string; from: string; to: string }[] {
  const names = nameMap(renamings)
  return entitiesOf(before, 'columns').flatMap((column) => {
    const [schema, table] = names.object('table', column.schema, column.table)
    const name = names.column(schema, table, column.name)
    const target = entitiesOf(after, 'columns').find((it) => it.schema === schema && it.table === table && it.name === name)
    const from = sequenceName(column, column.table, column.name)
    const to = target && sequenceName(target.identity === null ? column : target, table, name)
    return from === undefined || to === undefined || from === to ? [] : [{ schema, from, to }]
  })
}

/** Serial sequences have PostgreSQL's default name; those of identity columns a given one. */
function sequenceName(column: ColumnEntity, table: string, name: string): string | undefined {
  if (column.identity !== null) return column.identity.name
  return column.type.endsWith('serial') ? `${table}_${name}_seq` : undefined
}

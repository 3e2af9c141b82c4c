// Quotes inside names. The kit writes names between quotes as they are.

import type { Entity } from './snapshot.ts'

/** `a "b"` → `a ""b""`: done before the kit sees a name, undone in what it says. */
export const escape = (name: string): string => name.replaceAll('"', '""')
export const unescape = (name: string): string => name.replaceAll('""', '"')

/** An entity with every name escaped; SQL texts stay as they are. */
export function escaped(entity: Entity): Entity {
  const words = ['schema', 'table', 'name', 'schemaTo', 'tableTo'].flatMap((key) => {
    const value: unknown = Reflect.get(entity, key)
    return typeof value === 'string' ? [[key, escape(value)]] : []
  })
  return { ...entity, ...Object.fromEntries(words), ...escapedInside(entity) }
}

function escapedInside(entity: Entity): object {
  switch (entity.entityType) {
    case 'columns': {
      const identity = entity.identity && { ...entity.identity, name: escape(entity.identity.name) }
      return {
        identity,
        type: entity.typeSchema === null ? entity.type : escape(entity.type),
        typeSchema: entity.typeSchema && escape(entity.typeSchema),
      }
    }
    case 'indexes':
      return { columns: entity.columns.map((it) => (it.isExpression ? it : { ...it, value: escape(it.value) })) }
    case 'fks':
      return { columns: entity.columns.map(escape), columnsTo: entity.columnsTo.map(escape) }
    case 'pks':
    case 'uniques':
      return { columns: entity.columns.map(escape) }
    default:
      return {}
  }
}

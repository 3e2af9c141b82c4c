// The order of a list. It always ends with the primary key, so that no two records are equal and no page repeats or skips one.

import { resourceErrors } from './errors.ts'
import { fieldNamed } from './field-named.ts'
import { unknownField, unknownRelation } from './filter.ts'
import type { OrderKey, RelationPath } from './plan.ts'
import type { CompiledRelation, CompiledResource } from './registry.ts'
import type { SortKey } from './request.ts'

/** Order keys of one request; more is a mistake or an attack. */
export const mostKeys = 10

/** Relations on the way to the order keys of one request; each is a join, and 100 of a self reference take seconds to plan. */
const mostRelations = 10

/**
 * @param sort  what the request asks for; without it the best matches come first in a search, else the resource's own order
 */
export function planOrder(resource: CompiledResource, sort: readonly SortKey[] | undefined, searching: boolean): readonly OrderKey[] {
  if (sort === undefined && !searching) return resource.defaultOrder
  if (sort === undefined) return withPrimaryKey(resource, [{ by: 'rank', descending: true }])
  return planSort(resource, sort)
}

/** The order keys of a sort list, made total by the primary key. */
export function planSort(resource: CompiledResource, sort: readonly SortKey[]): readonly OrderKey[] {
  const relations = sort.reduce((sum, { path }) => sum + path.length - 1, 0)
  if (sort.length > mostKeys || relations > mostRelations)
    throw resourceErrors.SORT_TOO_LONG(mostKeys, mostRelations).with({ field: 'sort' })
  return withPrimaryKey(
    resource,
    sort.map((key) => fieldKey(resource, key)),
  )
}

function fieldKey(resource: CompiledResource, key: SortKey): OrderKey {
  const source = key.path.join('.')
  const name = key.path.at(-1) ?? ''
  const path = oneRelations(resource, key.path.slice(0, -1), source)
  const owner = path.at(-1)?.target ?? resource
  const field = owner.visibleByName.get(name)
  if (field === undefined) throw unknownField(name, owner).with({ field: 'sort' })
  if (!field.kind.sortable || field.dimensions > 0) throw resourceErrors.NOT_SORTABLE(source, resource.name).with({ field: 'sort' })
  return { by: 'field', path, field, descending: key.descending }
}

function oneRelations(resource: CompiledResource, names: readonly string[], source: string): RelationPath {
  const path: CompiledRelation[] = []
  let owner = resource
  for (const name of names) {
    const relation = owner.relations.get(name)
    if (relation === undefined) throw unknownRelation(name, owner).with({ field: 'sort' })
    if (relation.relation.kind !== 'one') throw resourceErrors.NOT_SORTABLE(source, resource.name).with({ field: 'sort' })
    path.push(relation)
    owner = relation.target
  }
  return path
}

/** The key follows the direction of the last order key, so that one index can serve both. */
function withPrimaryKey(resource: CompiledResource, keys: readonly OrderKey[]): readonly OrderKey[] {
  const present = new Set(keys.map((key) => (key.by === 'field' && key.path.length === 0 ? key.field.name : '')))
  const descending = keys.at(-1)?.descending ?? false
  const missing = resource.model.primaryKey.filter((name) => !present.has(name))
  return [...keys, ...missing.map((name): OrderKey => ({ by: 'field', path: [], field: fieldNamed(resource.model, name), descending }))]
}

/** `-created_at,author.name` → sort keys. */
export function parseSort(text: string): readonly SortKey[] {
  return text.split(',').map((part) => {
    const descending = part.startsWith('-')
    return { path: (descending ? part.slice(1) : part).split('.'), descending }
  })
}

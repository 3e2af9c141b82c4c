// Which fields and included records a reply has. The same fields and includes give the same plan object, so that what is
// compiled from it (SQL of the includes, serializer) is compiled once.

import type { Field } from '../model/model.ts'
import { resourceErrors } from './errors.ts'
import { unknownField, unknownRelation } from './filter.ts'
import type { IncludePlan, ShapePlan } from './plan.ts'
import type { CompiledRelation, CompiledResource } from './registry.ts'
import { sourceFields } from './relation-sql.ts'
import { shapedFields } from './shaped-fields.ts'
import type { FieldSets, IncludeTree, Shape } from './request.ts'

/** Relations one request may include, over all levels: each is a statement. */
export const mostIncludes = 20

export function planShape(resource: CompiledResource, request: Shape): ShapePlan {
  const include = request.include ?? {}
  if (countIncludes(include) > mostIncludes) throw resourceErrors.TOO_MANY_INCLUDES(mostIncludes).with({ field: 'include' })
  refuseUnusedFieldSets(request.fields, include)
  return planLevel(resource, request.fields, include, '', resource.includeDepth)
}

function countIncludes(tree: IncludeTree): number {
  return Object.values(tree).reduce((sum, inner) => sum + 1 + countIncludes(inner), 0)
}

function refuseUnusedFieldSets(sets: FieldSets | undefined, include: IncludeTree): void {
  for (const path of sets?.keys() ?? []) {
    if (path === '' || isIncluded(include, path.split('.'))) continue
    throw resourceErrors
      .INVALID_VALUE(`fields[${path}]`, `"${path}" is not included.`, `Add include=${path}.`)
      .with({ field: `fields[${path}]` })
  }
}

function isIncluded(tree: IncludeTree, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return true
  const inner = Object.hasOwn(tree, name) ? tree[name] : undefined
  return inner !== undefined && isIncluded(inner, rest)
}

function planLevel(resource: CompiledResource, sets: FieldSets | undefined, include: IncludeTree, path: string, depth: number): ShapePlan {
  const fields = visibleFields(resource, sets?.get(path), path)
  const includes = Object.entries(include).map(([name, inner]) => planInclude(resource, sets, name, inner, path, depth))
  const keys = [...hookFields(resource), ...includes.flatMap(({ relation }) => sourceFields(relation))]
  return { resource, fields, keys: [...new Set(keys)].filter((field) => !fields.includes(field)), includes }
}

/** A `serialize` hook sees the whole record: what it withholds must not depend on the fields that a caller asks for, or may see. */
function hookFields(resource: CompiledResource): readonly Field[] {
  return resource.options.hooks?.serialize === undefined ? [] : shapedFields(resource)
}

function planInclude(
  resource: CompiledResource,
  sets: FieldSets | undefined,
  name: string,
  inner: IncludeTree,
  parentPath: string,
  depth: number,
): IncludePlan {
  const path = parentPath === '' ? name : `${parentPath}.${name}`
  const relation = relationOf(resource, name)
  if (depth === 0) throw resourceErrors.INCLUDE_TOO_DEEP(path, path.split('.').length - 1).with({ field: 'include' })
  return { path, relation, shape: planLevel(relation.target, sets, inner, path, depth - 1) }
}

function relationOf(resource: CompiledResource, name: string): CompiledRelation {
  const relation = resource.relations.get(name)
  if (relation === undefined) throw unknownRelation(name, resource).with({ field: 'include' })
  return relation
}

function visibleFields(resource: CompiledResource, names: readonly string[] | undefined, path: string): readonly Field[] {
  if (names === undefined) return resource.visible
  return [...new Set(names)].map((name) => {
    const field = resource.visibleByName.get(name)
    if (field === undefined) throw unknownField(name, resource).with({ field: path === '' ? 'fields' : `fields[${path}]` })
    return field
  })
}

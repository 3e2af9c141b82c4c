// A resource as callers of one shape see it: without the fields and relations that they may not see, and with their rows alone. The engine
// plans with it as with any other, so what is left out cannot be named in a filter, a sort, a search or an include.

import type { Field } from '../../model/model.ts'
import type { OrderKey } from '../plan.ts'
import type { CompiledRelation, CompiledResource } from '../registry.ts'
import { linkFields, sourceFields } from '../relation-sql.ts'
import type { Decision } from './decide.ts'

type Mutable<type> = { -readonly [key in keyof type]: type[key] }

/** @param decisionOf  about every resource that relations lead to */
export function viewOf(resource: CompiledResource, decisionOf: (one: CompiledResource) => Decision): CompiledResource {
  const views = new Map<CompiledResource, Mutable<CompiledResource>>()
  const viewed = (one: CompiledResource): Mutable<CompiledResource> => {
    const known = views.get(one)
    if (known !== undefined) return known
    const view = ownView(one, decisionOf(one))
    views.set(one, view)
    view.relations = viewedRelations(one, decisionOf, viewed)
    view.defaultOrder = one.defaultOrder.flatMap((key) => viewedKey(view, key))
    return view
  }
  return viewed(resource)
}

function ownView(resource: CompiledResource, { sealed, unseen, unset }: Decision): Mutable<CompiledResource> {
  const visible = resource.visible.filter((field) => !unseen.has(field))
  const fields = resource.search?.fields.filter((field) => !unseen.has(field)) ?? []
  return {
    ...resource,
    rows: sealed,
    visible,
    visibleByName: new Map(visible.map((field) => [field.name, field])),
    writable: resource.writable.filter((field) => !unset.has(field)),
    search: resource.search === undefined || fields.length === 0 ? undefined : { ...resource.search, fields },
  }
}

function viewedRelations(
  resource: CompiledResource,
  decisionOf: (one: CompiledResource) => Decision,
  viewed: (one: CompiledResource) => CompiledResource,
): CompiledResource['relations'] {
  const open = [...resource.relations].filter(([, relation]) => isSeen(resource, relation, decisionOf))
  return new Map(
    open.map(([name, relation]) => {
      const { target, throughResource } = relation
      const throughRows = throughResource === undefined ? true : decisionOf(throughResource).sealed.list
      return [name, { ...relation, target: viewed(target), throughRows }]
    }),
  )
}

/** A relation tells which rows belong together, so both ends and the association table have to be there for the caller, with their keys. */
function isSeen(resource: CompiledResource, relation: CompiledRelation, decisionOf: (one: CompiledResource) => Decision): boolean {
  const { target, throughResource } = relation
  const far = decisionOf(throughResource ?? target)
  const lists = [target, ...(throughResource === undefined ? [] : [throughResource])].every((one) => decisionOf(one).rows.list !== false)
  const hides = (decision: Decision, fields: readonly Field[]): boolean => fields.some((field) => decision.unseen.has(field))
  return lists && !hides(decisionOf(resource), sourceFields(relation)) && !hides(far, farFields(relation))
}

function farFields(relation: CompiledRelation): readonly Field[] {
  const { through, relation: link } = relation
  const to = through === undefined ? [] : (link.through?.to ?? []).flatMap((name) => through.fieldByName.get(name) ?? [])
  return [...linkFields(relation), ...to]
}

/** The order of a list shows what it is ordered by. */
function viewedKey(view: CompiledResource, key: OrderKey): OrderKey[] {
  if (key.by === 'rank') return [key]
  const path: CompiledRelation[] = []
  for (const { relation } of key.path) {
    const found = (path.at(-1)?.target ?? view).relations.get(relation.name)
    if (found === undefined) return []
    path.push(found)
  }
  const owner = path.at(-1)?.target ?? view
  const isKey = path.length === 0 && view.model.primaryKey.includes(key.field.name)
  return isKey || owner.visibleByName.has(key.field.name) ? [{ ...key, path }] : []
}

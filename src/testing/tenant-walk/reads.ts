// What is read of a resource: lists in every order, with every filter, search and include, and records by the keys of the other tenant.

import type { Field } from '../../model/model.ts'
import type { CompiledRelation } from '../../resource/registry.ts'
import type { Question, Request } from './question.ts'
import type { Row } from './rows.ts'
import { differences, recordPath, rowsOf, type Subject, twinOf } from './subject.ts'
import { isDistinctive } from './values.ts'

export function reads(subject: Subject): Question[] {
  const { resource } = subject
  const lists = resource.operations.has('list') ? [...plainLists(subject), ...filters(subject), ...searches(subject)] : []
  return [...lists, ...(resource.operations.has('get') ? records(subject) : [])]
}

const get = (path: string): Request => ({ method: 'GET', path })

function plainLists(subject: Subject): Question[] {
  const { resource, path } = subject
  const most = mostOf(subject)
  const all = get(`${path}?page[size]=${resource.pageMax}&count=exact`)
  const orders = resource.visible.filter(({ kind, dimensions }) => kind.sortable && dimensions === 0).map(({ name }) => name)
  const behind = relationsOf(subject).filter(({ relation }) => relation.kind === 'one')
  const sorts = [
    ...orders,
    ...behind.flatMap(({ relation, target }) => target.visible.slice(0, 2).map(({ name }) => `${relation.name}.${name}`)),
  ]
  const deleted = resource.model.softDelete === undefined ? [] : ['with', 'only']
  return [
    { about: all, ...most },
    ...sorts.map((name, i) => ({ about: get(`${path}?sort=${i % 2 === 0 ? '' : '-'}${name}&page[size]=2`) })),
    ...deleted.map((word) => ({ about: get(`${path}?deleted=${word}&count=exact`), ...most })),
    ...includes(subject).map((include) => ({ about: get(`${path}?include=${include}`) })),
  ]
}

/** Records that there are for the actor. Of users and tenants there may be more: somebody may belong to several. */
function mostOf({ resource: { model }, ground, rows, actor, mine }: Subject): { readonly most?: number } {
  if (!ground.secret.has(model) || model === ground.users || model === ground.tenancy.tenants) return {}
  return { most: actor.side === undefined ? 0 : rows.of(model, mine).length }
}

function relationsOf({ resource }: Subject): readonly CompiledRelation[] {
  return [...resource.relations.values()]
}

/** Of relations that lead to many as well, and of each two of theirs. */
function includes(subject: Subject): string[] {
  const deep = subject.resource.includeDepth > 1
  return relationsOf(subject).flatMap(({ relation, target }) => {
    const inner = deep ? [...target.relations.keys()].slice(0, 2) : []
    return [relation.name, ...inner.map((name) => `${relation.name}.${name}`)]
  })
}

function filters(subject: Subject): Question[] {
  const { resource, theirs } = subject
  const own = rowsOf(subject, resource.model, theirs).slice(0, 1)
  const behind = relationsOf(subject).flatMap(({ relation, target }) => [
    { about: get(`${subject.path}?filter[${relation.name}][null]=false`) },
    ...rowsOf(subject, target.model, theirs)
      .slice(0, 1)
      .flatMap((row) => filtersBy(subject, row, target.visible, `${relation.name}.`)),
  ])
  return [...own.flatMap((row) => filtersBy(subject, row, resource.visible, '')), ...behind]
}

/** A filter on each field with the value of a row, and with one that is nowhere. */
function filtersBy(subject: Subject, row: Row, fields: readonly Field[], before: string): Question[] {
  const { path, hidden } = subject
  const twin = twinOf(subject, row)
  return fields.flatMap((field) => {
    const text = row.values.get(field.name)
    if (text === null || text === undefined || field.dimensions > 0) return []
    const wanted = (operator: string, value: string): Request =>
      get(`${path}?filter[${before}${field.name}][${operator}]=${encodeURIComponent(value)}&count=exact`)
    const missing = twin.get(field.name) ?? ''
    // Behind relations the values that can be told from others are enough.
    if (before !== '' && !hidden.has(text)) return []
    const operators = ['eq', ...(before === '' ? ['contains'] : [])].filter((operator) =>
      field.kind.operators.some((known) => known === operator),
    )
    return operators.map((operator) =>
      hidden.has(text)
        ? { about: wanted(operator, text), missing: wanted(operator, missing), named: [[text, missing] as const] }
        : { about: wanted(operator, text) },
    )
  })
}

function searches(subject: Subject): Question[] {
  const { resource, rows, path, theirs } = subject
  const [row] = rows.of(resource.model, theirs)
  const fields = (resource.search?.fields ?? []).filter(isDistinctive)
  if (row === undefined) return []
  const twin = twinOf(subject, row)
  return fields.flatMap(({ name }) => {
    const [text, missing] = [row.values.get(name) ?? '', twin.get(name) ?? '']
    const search = (words: string): Request => get(`${path}?search=${encodeURIComponent(words)}&count=exact`)
    return [{ about: search(text), missing: search(missing), named: [[text, missing] as const] }]
  })
}

/** Of every row of the other tenant, the deleted ones as well. */
function records(subject: Subject): Question[] {
  const { resource, theirs } = subject
  return rowsOf(subject, resource.model, theirs).flatMap((row, number) => {
    const twin = twinOf(subject, row)
    const [path, missing] = [recordPath(subject, row.values), recordPath(subject, twin)]
    if (path === undefined || missing === undefined || path === missing) return []
    const wide = includes(subject).slice(0, 2)
    const shapes = [
      '',
      ...(number === 0 ? [...wide.map((include) => `?include=${include}`), `?fields=${resource.visible[0]?.name ?? ''}`] : []),
    ]
    return shapes.map((shape) => ({ about: get(path + shape), missing: get(missing + shape), named: differences(row, twin) }))
  })
}

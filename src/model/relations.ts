// How models are related: read from foreign keys, then from Drizzle's relations, then from what resources say.

import type { PgTable } from 'drizzle-orm/pg-core'
import { nearest } from '../support/similar.ts'
import { deepFreeze, frozenMap } from './freeze.ts'
import type { Model, Relation } from './model.ts'
import { readRelations } from './read-relations.ts'
import { fieldNameOf, tableNameOf } from './read-constraints.ts'
import { type Candidate, type Candidates, candidatesOf, lookupOf, type ModelLookup, throughCandidate } from './relation-candidates.ts'

/** Many-to-many over an association table; `from` and `to` are its columns. */
export interface ThroughOption {
  readonly through: PgTable
  readonly from: string
  readonly to: string
}

/** What a resource says of its relations: the foreign key a name stands for, or a way through an association table. */
export type RelationOptions = { readonly [name: string]: string | ThroughOption }

export interface DerivedRelations {
  /** By model name; every model has an entry. */
  readonly relations: ReadonlyMap<string, readonly Relation[]>
  /** One sentence for each name that clashes or leads nowhere. */
  readonly problems: readonly string[]
}

interface Naming {
  readonly model: Model
  readonly named: Map<string, Relation>
  readonly rest: Set<Candidate>
  readonly problems: string[]
}

/**
 * The relations of every model, in both directions. Names, for a key that points from `posts` to `users`:
 *
 * - forwards: `author_id` → `author`; another column → the singular of the table, `user`; when that is a field, or several
 *   keys want it, all of them are `<column>_user`.
 * - back: the table, `posts`, or its singular where the key is unique; several keys: `posts_by_author`, `posts_by_editor`.
 *   Into the own table: `parent_id` → `children`, others `<table>_by_<key>`.
 * - through an association table `post_tags(post_id, tag_id)`: `posts.tags` and `tags.posts`. Into the own table,
 *   `country_borders(country_id, border_id)`: `borders`, and back `countries_by_border`. Several: `tags_through_post_tags`.
 *
 * @param options   by model name; they win over all other names
 * @param declared  what Drizzle's `defineRelations` returned; names there win over derived ones
 */
export function deriveRelations(
  models: readonly Model[],
  options: ReadonlyMap<string, RelationOptions> = new Map(),
  declared?: unknown,
): DerivedRelations {
  const lookup = lookupOf(models)
  const declaredRelations = readRelations(declared, lookup)
  const problems: string[] = []
  const entries = models.map((model): [string, readonly Relation[]] => {
    const candidates = candidatesOf(model, models, lookup)
    const naming: Naming = { model, named: new Map(), rest: new Set(candidates.flat()), problems }
    for (const [name, option] of Object.entries(options.get(model.name) ?? {})) nameOption(naming, name, option, lookup)
    for (const relation of declaredRelations.filter(({ source }) => source === model.name)) nameDeclared(naming, relation)
    nameDerived(naming, candidates)
    return [model.name, deepFreeze([...naming.named.values()])]
  })
  return { relations: frozenMap(entries), problems }
}

function nameOption(naming: Naming, name: string, option: string | ThroughOption, lookup: ModelLookup): void {
  const { model, rest, problems } = naming
  if (typeof option !== 'string') return nameThrough(naming, name, option, lookup)
  const found = [...rest].find(({ foreignKey }) => foreignKey === option)
  if (found !== undefined) return claim(naming, name, found)
  const keys = [...rest].flatMap(({ foreignKey }) => foreignKey ?? [])
  const near = nearest(option, keys) ?? keys.join(', ')
  problems.push(
    `"${model.name}", relation "${name}": there is no foreign key "${option}" from or to "${model.name}".${near === '' ? '' : ` There is: ${near}.`}`,
  )
}

function nameThrough(naming: Naming, name: string, option: ThroughOption, lookup: ModelLookup): void {
  const { model, rest, problems } = naming
  const association = lookup(tableNameOf(option.through))
  const near = association?.foreignKeys.find((key) => isOn(key.fields, option.from, option.through) && lookup(key.foreignTable) === model)
  const far = association?.foreignKeys.find((key) => isOn(key.fields, option.to, option.through))
  const target = far === undefined ? undefined : lookup(far.foreignTable)
  if (association === undefined || near === undefined || far === undefined || target === undefined) {
    const table = tableNameOf(option.through).name
    return void problems.push(
      `"${model.name}", relation "${name}": "${table}" needs a foreign key on "${option.from}" to "${model.name}" and one on "${option.to}".`,
    )
  }
  const wanted = throughCandidate(model, association, near, far, target)
  claim(naming, name, [...rest].find(({ relation }) => isSameWay(relation, wanted.relation)) ?? wanted)
}

/** A column may be given by its key in the table or by its name. A key of several columns is given by the one that is its own. */
function isOn(fields: readonly string[], column: string, table: PgTable): boolean {
  return fields.includes(column) || fields.includes(fieldNameOf(table, column) ?? column)
}

function nameDeclared(naming: Naming, { name, ...relation }: Relation): void {
  const derived = [...naming.rest].find((candidate) => isSameWay(candidate.relation, relation))
  // Drizzle's `optional` is true by default; a NOT NULL foreign key knows better.
  const nullable = relation.nullable && (derived?.relation.nullable ?? true)
  const known = [...naming.named.values()].some((other) => isSameWay(other, relation))
  if (!known) claim(naming, name, derived ?? { relation: { ...relation, nullable }, short: name, long: name }, nullable)
}

function isSameWay(a: Omit<Relation, 'name'>, b: Omit<Relation, 'name'>): boolean {
  return wayOf(a) === wayOf(b)
}

/** Where a relation leads, without its name. The order of a composite key's columns does not matter. */
function wayOf({ kind, target, from, to, through }: Omit<Relation, 'name'>): string {
  const pairs = from.map((name, i) => [name, to[i]].join('=')).toSorted()
  return JSON.stringify(through === undefined ? [kind, target, pairs] : [kind, target, from, to, through])
}

/** Gives a candidate its name. The name of a field or of another relation is a problem. */
function claim({ model, named, rest, problems }: Naming, name: string, candidate: Candidate, nullable = candidate.relation.nullable): void {
  rest.delete(candidate)
  const what = model.fieldByName.has(name) ? 'a field' : named.has(name) ? 'another relation' : undefined
  if (what === undefined) return void named.set(name, { name, ...candidate.relation, nullable })
  const over = candidate.foreignKey ?? candidate.relation.through?.model ?? candidate.relation.target
  const way = candidate.foreignKey === undefined ? '{ through, from, to }' : `'${candidate.foreignKey}'`
  problems.push(
    `"${model.name}": the relation over "${over}" cannot be named "${name}", which is ${what}. Name it in the resource: relations: { other_name: ${way} }.`,
  )
}

/** Group by group, so that the name of an own key never depends on what other tables point here. */
function nameDerived(naming: Naming, candidates: Candidates): void {
  for (const group of candidates) {
    const open = group.filter((candidate) => naming.rest.has(candidate))
    for (const candidate of open) {
      const wanted = open.filter(({ short }) => short === candidate.short).length
      const free = wanted === 1 && !naming.model.fieldByName.has(candidate.short) && !naming.named.has(candidate.short)
      claim(naming, free ? candidate.short : candidate.long, candidate)
    }
  }
}

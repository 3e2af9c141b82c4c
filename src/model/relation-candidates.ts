// Foreign keys → the relations that they make possible, each with a short and a long name. `relations.ts` chooses between them.

import type { ForeignKey, Model, Relation, TableName } from './model.ts'
import { plural, singular } from './names.ts'

export interface Candidate {
  readonly relation: Omit<Relation, 'name'>
  /** The foreign key it follows, forwards or back; absent for many-to-many. */
  readonly foreignKey?: string
  readonly short: string
  /** For when `short` is a field, or several candidates want it. */
  readonly long: string
}

/** Candidates of one model, best claim to a name first: own keys, keys that point here, association tables. */
export type Candidates = readonly [own: readonly Candidate[], incoming: readonly Candidate[], through: readonly Candidate[]]

export type ModelLookup = (table: TableName) => Model | undefined

export function lookupOf(models: readonly Model[]): ModelLookup {
  const byTable = new Map(models.map((model) => [tableKey(model.table), model]))
  return (table) => byTable.get(tableKey(table))
}

function tableKey({ schema = 'public', name }: TableName): string {
  return JSON.stringify([schema, name])
}

export function candidatesOf(model: Model, models: readonly Model[], lookup: ModelLookup): Candidates {
  return [
    model.foreignKeys.flatMap((key) => ownCandidate(model, key, lookup(key.foreignTable))),
    models.flatMap((child) => keysTo(model, child, lookup).map((key) => incomingCandidate(model, child, key))),
    models.flatMap((association) => throughCandidates(model, association, lookup)),
  ]
}

function keysTo(model: Model, child: Model, lookup: ModelLookup): readonly ForeignKey[] {
  return child.foreignKeys.filter((key) => lookup(key.foreignTable) === model)
}

/** `posts.author_id` → `author`. A key that is not named so takes the name of what it points to: `cities.country_code` → `country`. */
function ownCandidate(model: Model, key: ForeignKey, target: Model | undefined): Candidate[] {
  if (target === undefined) return []
  const thing = singular(target.table.name)
  const stem = idStem(key)
  const nullable = key.fields.some((name) => model.fieldByName.get(name)?.nullable ?? true)
  return [
    {
      relation: { kind: 'one', source: model.name, target: target.name, from: key.fields, to: key.foreignFields, nullable },
      foreignKey: key.name,
      short: stem ?? thing,
      long: `${stemOf(key)}_${thing}`,
    },
  ]
}

/** `posts` of a user; `profile` where the key is unique; `children` where a `parent_id` points into its own table. */
function incomingCandidate(model: Model, child: Model, key: ForeignKey): Candidate {
  const alone = isUnique(child, key.fields)
  const name = alone ? singular(child.name) : child.name
  const long = `${name}_by_${stemOf(key)}`
  return {
    relation: {
      kind: alone ? 'one' : 'many',
      source: model.name,
      target: child.name,
      from: key.foreignFields,
      to: key.fields,
      nullable: alone,
    },
    foreignKey: key.name,
    short: child !== model ? name : !alone && idStem(key) === 'parent' ? 'children' : long,
    long,
  }
}

function isUnique(model: Model, fields: readonly string[]): boolean {
  return model.uniques.some((unique) => unique.fields.every((name) => fields.includes(name)))
}

/** `posts.tags` over `post_tags(post_id, tag_id)`. */
function throughCandidates(model: Model, association: Model, lookup: ModelLookup): Candidate[] {
  return keyPairs(association).flatMap(([near, far]) => {
    const target = lookup(far.foreignTable)
    return lookup(near.foreignTable) === model && target !== undefined ? [throughCandidate(model, association, near, far, target)] : []
  })
}

export function throughCandidate(model: Model, association: Model, near: ForeignKey, far: ForeignKey, target: Model): Candidate {
  const stem = idStem(far)
  const wanted = stem === undefined ? target.name : plural(stem)
  const short = wanted === model.name ? `${wanted}_by_${stemOf(near)}` : wanted
  return {
    relation: {
      kind: 'through',
      source: model.name,
      target: target.name,
      from: near.foreignFields,
      to: far.foreignFields,
      through: { model: association.name, from: near.fields, to: far.fields },
      nullable: false,
    },
    short,
    long: `${short}_through_${association.name}`,
  }
}

/**
 * Two foreign keys whose columns together are the primary key or a unique set make an association table, readable from both ends. They may
 * have columns in common, as that of the tenant, and one of each is its own; a unique set may leave out what they have in common.
 */
function keyPairs(association: Model): [near: ForeignKey, far: ForeignKey][] {
  const keys = association.foreignKeys
  const pairs = keys.flatMap((near) => keys.filter((far) => far !== near).map((far): [ForeignKey, ForeignKey] => [near, far]))
  return pairs.filter(([near, far]) => {
    const shared = near.fields.filter((name) => far.fields.includes(name))
    const own = [...near.fields, ...far.fields].filter((name) => !shared.includes(name))
    const apart = near.fields.length > shared.length && far.fields.length > shared.length
    return apart && association.uniques.some(({ fields }) => isSet(fields, own, shared))
  })
}

function isSet(fields: readonly string[], needed: readonly string[], allowed: readonly string[]): boolean {
  return needed.every((name) => fields.includes(name)) && fields.every((name) => needed.includes(name) || allowed.includes(name))
}

/** `author_id` and `authorId` → `author`; undefined for keys of several columns or another name. */
function idStem({ fields }: ForeignKey): string | undefined {
  return fields.length === 1 ? /^(.+?)(?:_id|(?<=[a-z\d])Id)$/.exec(fields[0] ?? '')?.[1] : undefined
}

function stemOf(key: ForeignKey): string {
  return idStem(key) ?? key.fields.join('_')
}

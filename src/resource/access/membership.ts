// `member('organization_id')`: the table that says who belongs to what, found by its foreign keys.

import type { MemberOptions } from '../../auth/policies.ts'
import { leadsTo } from '../../model/leads-to.ts'
import { parseFilterText } from '../../model/parse-field.ts'
import type { Field, LooseUniqueness, Model } from '../../model/model.ts'
import { nearest } from '../../support/similar.ts'

/** A row of `model` makes its user a member of the row whose `from` is its `to`. */
export interface Membership {
  readonly from: Field
  readonly model: Model
  readonly to: Field
  readonly user: Field
  readonly roles: { readonly field: Field; readonly values: readonly string[] } | undefined
}

interface Wanted extends MemberOptions {
  readonly field: string
}

type Found = Membership | { readonly problem: string }

export function membershipOf(wanted: Wanted, model: Model, models: readonly Model[], users: string): Found {
  const from = model.fieldByName.get(wanted.field)
  if (from === undefined) return mistake(`"${wanted.field}" is not a field of "${model.name}".`)
  const group = groupOf(from, model, models)
  if (group === undefined) return mistake(`"${wanted.field}" refers to no table, and is no key.`)
  const named = wanted.through === undefined ? models : models.filter(({ name }) => name === wanted.through)
  if (named.length === 0) return mistake(`there is no table "${wanted.through}".${perhaps(wanted.through ?? '', models)}`)
  const found = named.flatMap((one) => waysOver(one, group, wanted, models, users))
  const ways = wanted.through === undefined ? found.filter((way) => isAssociation(way) || partialOver(way) !== undefined) : found
  const [way] = ways
  if (way === undefined) return mistake(noWay(wanted, group.model, users))
  if (ways.length > 1) return mistake(severalWays(ways.map(({ association }) => association.name)))
  const isSure = wanted.through !== undefined || isAssociation(way) || isOverLiving(way)
  return isSure ? withRole(wanted, from, way) : mistake(notSure(way))
}

function mistake(problem: string): Found {
  return { problem: `member: ${problem}` }
}

function perhaps(name: string, models: readonly Model[]): string {
  const near = nearest(
    name,
    models.map((model) => model.name),
  )
  return near === undefined ? '' : ` Perhaps you meant "${near}".`
}

/** What members belong to, and the field that a row refers to it by. */
interface Group {
  readonly model: Model
  readonly key: string
}

function groupOf(field: Field, model: Model, models: readonly Model[]): Group | undefined {
  const key = model.foreignKeys.find(({ fields }) => fields.length === 1 && fields[0] === field.name)
  const target = key && models.find((one) => leadsTo(key, one))
  if (target !== undefined) return { model: target, key: key?.foreignFields[0] ?? '' }
  return model.primaryKey.length === 1 && model.primaryKey[0] === field.name ? { model, key: field.name } : undefined
}

interface Way {
  readonly association: Model
  readonly to: Field
  readonly user: Field
}

function waysOver(association: Model, group: Group, { user }: Wanted, models: readonly Model[], users: string): Way[] {
  const single = association.foreignKeys.filter(({ fields }) => fields.length === 1)
  const toGroup = single.filter((key) => leadsTo(key, group.model) && key.foreignFields[0] === group.key)
  const usersModel = models.find(({ name }) => name === users)
  const toUser = single.filter((key) => usersModel !== undefined && leadsTo(key, usersModel)).map(({ fields }) => fields[0])
  const userNames = user === undefined ? toUser : [user]
  return toGroup.flatMap(({ fields: [to] }) =>
    userNames.flatMap((name) => {
      const [toField, userField] = [association.fieldByName.get(to ?? ''), association.fieldByName.get(name ?? '')]
      return toField === undefined || userField === undefined || toField === userField
        ? []
        : [{ association, to: toField, user: userField }]
    }),
  )
}

/** A user is a member once: a table that only happens to have both keys, as of things with authors, says nothing of members. */
function isAssociation({ association, to, user }: Way): boolean {
  return association.uniques.some(({ fields }) => fields.length === 2 && fields.includes(to.name) && fields.includes(user.name))
}

/** A unique index over the two for some of the rows alone: members they may be, or those who have left. */
function partialOver({ association, to, user }: Way): LooseUniqueness | undefined {
  return association.looseUniques.find(
    ({ fields, hasExpressions }) => !hasExpressions && fields.length === 2 && fields.includes(to.name) && fields.includes(user.name),
  )
}

/** Of the rows that are not deleted, which are the only ones that make members. */
function isOverLiving(way: Way): boolean {
  const { association } = way
  const column = association.softDelete === undefined ? undefined : association.fieldByName.get(association.softDelete)?.column
  const where = partialOver(way)?.where ?? ''
  return column !== undefined && new RegExp(`^\\(?("\\w+"\\.)*"?${column}"? is null\\)?$`, 'i').test(where)
}

function notSure(way: Way): string {
  const { name } = way.association
  return `a user is in "${name}" once only where ${partialOver(way)?.where ?? ''}, and every row of it would make a member. If that is meant, name it: { through: '${name}' }.`
}

function noWay({ through, user }: Wanted, group: Model, users: string): string {
  const who = user === undefined ? `one to "${users}"` : `a column "${user}"`
  if (through !== undefined) return `"${through}" has not a foreign key to "${group.name}" and ${who}.`
  return `no table has a foreign key to "${group.name}" and ${who}, and a unique constraint or primary key over the two. Name one: { through: '…' }.`
}

function severalWays(names: readonly string[]): string {
  return `several ways could be meant, over ${names.map((name) => `"${name}"`).join(', ')}. Name the table and the column: { through: '…', user: '…' }.`
}

function withRole({ role }: Wanted, from: Field, { association, to, user }: Way): Found {
  const found = { from, model: association, to, user }
  if (role === undefined) return { ...found, roles: undefined }
  const field = association.fieldByName.get('role')
  if (field === undefined) return mistake(`"${association.name}" has no column "role".`)
  const parsed = [role].flat().map((name) => parseFilterText(field, name))
  const wrong = parsed.find((one) => 'problem' in one)
  if (wrong !== undefined && 'problem' in wrong) return mistake(`role: ${wrong.problem}.`)
  return { ...found, roles: { field, values: parsed.flatMap((one) => ('value' in one ? [one.value] : [])) } }
}

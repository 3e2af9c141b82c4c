// Policies that look at tables of tenants, held to the caller's tenant: whoever may do something because of a record of theirs may not because
// of one of another tenant; and that there is no record can be said by nobody who sees one tenant's alone.

import type { Caller } from '../../core/caller.ts'
import type { Field, Model } from '../../model/model.ts'
import type { Condition, Verdict } from '../plan.ts'
import { tenantVerdict } from './tenant.ts'

/** Whose rows a policy is about. */
export interface TenantGround {
  /** Holds the tenant of the rows themselves; undefined: they belong to none. */
  readonly tenant: Field | undefined
  /** The same of every table, by model name. */
  readonly tenantFields: ReadonlyMap<string, Field>
}

interface Held {
  readonly who: Caller
  readonly fields: ReadonlyMap<string, Field>
  /** Whether the row is known to be the caller's tenant's, or to belong to one that is. */
  readonly isTheirs: boolean
  /** Whether it is asked which rows do not meet the condition. */
  readonly negated: boolean
}

export function heldToTenant(verdict: Verdict, who: Caller, { tenant, tenantFields }: TenantGround): Verdict {
  if (typeof verdict === 'boolean' || tenantFields.size === 0) return verdict
  return heldCondition(verdict, { who, fields: tenantFields, isTheirs: tenant !== undefined, negated: false })
}

/**
 * Name of the first table of tenants that a verdict about rows of no tenant wants nothing to be in. What another tenant has there is not to be
 * seen, so each would get the rows of all others: such a condition is met by no row, whoever asks.
 */
export function absentFrom(verdict: Verdict, negated: boolean, fields: ReadonlyMap<string, Field>): string | undefined {
  return typeof verdict === 'boolean' ? undefined : absentIn(verdict, negated, fields)
}

function absentIn(condition: Condition, negated: boolean, fields: ReadonlyMap<string, Field>): string | undefined {
  switch (condition.type) {
    case 'all':
    case 'any':
      return first(condition.conditions, (one) => absentIn(one, negated, fields))
    case 'not':
      return absentIn(condition.condition, !negated, fields)
    case 'linked':
    case 'related':
      return isAbsence(condition, negated)
        ? tableIn(condition, fields)
        : first(behind(condition, fields), (one) => absentIn(one, false, fields))
    default:
      return undefined
  }
}

type Existence = Extract<Condition, { type: 'linked' | 'related' }>

function isAbsence(condition: Existence, negated: boolean): boolean {
  return condition.type === 'related' && condition.negated ? !negated : negated
}

/** What is asked of the row that is there, as far as that row may be anybody's. */
function behind(condition: Existence, fields: ReadonlyMap<string, Field>): readonly Condition[] {
  return tablesOf(condition).some((name) => fields.has(name)) ? [] : innerOf(condition)
}

function innerOf(condition: Existence): readonly Condition[] {
  if (condition.type === 'linked') return condition.conditions
  return condition.condition === undefined ? [] : [condition.condition]
}

function tablesOf(condition: Existence): string[] {
  if (condition.type === 'linked') return [condition.model.name]
  const { target, through } = condition.relation
  return [target.model.name, ...(through === undefined ? [] : [through.name])]
}

/** The first table of tenants that a condition leads to, however far away. */
function tableIn(condition: Condition, fields: ReadonlyMap<string, Field>): string | undefined {
  switch (condition.type) {
    case 'all':
    case 'any':
      return first(condition.conditions, (one) => tableIn(one, fields))
    case 'not':
      return tableIn(condition.condition, fields)
    case 'linked':
    case 'related':
      return tablesOf(condition).find((name) => fields.has(name)) ?? first(innerOf(condition), (one) => tableIn(one, fields))
    default:
      return undefined
  }
}

function first<item, found>(items: readonly item[], find: (item: item) => found | undefined): found | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}

const everything: Condition = { type: 'all', conditions: [] }
const nothing: Condition = { type: 'any', conditions: [] }

function heldCondition(condition: Condition, held: Held): Condition {
  switch (condition.type) {
    case 'all':
    case 'any':
      return { ...condition, conditions: condition.conditions.map((one) => heldCondition(one, held)) }
    case 'not':
      return { ...condition, condition: heldCondition(condition.condition, { ...held, negated: !held.negated }) }
    case 'linked':
    case 'related':
      return heldExistence(condition, held)
    default:
      return condition
  }
}

function heldExistence(condition: Existence, held: Held): Condition {
  const { who, fields, isTheirs, negated } = held
  const isAbsent = isAbsence(condition, negated)
  if (isAbsent && !isTheirs && tableIn(condition, fields) !== undefined) return negated ? everything : nothing
  const there: Held = { ...held, negated: isAbsent, isTheirs: isTheirs || tablesOf(condition).some((name) => fields.has(name)) }
  const rowsOf = (model: Model | undefined): Verdict => tenantVerdict(fields.get(model?.name ?? ''), who)
  const asked = innerOf(condition).map((one) => heldCondition(one, there))
  if (condition.type === 'linked') return { ...condition, conditions: [...asked, ...conditionsOf(rowsOf(condition.model))] }
  const { relation } = condition
  const all = [...asked, ...conditionsOf(rowsOf(relation.target.model))]
  return { ...condition, relation: { ...relation, throughRows: rowsOf(relation.through) }, condition: { type: 'all', conditions: all } }
}

function conditionsOf(verdict: Verdict): readonly Condition[] {
  if (verdict === true) return []
  return [verdict === false ? nothing : verdict]
}

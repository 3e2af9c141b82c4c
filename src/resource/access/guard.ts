// What a caller's policies ask of one write: of the record before, and of the record after. The row is locked while it is looked at, because
// the conditions stand in the statements that lock and change it.

import { isSameValue } from '../../model/same-value.ts'
import type { Field } from '../../model/model.ts'
import type { Operation } from '../define.ts'
import type { Condition, Verdict } from '../plan.ts'
import { verdictModels } from '../read-tables.ts'
import { sourceFields } from '../relation-sql.ts'
import type { ColumnValues } from '../write-columns.ts'
import { ruleOf } from './admit.ts'
import type { Sight } from './sights.ts'
import { referenceVerdict, type TenantReference } from './tenant.ts'

export interface Guard {
  readonly sight: Sight
  readonly operation: Operation
  /** Records that the caller may see: the others are not found. */
  readonly seen: Verdict
  /** Records that the caller may change in this way. */
  readonly before: Verdict
  /** What the record has to be when it has been written. */
  readonly after: Verdict
  /** Where its foreign keys may lead: to no record of another tenant. */
  readonly references: readonly GuardedReference[]
  /** Fields that can have one value only: the caller's own key, and their tenant's. */
  readonly owned: ReadonlyMap<Field, string>
}

export interface GuardedReference {
  readonly reference: TenantReference
  /** Records with such a foreign key as the caller may have. */
  readonly rows: Verdict
}

/** Undefined when nothing is asked of a record. */
export function guardOf(sight: Sight, operation: Operation): Guard | undefined {
  const { decision, resource, who } = sight
  const { rows } = decision
  const rule = ruleOf(operation)
  const before = rule === 'create' ? true : rows[rule]
  const after = rule === 'create' ? rows.create : rule === 'update' ? decision.after : true
  if (before === true && after === true && resource.references.length === 0) return undefined
  const isRead = resource.access.rules.get.policy.policy !== 'nobody'
  const references = resource.references.map((reference) => ({ reference, rows: referenceVerdict(reference, who) }))
  return { sight, operation, seen: isRead ? decision.seen : before, before, after, references, owned: new Map(ownedFields(after)) }
}

/** Fields that every record has to have the caller's own key in. */
function ownedFields(verdict: Verdict): [Field, string][] {
  if (typeof verdict === 'boolean') return []
  if (verdict.type === 'all') return verdict.conditions.flatMap(ownedFields)
  return verdict.type === 'compare' && verdict.own === true ? [[verdict.field, verdict.values[0] ?? '']] : []
}

/** Whether the record has to be looked at when it has been written: not when the columns that are set cannot make a difference. */
export function needsCheck(guard: Guard, columns: ColumnValues): boolean {
  return isDecided(guard, columns) || looseReferences(guard, columns).length > 0
}

/** Whether `after` has to be asked: of each of its conditions that the columns make a difference to, and that they do not meet by themselves. */
function isDecided({ after, operation }: Guard, columns: ColumnValues): boolean {
  if (typeof after === 'boolean') return false
  const isNew = ruleOf(operation) === 'create'
  const conditions = after.type === 'all' ? after.conditions : [after]
  return conditions.some((condition) => (isNew || touches(condition, columns)) && !isProven(condition, columns))
}

/** The foreign keys to records of tenants that may have been set: with a default of the database nothing is known of where they lead. */
export function looseReferences({ references, operation }: Guard, columns: ColumnValues): readonly GuardedReference[] {
  if (references.length === 0) return references
  const rule = ruleOf(operation)
  if (rule === 'delete') return []
  return references.filter(
    ({ reference }) =>
      reference.from.every((field) => mayBeSet(field, columns, rule === 'create')) && isTouched(reference, columns, rule === 'create'),
  )
}

function mayBeSet(field: Field, columns: ColumnValues, isNew: boolean): boolean {
  const value = columns.get(field)
  return value === undefined ? !isNew || field.hasDefault || field.generated : value !== null
}

function isTouched({ from }: TenantReference, columns: ColumnValues, isNew: boolean): boolean {
  return isNew || from.some((field) => columns.has(field) || (field.generated && columns.size > 0))
}

/** The row alone decides, by columns that are set here to what they have to be. */
function isProven(condition: Condition, columns: ColumnValues): boolean {
  switch (condition.type) {
    case 'all':
      return condition.conditions.every((one) => isProven(one, columns))
    case 'any':
      return condition.conditions.some((one) => isProven(one, columns))
    case 'compare': {
      const value = columns.get(condition.field)
      return condition.operator === 'eq' && typeof value === 'string' && isSameValue(condition.field, value, condition.values[0] ?? '')
    }
    default:
      return false
  }
}

function touches(condition: Condition, columns: ColumnValues): boolean {
  const fields = new Set(conditionFields(condition))
  // What a generated column is made of is not known here: anything may be a part of it.
  if (columns.size > 0 && [...fields].some(({ generated }) => generated)) return true
  const others = new Set(verdictModels(condition))
  return [...columns.keys()].some((field) => fields.has(field) || [...others].some((model) => model.fieldByName.get(field.name) === field))
}

/** Fields of the row itself that a condition looks at. */
export function conditionFields(condition: Condition): readonly Field[] {
  switch (condition.type) {
    case 'all':
    case 'any':
      return condition.conditions.flatMap(conditionFields)
    case 'not':
      return conditionFields(condition.condition)
    case 'related':
      return sourceFields(condition.relation)
    case 'linked':
      return [condition.from, ...(condition.more ?? []).map(({ from }) => from)]
    default:
      return [condition.field]
  }
}

// The tenant that records belong to: one condition more in everything that is decided about a resource with `tenant`, whatever its policies
// say. And what a caller may refer to: a foreign key leads to rows of the tenant that it is set in.

import type { Caller } from '../../core/caller.ts'
import { tenantOf } from '../../core/tenant.ts'
import { leadsTo } from '../../model/leads-to.ts'
import type { Field, ForeignKey, Model } from '../../model/model.ts'
import { parseFilterText } from '../../model/parse-field.ts'
import type { Condition, Verdict } from '../plan.ts'
import { anyOf } from './verdicts.ts'

/** A foreign key to a table whose rows belong to tenants, which does not itself say that both are of the same one. */
export interface TenantReference {
  readonly key: ForeignKey
  readonly from: readonly Field[]
  readonly model: Model
  /** In step with `from`. */
  readonly to: readonly Field[]
  /** Field of `model` that holds the tenant. */
  readonly tenant: Field
}

/** The rows of the tenant that the caller acts in: none without one. @param field  undefined: the rows belong to no tenant, and all are meant */
export function tenantVerdict(field: Field | undefined, who: Caller): Verdict {
  if (field === undefined) return true
  const tenant = tenantOf(who)
  const parsed = tenant === undefined ? undefined : parseFilterText(field, tenant)
  if (parsed === undefined || 'problem' in parsed) return false
  return { type: 'compare', field, operator: 'eq', values: [parsed.value], own: true }
}

/** The rows whose foreign key is null, or leads to a row of the caller's tenant. A row that is not there is none of theirs. */
export function referenceVerdict({ from, model, to, tenant }: TenantReference, who: Caller): Verdict {
  const theirs = tenantVerdict(tenant, who)
  const nulls = from
    .filter(({ nullable }) => nullable)
    .map((field): Condition => ({ type: 'compare', field, operator: 'null', values: ['true'] }))
  const pairs = from.flatMap((field, i) => (to[i] === undefined ? [] : [{ from: field, to: to[i] }]))
  const [first, ...more] = pairs
  if (typeof theirs === 'boolean' || first === undefined) return anyOf(nulls)
  return anyOf([...nulls, { type: 'linked', ...first, more, model, conditions: [theirs], withDeleted: true }])
}

/** The foreign keys of a table that lead to rows of tenants. @param tenantFields  by model name */
export function tenantReferences(
  model: Model,
  models: readonly Model[],
  tenantFields: ReadonlyMap<string, Field>,
): readonly TenantReference[] {
  return model.foreignKeys.flatMap((key): TenantReference[] => {
    const target = models.find((one) => leadsTo(key, one))
    const tenant = target && tenantFields.get(target.name)
    if (target === undefined || tenant === undefined || isBound(key, tenantFields.get(model.name), tenant)) return []
    return [{ key, from: fieldsOf(model, key.fields), model: target, to: fieldsOf(target, key.foreignFields), tenant }]
  })
}

/** A key that has both tenants in it cannot lead to another one. */
function isBound({ fields, foreignFields }: ForeignKey, own: Field | undefined, other: Field): boolean {
  return own !== undefined && fields.some((name, i) => name === own.name && foreignFields[i] === other.name)
}

function fieldsOf(model: Model, names: readonly string[]): Field[] {
  return names.flatMap((name) => model.fieldByName.get(name) ?? [])
}

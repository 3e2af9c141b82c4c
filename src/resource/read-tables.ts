// Which tables a read looks at: those whose changes may change its answer.

import type { Model } from '../model/model.ts'
import type { Condition, ListPlan, OrderKey, ShapePlan } from './plan.ts'
import type { CompiledRelation } from './registry.ts'

/** Every table of a list: its own, and those that filters, order and includes lead to. */
export function listTables(plan: ListPlan): ReadonlySet<Model> {
  return new Set([
    plan.shape.resource.model,
    ...plan.where.flatMap(conditionModels),
    ...plan.order.flatMap(orderModels),
    ...includedModels(plan.shape),
  ])
}

/** The tables of the included records, the resource's own only when an include leads back to it. */
export function includedTables(shape: ShapePlan): ReadonlySet<Model> {
  return new Set(includedModels(shape))
}

function includedModels({ includes }: ShapePlan): Model[] {
  return includes.flatMap(({ relation, shape }) => [...relationModels(relation), ...includedModels(shape)])
}

function conditionModels(condition: Condition): Model[] {
  switch (condition.type) {
    case 'all':
    case 'any':
      return condition.conditions.flatMap(conditionModels)
    case 'related':
      return [...relationModels(condition.relation), ...(condition.condition === undefined ? [] : conditionModels(condition.condition))]
    case 'compare':
      return []
  }
}

function orderModels(key: OrderKey): Model[] {
  return key.by === 'field' ? key.path.flatMap(relationModels) : []
}

function relationModels({ target, through }: CompiledRelation): Model[] {
  return through === undefined ? [target.model] : [target.model, through]
}

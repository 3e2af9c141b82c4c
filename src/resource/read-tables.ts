// Which tables a read looks at: those whose changes may change its answer.

import type { Model } from '../model/model.ts'
import type { Condition, ListPlan, OrderKey, ShapePlan, Verdict } from './plan.ts'
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

/** The tables that a read of one record looks at beside its row: those of included records and of what decides whether it may be seen. */
export function tablesBeside(shape: ShapePlan): ReadonlySet<Model> {
  return new Set([...verdictModels(shape.resource.rows.get), ...includedModels(shape)])
}

/** The tables that a verdict looks at beside the row. */
export function verdictModels(verdict: Verdict): Model[] {
  return typeof verdict === 'boolean' ? [] : conditionModels(verdict)
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
    case 'linked':
      return [condition.model, ...condition.conditions.flatMap(conditionModels)]
    case 'not':
      return conditionModels(condition.condition)
    case 'compare':
    case 'held':
      return []
  }
}

function orderModels(key: OrderKey): Model[] {
  return key.by === 'field' ? key.path.flatMap(relationModels) : []
}

function relationModels({ target, through, throughRows }: CompiledRelation): Model[] {
  const own = through === undefined ? [target.model] : [target.model, through]
  return [...own, ...verdictModels(target.rows.list), ...verdictModels(throughRows)]
}

// Takes the texts out of a verdict and leaves places for them, so that callers who differ in them alone share plans and statements.

import { parametersOf } from '../condition-sql.ts'
import type { Condition, Verdict } from '../plan.ts'

/** @param held  gets the texts, in the order of the places */
export function seal(verdict: Verdict, resource: string, held: string[]): Verdict {
  return typeof verdict === 'boolean' ? verdict : sealCondition(verdict, resource, held)
}

function sealCondition(condition: Condition, resource: string, held: string[]): Condition {
  const inner = (one: Condition): Condition => sealCondition(one, resource, held)
  switch (condition.type) {
    case 'all':
    case 'any':
    case 'linked':
      return { ...condition, conditions: condition.conditions.map(inner) }
    case 'not':
      return { ...condition, condition: inner(condition.condition) }
    case 'related': {
      const { relation, condition: asked } = condition
      const sealed = { ...relation, throughRows: seal(relation.throughRows, resource, held) }
      return { ...condition, relation: sealed, condition: asked === undefined ? undefined : inner(asked) }
    }
    case 'compare': {
      const { field, operator, values } = condition
      // Whether a value is there is said by the text of the statement.
      if (operator === 'null') return condition
      return { type: 'held', field, operator, slots: parametersOf(operator, values).map((text) => ({ resource, at: held.push(text) - 1 })) }
    }
    case 'held':
      return condition
  }
}

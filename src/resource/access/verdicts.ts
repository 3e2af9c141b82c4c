// Verdicts joined: what is certain disappears, so that a caller who may see everything gets the statement without a condition.

import type { Condition, Verdict } from '../plan.ts'

export function allOf(verdicts: readonly Verdict[]): Verdict {
  const open = verdicts.filter((verdict) => verdict !== true)
  return open.includes(false) ? false : joined('all', open as readonly Condition[], true)
}

export function anyOf(verdicts: readonly Verdict[]): Verdict {
  const open = verdicts.filter((verdict) => verdict !== false)
  return open.includes(true) ? true : joined('any', open as readonly Condition[], false)
}

function joined(type: 'all' | 'any', conditions: readonly Condition[], none: boolean): Verdict {
  return conditions.length < 2 ? (conditions[0] ?? none) : { type, conditions }
}

/** The rows that do not meet a condition, those among them for which it is unknown. */
export function turned(verdict: Verdict, negated: boolean): Verdict {
  if (!negated) return verdict
  return typeof verdict === 'boolean' ? !verdict : { type: 'not', condition: verdict }
}

// Policies of records without a tenant that let whatever has no record of a tenant beside it: `not(member(…))`, `where({ note: { null: true } })`.

import { anonymousCaller, type Caller } from '../../core/caller.ts'
import type { Field } from '../../model/model.ts'
import type { Verdict } from '../plan.ts'
import type { CompiledAccess } from './compile-access.ts'
import { absentFrom } from './held-policy.ts'
import type { Rule } from './rule.ts'

/** Keys of users are numbers, uuids or text. What a condition says of others is not known before they ask: then no row meets it. */
const callers: readonly Caller[] = [
  anonymousCaller,
  ...['1', '00000000-0000-4000-8000-000000000000'].map((id): Caller => ({ ...anonymousCaller, kind: 'user', id, tenant: id })),
]

/** @param tenantFields  of the tables of tenants, by model name */
export function absenceProblems({ rules }: CompiledAccess, tenantFields: ReadonlyMap<string, Field>): string[] {
  const tables = Object.values(rules).flatMap((rule) => absences(rule, false, tenantFields))
  return [...new Set(tables)].map(
    (table) =>
      `access: it lets records that have none of "${table}" beside them. Those belong to tenants, so each tenant would get what has to do with all others. Say what has to be there instead of not() and null, or give the table a column of its tenant.`,
  )
}

function absences({ policy, parts, judge }: Rule, negated: boolean, fields: ReadonlyMap<string, Field>): string[] {
  const turns = policy.policy === 'not' ? !negated : negated
  if (parts.length > 0) return parts.flatMap((part) => absences(part, turns, fields))
  return callers.flatMap((who) => absentFrom(judged(judge, who, turns), false, fields) ?? [])
}

/** What a condition throws was told before, or is right for others. */
function judged(judge: Rule['judge'], who: Caller, negated: boolean): Verdict {
  try {
    return judge(who, negated)
  } catch {
    return false
  }
}

// Refuses what a caller may not do whatever the record is. Everything else depends on rows, and the statement decides.

import { signingInCouldHelp } from '../../auth/policies-in-words.ts'
import { policyErrors, signInRequired } from '../../auth/policy-errors.ts'
import type { AppError } from '../../core/errors.ts'
import { tenantOf } from '../../core/tenant.ts'
import type { Operation } from '../define.ts'
import type { RuleName } from './compile-access.ts'
import type { Sight } from './sights.ts'

const ruleNameOf: Readonly<Record<Operation, RuleName>> = {
  list: 'list',
  get: 'get',
  create: 'create',
  replace: 'update',
  patch: 'update',
  delete: 'delete',
  restore: 'delete',
}

export function ruleOf(operation: Operation): RuleName {
  return ruleNameOf[operation]
}

/** @throws AppError `AUTH_REQUIRED` (401), `AUTH_FORBIDDEN` (403) */
export function admit(sight: Sight, operation: Operation): void {
  if (sight.decision.rows[ruleNameOf[operation]] === false) throw refusal(sight, operation)
}

/** What somebody is told who may not do this: to sign in, where that could help. */
export function refusal({ who, resource }: Sight, operation: Operation, fields: readonly string[] = []): AppError {
  const { policy } = resource.access.rules[ruleNameOf[operation]]
  if (who.kind === 'anonymous' && signingInCouldHelp(policy)) return signInRequired()
  const needsTenant = resource.tenant !== undefined && tenantOf(who) === undefined && policy.policy !== 'nobody'
  return needsTenant ? policyErrors.TENANT_REQUIRED() : policyErrors.FORBIDDEN(fields)
}

// What the document says of an operation that asks who the caller is: whether somebody has to be signed in, and how others are refused.
// Not the policies themselves: who may do what is the application's to tell.

import { letsEverybody, signingInCouldHelp } from '../auth/policies-in-words.ts'
import { anonymousCaller } from '../core/caller.ts'
import { ruleOf } from '../resource/access/admit.ts'
import { decide } from '../resource/access/decide.ts'
import { isReadByAnyone } from '../resource/access/same-for-all.ts'
import type { Operation } from '../resource/define.ts'
import { isRead } from '../resource/policy.ts'
import type { CompiledResource } from '../resource/registry.ts'
import { refusalReplies } from './openapi-errors.ts'
import { type Part, type Parts, refTo } from './openapi-parts.ts'
import { scopedScheme } from './openapi-security.ts'

/** Where nothing of the application signs anybody in, something in front of it does. */
export const plainBearer: Parts = { bearer: { type: 'http', scheme: 'bearer' } }

/** True when an operation of the resource looks at its caller. */
export function asksWho(resource: CompiledResource): boolean {
  const { rules } = resource.access
  return !isReadByAnyone(resource) || Object.values(rules).some(({ policy }) => policy.policy !== 'anyone' && policy.policy !== 'nobody')
}

/** An operation about records of tenants, with the header that says of which. */
export function operationInTenant(part: Part): Part {
  const { parameters = [] } = part as { readonly parameters?: readonly Part[] }
  return { ...part, parameters: [...parameters, refTo('parameters', 'Tenant')] }
}

/** @param schemes  names of the ways to sign in, of which each will do */
export function guardedOperation(resource: CompiledResource, operation: Operation, schemes: readonly string[], part: Part): Part {
  const rule = resource.access.rules[ruleOf(operation)]
  const verdict = decide(resource, anonymousCaller).rows[ruleOf(operation)]
  if (rule.policy.policy === 'anyone' && verdict === true && isReadByAnyone(resource)) return part
  const ways = schemes.map((name) => ({ [name]: name === scopedScheme ? scopesOf(resource, operation) : [] }))
  const needs = verdict === false && signingInCouldHelp(rule.policy)
  const { responses = {} } = part as { readonly responses?: Parts }
  const { 401: unknown, 403: refused } = refusalReplies('SignInRequired', 'Forbidden')
  return {
    ...part,
    security: needs ? ways : [{}, ...ways],
    responses: { ...responses, ...(refusesNobody(resource, operation) ? {} : { 401: unknown, 403: refused }) },
  }
}

/** What anyone may needs none, but where somebody has to say in which tenant. */
function scopesOf({ name, access, tenant }: CompiledResource, operation: Operation): readonly string[] {
  const { policy } = access.rules[ruleOf(operation)].policy
  return policy === 'anyone' && tenant === undefined ? [] : [`${name}:${isRead(operation) ? 'read' : 'write'}`]
}

/** What is let to who has not signed in may be refused to somebody who has. */
function refusesNobody({ access: { rules }, tenant }: CompiledResource, operation: Operation): boolean {
  if (tenant !== undefined) return false
  const name = ruleOf(operation)
  const isSeen = name === 'list' || name === 'get' || name === 'create' || isSeenByEverybody(rules)
  return letsEverybody(rules[name].policy) && isSeen
}

/** Whoever changes a record has to be able to see it, unless nobody is. */
function isSeenByEverybody({ get, list }: CompiledResource['access']['rules']): boolean {
  const [first, second] = [get.policy, list.policy]
  return first.policy === 'nobody' ? second.policy === 'nobody' || letsEverybody(second) : letsEverybody(first)
}

// What is wrong with a policy in itself, whatever table it is about.

import type { Policy } from '../../auth/policies.ts'

const words: readonly string[] = ['anyone', 'nobody', 'signedIn', 'role', 'permission', 'owner', 'member', 'where', 'all', 'any', 'not']

export function policyProblems(policy: unknown): string[] {
  if (typeof policy === 'function') return ["a policy is a word such as signedIn, or role('editor') with what it is about."]
  if (typeof policy !== 'object' || policy === null || !('policy' in policy) || !words.includes(String(policy.policy)))
    return [`this is not a policy. There are ${words.join(', ')}.`]
  return partProblems(policy as Policy)
}

function partProblems(policy: Policy): string[] {
  switch (policy.policy) {
    case 'role':
      return namesProblems('role', policy.roles)
    case 'permission':
      return namesProblems('permission', policy.permissions)
    case 'all':
    case 'any':
      return policy.policies.length === 0 ? [`${policy.policy}() has no policy in it.`] : policy.policies.flatMap(policyProblems)
    case 'not':
      return policyProblems(policy.inner)
    case 'where':
      return typeof policy.condition === 'function' ? [] : ['where() takes a function: where((who) => ({ … })).']
    default:
      return []
  }
}

function namesProblems(word: string, names: readonly unknown[]): string[] {
  const isFit = names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')
  return isFit ? [] : [`${word}() takes one or more names.`]
}

/** Whether the policy depends on the row, and not on the caller alone. */
export function looksAtRows(policy: Policy): boolean {
  switch (policy.policy) {
    case 'owner':
    case 'member':
    case 'where':
      return true
    case 'all':
    case 'any':
      return policy.policies.some(looksAtRows)
    case 'not':
      return looksAtRows(policy.inner)
    default:
      return false
  }
}

// Policies as people read them, and what can be said of one without knowing who asks.

import type { Policy } from './policies.ts'

const longestCode = 100

/** `any(role('editor'), owner('author_id'))`, as it would be written. */
export function inWords(policy: Policy): string {
  switch (policy.policy) {
    case 'role':
      return `role(${quoted(policy.roles)})`
    case 'permission':
      return `permission(${quoted(policy.permissions)})`
    case 'owner':
      return `owner(${quoted([policy.field])})`
    case 'member':
      return `member(${quoted([policy.field])}${memberOptions(policy)})`
    case 'where':
      return `where(${oneLine(policy.condition.toString())})`
    case 'all':
    case 'any':
      return `${policy.policy}(${policy.policies.map(inWords).join(', ')})`
    case 'not':
      return `not(${inWords(policy.inner)})`
    default:
      return policy.policy
  }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}

function memberOptions({ through, user, role }: Extract<Policy, { policy: 'member' }>): string {
  const given = Object.entries({ through, user, role }).filter(([, value]) => value !== undefined)
  if (given.length === 0) return ''
  return `, { ${given.map(([name, value]) => `${name}: ${Array.isArray(value) ? `[${quoted(value)}]` : quoted([String(value)])}`).join(', ')} }`
}

function oneLine(code: string): string {
  const line = code.replaceAll(/\s+/g, ' ')
  return line.length <= longestCode ? line : `${line.slice(0, longestCode)}…`
}

/** Whether nobody who has not signed in is refused for good: somebody who has might be let. */
export function signingInCouldHelp(policy: Policy, negated = false): boolean {
  switch (policy.policy) {
    case 'anyone':
      return !negated
    case 'nobody':
      return negated
    case 'signedIn':
      return !negated
    case 'all':
    case 'any':
      return (policy.policy === 'all') === negated
        ? policy.policies.some((part) => signingInCouldHelp(part, negated))
        : policy.policies.every((part) => signingInCouldHelp(part, negated))
    case 'not':
      return signingInCouldHelp(policy.inner, !negated)
    default:
      // Somebody there may be, with or without the role, the membership or the row.
      return true
  }
}

/** Whether it refuses nobody, whoever asks about whatever row. */
export function letsEverybody(policy: Policy, negated = false): boolean {
  switch (policy.policy) {
    case 'anyone':
      return !negated
    case 'nobody':
      return negated
    case 'all':
    case 'any':
      return (policy.policy === 'all') === negated
        ? policy.policies.some((part) => letsEverybody(part, negated))
        : policy.policies.every((part) => letsEverybody(part, negated))
    case 'not':
      return letsEverybody(policy.inner, !negated)
    default:
      return false
  }
}

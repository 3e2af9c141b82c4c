// How often a resource may be called, as its definition says it: one limit for all operations together, or limits by operation.

import { type RateLimit, type RateRule, rateProblems, ratesOf } from '../support/rates.ts'
import { formatDuration } from '../support/duration.ts'
import { nearest } from '../support/similar.ts'
import type { Operation } from './define.ts'
import { isRead } from './policy.ts'

/** The narrow word (`create`) wins over the wide one (`write`). What `read` or `write` says is for all those operations together. */
export type OperationRateLimits = { readonly [name in Operation | 'read' | 'write']?: RateLimit }

export type ResourceRateLimit = RateLimit | OperationRateLimits

const names: readonly string[] = [
  'read',
  'write',
  'list',
  'get',
  'create',
  'replace',
  'patch',
  'delete',
  'restore',
] satisfies (keyof OperationRateLimits)[]

/**
 * @param resource  its name; counts are told apart by it
 * @param limit     without problems
 * @returns         undefined when nothing is said of the operation
 */
export function rateLimitOf(
  resource: string,
  limit: ResourceRateLimit | undefined,
  operation: Operation,
): readonly RateRule[] | false | undefined {
  if (limit === undefined) return undefined
  if (!isByOperation(limit)) return named(resource, limit)
  const word = limit[operation] === undefined ? (isRead(operation) ? 'read' : 'write') : operation
  const own = limit[word]
  return own === undefined ? undefined : named(`${resource} ${word}`, own)
}

/** What is wrong with the option; each sentence begins with its name. */
export function rateLimitProblems(limit: ResourceRateLimit | undefined): string[] {
  if (limit === undefined) return []
  if (!isByOperation(limit)) return rateProblems(limit).map((problem) => `rateLimit: ${problem}`)
  return Object.entries(limit).flatMap(([name, own]) => {
    if (!names.includes(name)) return [`rateLimit: "${name}" is not an operation.${hintAt(name)}`]
    return rateProblems(own).map((problem) => `rateLimit.${name}: ${problem}`)
  })
}

function hintAt(name: string): string {
  const near = nearest(name, names)
  return near === undefined ? ` There is: ${names.join(', ')}.` : ` Perhaps you meant "${near}".`
}

function isByOperation(limit: ResourceRateLimit): limit is OperationRateLimits {
  return typeof limit === 'object' && limit !== null && !Array.isArray(limit) && !('max' in limit || 'per' in limit)
}

/** Operations of one name share a count. */
function named(scope: string, limit: RateLimit): readonly RateRule[] | false {
  if (limit === false) return false
  return ratesOf(limit).map(({ max, windowMs, by, name = `resource ${scope}` }) => ({ max, per: formatDuration(windowMs), by, name }))
}

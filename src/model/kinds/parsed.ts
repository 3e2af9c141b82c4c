// What the kinds share when they refuse a value. A problem completes the sentence `"price" …`.

import type { FilterOperator, Parsed } from './kind.ts'

export const comparable: readonly FilterOperator[] = ['eq', 'ne', 'in', 'nin']
export const ordered: readonly FilterOperator[] = [...comparable, 'gt', 'gte', 'lt', 'lte', 'between']

export function refuse(problem: string, hint?: string): Parsed {
  return hint === undefined ? { problem } : { problem, hint }
}

/** `must be a whole number, not text` */
export function wrongType(expected: string, value: unknown, hint?: string): Parsed {
  return refuse(`must be ${expected}, not ${describe(value)}`, hint)
}

/** The JSON type of a value in plain words. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  switch (typeof value) {
    case 'string':
      return 'text'
    case 'number':
      return 'a number'
    case 'boolean':
      return String(value)
    case 'object':
      return 'an object'
    default:
      return `a ${typeof value}`
  }
}

/**
 * Why PostgreSQL cannot store a text as it is: it has no NUL, and a lone surrogate has no UTF-8 form.
 *
 * @see PostgreSQL manual, "Character Set Support"
 */
export function unstorable(text: string): Parsed | undefined {
  if (text.includes('\u0000'))
    return refuse('must not contain the NUL character (U+0000)', 'Remove it: PostgreSQL cannot store it in text.')
  if (text.isWellFormed()) return undefined
  return refuse(
    'must be well-formed Unicode, without half of a surrogate pair',
    'Send characters beyond U+FFFF whole, or as both halves: "\\ud83d\\ude00".',
  )
}

/** Patterns with groups in loops need stack for long texts; nothing that has a pattern is this long. */
const longestMatched = 65_536

/** Text that matches `pattern`, as it is. */
export function parseMatching(value: unknown, pattern: RegExp, expected: string, hint?: string): Parsed {
  if (typeof value !== 'string') return wrongType(expected, value, hint)
  return value.length <= longestMatched && pattern.test(value) ? { value } : refuse(`must be ${expected}`, hint)
}

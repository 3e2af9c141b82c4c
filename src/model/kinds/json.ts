// json and jsonb: any JSON value. Replies carry PostgreSQL's text as it is: json keeps its spelling, jsonb orders its keys.

import { describe, refuse, unstorable } from './parsed.ts'
import type { Kind, Parsed } from './kind.ts'

/**
 * Digits that the numbers of one value may have when they are written out. jsonb keeps them that way: a megabyte of `1e-300,`
 * would be 43 MB to store, to read and to send.
 */
const mostDigits = 100_000

/** Lists and objects inside each other. Far below what would exhaust PostgreSQL's stack or ours. */
const deepest = 128

export const json = jsonKind('json', [], parseJson)
/** jsonb compares by value, and knows what it contains: `has` is its `@>`. */
export const jsonb = jsonKind('jsonb', ['eq', 'ne', 'has'], parseJsonb)

function jsonKind(name: string, operators: Kind['operators'], parse: (value: unknown) => Parsed): Kind {
  return {
    name,
    encoding: 'verbatim',
    operators,
    sortable: false,
    jsonSchema: () => ({}),
    parse,
    parseText: (text) => parseJsonText(text, parse),
    decode: (text) => JSON.parse(text),
    example: () => ({ key: 'value' }),
  }
}

function parseJson(value: unknown): Parsed {
  return unacceptable(value, Number.POSITIVE_INFINITY) ?? { value: JSON.stringify(value) }
}

function parseJsonb(value: unknown): Parsed {
  return unacceptable(value, mostDigits) ?? { value: JSON.stringify(value) }
}

function parseJsonText(text: string, parse: (value: unknown) => Parsed): Parsed {
  try {
    return parse(JSON.parse(text))
  } catch {
    return refuse('must be JSON', 'Text needs its quotes: "blue".')
  }
}

/**
 * Walks the value with a list instead of recursion, so that depth costs no stack.
 *
 * @param mostDigits  that exponents may stand for, in all numbers together
 */
function unacceptable(root: unknown, mostDigits: number): Parsed | undefined {
  let digits = 0
  const rest: [value: unknown, depth: number][] = [[root, 0]]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [value, depth] = next
    if (depth > deepest) return refuse(`must not be nested deeper than ${deepest} levels`)
    const problem = unacceptableLeaf(value)
    if (problem !== undefined) return problem
    if (typeof value === 'number') digits += writtenOut(value)
    if (typeof value !== 'object' || value === null) continue
    for (const [key, child] of Object.entries(value)) {
      const badKey = unstorable(key)
      if (badKey !== undefined) return badKey
      rest.push([child, depth + 1])
    }
  }
  return digits > mostDigits ? refuse(`must not contain numbers that have more than ${mostDigits} digits together`, digitsHint) : undefined
}

const digitsHint = 'PostgreSQL writes 1e-300 out, with 300 zeros. Send such numbers as text.'

/** Digits of a number that its exponent stands for. */
function writtenOut(number: number): number {
  const size = Math.abs(number)
  return size === 0 || (size >= 1e-6 && size < 1e21) ? 0 : Math.abs(Math.log10(size))
}

/** `JSON.stringify` would write NaN and Infinity as null, leave functions out, and throw for a bigint. */
function unacceptableLeaf(value: unknown): Parsed | undefined {
  switch (typeof value) {
    case 'string':
      return unstorable(value)
    case 'number':
      return Number.isFinite(value) ? undefined : refuse('must not contain numbers beyond the range of a double')
    case 'boolean':
    case 'object':
      return undefined
    default:
      return refuse(`must be a JSON value, not ${describe(value)}`)
  }
}

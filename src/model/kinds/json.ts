// json and jsonb: any JSON value. Replies carry PostgreSQL's text as it is: json keeps its spelling, jsonb orders its keys.

import { describe, refuse, unstorable } from './parsed.ts'
import type { Kind, Parsed } from './kind.ts'

/** Lists and objects inside each other. Far below what would exhaust PostgreSQL's stack or ours. */
const deepest = 128

export const json = jsonKind('json', [])
/** jsonb compares by value, and knows what it contains: `has` is its `@>`. */
export const jsonb = jsonKind('jsonb', ['eq', 'ne', 'has'])

function jsonKind(name: string, operators: Kind['operators']): Kind {
  return {
    name,
    encoding: 'verbatim',
    operators,
    sortable: false,
    jsonSchema: () => ({}),
    parse: parseJson,
    parseText: parseJsonText,
    decode: (text) => JSON.parse(text),
    example: () => ({ key: 'value' }),
  }
}

function parseJson(value: unknown): Parsed {
  return unacceptable(value) ?? { value: JSON.stringify(value) }
}

function parseJsonText(text: string): Parsed {
  try {
    return parseJson(JSON.parse(text))
  } catch {
    return refuse('must be JSON', 'Text needs its quotes: "blue".')
  }
}

/** Walks the value with a list instead of recursion, so that depth costs no stack. */
function unacceptable(root: unknown): Parsed | undefined {
  const rest: [value: unknown, depth: number][] = [[root, 0]]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [value, depth] = next
    if (depth > deepest) return refuse(`must not be nested deeper than ${deepest} levels`)
    const problem = unacceptableLeaf(value)
    if (problem !== undefined) return problem
    if (typeof value !== 'object' || value === null) continue
    for (const [key, child] of Object.entries(value)) {
      const badKey = unstorable(key)
      if (badKey !== undefined) return badKey
      rest.push([child, depth + 1])
    }
  }
  return undefined
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

// PostgreSQL's plane geometry: its own text, `(1,2)` for a point. No operators: equality means other things here.
// From JavaScript (hooks, defaults) Drizzle's tuples and objects are taken too.

import type { Kind, Parsed } from './kind.ts'
import { parseMatching } from './parsed.ts'

const n = '-?\\d+(\\.\\d+)?([eE][+-]?\\d{1,3})?'
const p = `\\(${n},${n}\\)`

export const point = geometricKind(`^${p}$`, 'a point', '(1.5,2)')
export const line = geometricKind(`^\\{${n},${n},${n}\\}$`, 'a line Ax + By + C = 0', '{1,-1,0}')
export const segment = geometricKind(`^\\[${p},${p}\\]$`, 'a line segment', '[(0,0),(1,1)]')
export const box = geometricKind(`^${p},${p}$`, 'a box', '(1,1),(0,0)')
export const path = geometricKind(`^(\\[${p}(,${p})*\\]|\\(${p}(,${p})*\\))$`, 'a path', '[(0,0),(1,1)]')
export const polygon = geometricKind(`^\\(${p}(,${p})*\\)$`, 'a polygon', '((0,0),(1,0),(1,1))')
export const circle = geometricKind(`^<${p},\\d+(\\.\\d+)?>$`, 'a circle', '<(0,0),1>')

function geometricKind(pattern: string, expected: string, sample: string): Kind {
  const matcher = new RegExp(pattern)
  const parse = (value: unknown): Parsed => parseMatching(plain(value), matcher, expected, `As PostgreSQL writes it: ${sample}`)
  return {
    name: 'geometric',
    encoding: 'quoted',
    operators: [],
    sortable: false,
    jsonSchema: () => ({ type: 'string', pattern }),
    parse,
    parseText: parse,
    decode: (text) => text,
    example: () => sample,
  }
}

/** `[x, y]` and `{ x, y }` are points, `[a, b, c]` and `{ a, b, c }` are lines. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const numbers = Object.values(value)
  if (!numbers.every((number) => typeof number === 'number')) return value
  if (numbers.length === 2) return `(${numbers.join(',')})`
  return numbers.length === 3 ? `{${numbers.join(',')}}` : value
}

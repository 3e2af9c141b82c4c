// pgvector's vector and halfvec: its text is already a JSON list of numbers.

import type { Field } from '../model.ts'
import type { Kind, Parsed } from './kind.ts'
import { refuse, wrongType } from './parsed.ts'

export const vector: Kind = {
  name: 'vector',
  encoding: 'verbatim',
  operators: [],
  sortable: false,
  jsonSchema: ({ length }) => ({
    type: 'array',
    items: { type: 'number' },
    ...(length === undefined ? {} : { minItems: length, maxItems: length }),
  }),
  parse: parseVector,
  parseText: () => refuse('cannot be compared'),
  decode: (text) => JSON.parse(text),
  example: ({ length = 3 }) => Array.from({ length }, () => 0.5),
}

function parseVector(value: unknown, { length }: Field): Parsed {
  if (!Array.isArray(value)) return wrongType('a list of numbers', value)
  if (length !== undefined && value.length !== length) return refuse(`must have ${length} numbers, not ${value.length}`)
  return value.every((item) => Number.isFinite(item)) ? { value: JSON.stringify(value) } : refuse('must have only numbers in its list')
}

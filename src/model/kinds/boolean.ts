// boolean: true and false, nothing that stands for them.

import type { Kind } from './kind.ts'
import { comparable, refuse, wrongType } from './parsed.ts'

export const boolean: Kind = {
  name: 'boolean',
  encoding: 'boolean',
  operators: comparable,
  sortable: true,
  jsonSchema: () => ({ type: 'boolean' }),
  parse: (value) => (typeof value === 'boolean' ? { value: String(value) } : wrongType('true or false', value)),
  parseText: (text) => (text === 'true' || text === 'false' ? { value: text } : refuse('must be true or false')),
  decode: (text) => text === 't' || text === 'true',
  example: () => true,
}

// Enum types: one of the values, in the order in which the type declares them.

import type { Field } from '../model.ts'
import type { Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

export const enumKind: Kind = {
  name: 'enum',
  encoding: 'text',
  operators: ordered,
  sortable: true,
  jsonSchema: ({ enumValues }) => ({ type: 'string', enum: enumValues ?? [] }),
  parse: (value, field) => (typeof value === 'string' ? parseMember(value, field) : wrongType('text', value)),
  parseText: parseMember,
  decode: (text) => text,
  example: ({ enumValues }) => enumValues?.[0] ?? '',
}

function parseMember(text: string, { enumValues = [] }: Field): Parsed {
  return enumValues.includes(text) ? { value: text } : refuse(`must be one of ${enumValues.join(', ')}`)
}

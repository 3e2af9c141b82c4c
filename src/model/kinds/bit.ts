// bit(n) and varbit(n): zeros and ones.

import type { Field } from '../model.ts'
import type { Kind } from './kind.ts'
import { comparable, parseMatching } from './parsed.ts'

export const bit = bitKind((length = 1) => `^[01]{${length}}$`)
export const varbit = bitKind((length) => (length === undefined ? '^[01]*$' : `^[01]{0,${length}}$`))

function bitKind(patternFor: (length: number | undefined) => string): Kind {
  const expected = ({ length }: Field): string => (length === undefined ? 'zeros and ones' : `zeros and ones, ${length} of them`)
  const parse: Kind['parse'] = (value, field) => parseMatching(value, new RegExp(patternFor(field.length)), expected(field))
  return {
    name: 'bit',
    encoding: 'quoted',
    operators: comparable,
    sortable: true,
    jsonSchema: (field) => ({ type: 'string', pattern: patternFor(field.length) }),
    parse,
    // Also in a filter: PostgreSQL would cut or fill up what has another length, and find other records.
    parseText: parse,
    decode: (text) => text,
    example: ({ length = 1 }) => '10'.repeat(Math.ceil(length / 2)).slice(0, length),
  }
}

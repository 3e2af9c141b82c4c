// Every type that has no kind of its own (domains, extensions, customType): PostgreSQL's text, both ways.

import type { Kind } from './kind.ts'
import { ordered, unstorable, wrongType } from './parsed.ts'

export const custom = customKind(ordered, true)
/** Types without an equality operator, and view columns whose type nobody declared. */
export const opaque = customKind([], false)

function customKind(operators: Kind['operators'], sortable: boolean): Kind {
  return {
    name: 'custom',
    encoding: 'text',
    operators,
    sortable,
    jsonSchema: () => ({ type: 'string' }),
    parse: (value) => (typeof value === 'string' ? (unstorable(value) ?? { value }) : wrongType('text', value)),
    parseText: (text) => unstorable(text) ?? { value: text },
    decode: (text) => text,
    example: () => 'text',
  }
}

// tsvector: what a search index is made of. Shown as text, never written: triggers and generated columns make it.

import type { Kind } from './kind.ts'
import { refuse } from './parsed.ts'

export const tsvector: Kind = {
  name: 'tsvector',
  encoding: 'text',
  operators: [],
  sortable: false,
  jsonSchema: () => ({ type: 'string', readOnly: true }),
  parse: () => refuse('cannot be set', 'PostgreSQL makes it from other columns.'),
  parseText: () => refuse('cannot be compared', 'Use the search parameter.'),
  decode: (text) => text,
  example: () => "'example':1",
}

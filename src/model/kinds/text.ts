// text, varchar(n), char(n): stored exactly as sent. Lengths count characters (code points), as in PostgreSQL.

import type { Field } from '../model.ts'
import type { JsonSchema, Kind, Parsed } from './kind.ts'
import { ordered, refuse, unstorable, wrongType } from './parsed.ts'

export const text: Kind = {
  name: 'text',
  encoding: 'text',
  operators: [...ordered, 'contains', 'starts', 'ends'],
  sortable: true,
  jsonSchema,
  parse: parseText,
  // A filter may be longer than the column: it finds nothing.
  parseText: (value) => unstorable(value) ?? { value },
  canonical,
  decode: (value) => value,
  example: (field) => field.enumValues?.[0] ?? exampleText(field),
}

/** char(n) is filled up with spaces, which do not count; citext counts capitals like small letters. */
function canonical(value: string, { sqlType }: Field): string {
  if (/^(?:bp)?char\b/.test(sqlType)) return value.replace(/ +$/, '')
  return sqlType === 'citext' ? value.toLowerCase() : value
}

function jsonSchema({ length, enumValues }: Field): JsonSchema {
  return {
    type: 'string',
    ...(length === undefined ? {} : { maxLength: length }),
    ...(enumValues === undefined ? {} : { enum: enumValues }),
  }
}

function parseText(value: unknown, { length, enumValues }: Field): Parsed {
  if (typeof value !== 'string') return wrongType('text', value, typeof value === 'number' ? 'Send it in quotes.' : undefined)
  if (length !== undefined && isLonger(value, length))
    return refuse(`must have at most ${length} ${length === 1 ? 'character' : 'characters'}, not ${characters(value)}`)
  if (enumValues !== undefined && !enumValues.includes(value)) return refuse(`must be one of ${enumValues.join(', ')}`)
  return unstorable(value) ?? { value }
}

/** `value.length` counts UTF-16 units, which is at least the number of characters. */
function isLonger(value: string, length: number): boolean {
  return value.length > length && characters(value) > length
}

/** Code points: what PostgreSQL and JSON Schema count. */
function characters(value: string): number {
  return Array.from(value).length
}

const words: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  url: 'https://example.com',
  slug: 'a-first-example',
  phone: '+44 20 7946 0000',
}

function exampleText({ name, length }: Field): string {
  const example = words[name] ?? `Example ${name.replaceAll('_', ' ')}`
  return length === undefined ? example : example.slice(0, length)
}

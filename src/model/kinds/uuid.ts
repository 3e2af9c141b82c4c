// uuid: the usual 36 characters, lower case in replies.

import type { Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

// RFC 9562; the URN form is what JSON Schema's format "uuid" also accepts.
const pattern = /^(?:urn:uuid:)?([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i
const sample = '0199c1d2-7a3b-7c4d-8e5f-60718293a4b5'

export const uuid: Kind = {
  name: 'uuid',
  encoding: 'quoted',
  operators: ordered,
  sortable: true,
  jsonSchema: () => ({ type: 'string', format: 'uuid' }),
  parse: (value) => (typeof value === 'string' ? parseUuid(value) : wrongType('a UUID', value)),
  parseText: parseUuid,
  decode: (text) => text,
  example: () => sample,
}

function parseUuid(text: string): Parsed {
  const id = pattern.exec(text)?.[1]
  return id === undefined ? refuse('must be a UUID', `As in ${sample}.`) : { value: id.toLowerCase() }
}

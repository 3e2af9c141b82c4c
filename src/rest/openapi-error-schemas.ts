// The schema of an error in each reply format.

import { type Part, type Parts, schemaRef } from './openapi-parts.ts'
import type { ReplyFormatName } from './reply-format.ts'

export function errorSchemas(format: ReplyFormatName): Parts {
  return { Error: errors[format], ErrorDetail: detail }
}

const code: Part = { type: 'string', pattern: '^[A-Z][A-Z0-9_]*$', description: 'For programs: stable across versions.' }
const hint: Part = { type: 'string', description: 'What to do about it.' }
const details: Part = {
  type: 'array',
  items: schemaRef('ErrorDetail'),
  description: 'Each thing that is wrong, by its name. May be empty.',
}
const status: Part = { type: 'integer', minimum: 400, maximum: 599 }

const detail: Part = objectOf(
  {
    field: { type: 'string', description: 'Field, parameter or path, as the caller wrote it: `price`, `filter[price][gte]`.' },
    code,
    message: { type: 'string' },
    hint,
    index: { type: 'integer', minimum: 0, description: 'Position in a bulk request, from 0.' },
  },
  ['code', 'message'],
)

const errors: Readonly<Record<ReplyFormatName, Part>> = {
  envelope: objectOf(
    { success: { const: false }, data: { type: 'null' }, error: { type: 'string', description: 'For people.' }, code, hint, details },
    ['success', 'data', 'error', 'code', 'details'],
  ),
  bare: objectOf({ message: { type: 'string', description: 'For people.' }, status, code, hint, details }, [
    'message',
    'status',
    'code',
    'details',
  ]),
  problem: objectOf(
    {
      type: { type: 'string', format: 'uri', description: 'Names the kind of error.' },
      title: { type: 'string' },
      status,
      detail: { type: 'string', description: 'For people.' },
      instance: { type: 'string', format: 'uri', description: 'Names the request.' },
      code,
      hint,
      errors: details,
    },
    ['type', 'title', 'status', 'detail', 'instance', 'code', 'errors'],
  ),
}

function objectOf(properties: Parts, required: readonly string[]): Part {
  return { type: 'object', properties, required, additionalProperties: false }
}

// bytea: base64 in JSON (RFC 4648, section 4, with padding).

import type { Kind, Parsed } from './kind.ts'
import { comparable, refuse, wrongType } from './parsed.ts'

const pattern = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
const hint = 'With padding, as in aGVsbG8=.'

export const bytes: Kind = {
  name: 'bytes',
  encoding: 'bytes',
  operators: comparable,
  sortable: true,
  jsonSchema: () => ({ type: 'string', contentEncoding: 'base64', pattern }),
  parse: parseBase64,
  parseText: (text) => parseBase64(text.replaceAll(' ', '+')),
  decode: (text) => Buffer.from(text.slice(2), 'hex').toString('base64'),
  example: () => 'aGVsbG8=',
}

/** In two steps, because the pattern of the schema would need stack for every four characters. */
function parseBase64(value: unknown): Parsed {
  if (typeof value !== 'string') return wrongType('base64', value, hint)
  const whole =
    value.length % 4 === 0 && /^[A-Za-z0-9+/]*$/.test(value.slice(0, -2)) && /^([A-Za-z0-9+/]{2}|[A-Za-z0-9+/]=|==)?$/.test(value.slice(-2))
  return whole ? { value: `\\x${Buffer.from(value, 'base64').toString('hex')}` } : refuse('must be base64', hint)
}

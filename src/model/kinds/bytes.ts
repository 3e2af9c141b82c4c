// bytea: base64 in JSON (RFC 4648, section 4, with padding).

import type { Kind } from './kind.ts'
import { comparable, parseMatching } from './parsed.ts'

const pattern = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
const matcher = new RegExp(pattern)

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

function parseBase64(value: unknown) {
  const parsed = parseMatching(value, matcher, 'base64', 'With padding, as in aGVsbG8=.')
  return 'value' in parsed ? { value: `\\x${Buffer.from(parsed.value, 'base64').toString('hex')}` } : parsed
}

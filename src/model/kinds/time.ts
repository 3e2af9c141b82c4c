// time and timetz: `09:30:00.5`, `09:30:00+02`. Offsets are kept, as PostgreSQL keeps them.

import type { Kind } from './kind.ts'
import { ordered, parseMatching } from './parsed.ts'

const clock = '([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,6})?)?'
/** PostgreSQL takes offsets up to 15:59. */
const offset = '(Z|[+-](0\\d|1[0-5])(:[0-5]\\d)?)'

export const time = timeKind(`^${clock}$`, 'a time of day', 'As in 09:30:00, from 00:00 to 23:59:59.999999.', '09:30:00')
export const timetz = timeKind(
  `^${clock}${offset}$`,
  'a time of day with its offset from UTC',
  'As in 09:30:00Z or 09:30:00+02:00.',
  '09:30:00+00',
)

function timeKind(pattern: string, expected: string, hint: string, sample: string): Kind {
  const matcher = new RegExp(pattern)
  return {
    name: 'time',
    encoding: 'quoted',
    operators: ordered,
    sortable: true,
    jsonSchema: () => ({ type: 'string', pattern }),
    parse: (value) => parseMatching(value, matcher, expected, hint),
    // In a query string an unescaped + arrives as a space.
    parseText: (text) => parseMatching(text.replace(' ', '+'), matcher, expected, hint),
    canonical: (text) => canonical(text),
    decode: (text) => text,
    example: () => sample,
  }
}

/** `09:30Z` and `09:30:00.000+00:00` are one; `10:30+01` is another to PostgreSQL too. */
function canonical(text: string): string {
  const [, clock = text, seconds = ':00', fraction = '', offset = ''] = /^(\d\d:\d\d)(:\d\d)?(?:\.(\d+?)0*)?(Z|[+-].+)?$/.exec(text) ?? []
  return `${clock}${seconds}.${fraction.replace(/^0+$/, '')}${offset.replace('Z', '+00').replace('-00', '+00').replace(/:00$/, '')}`
}

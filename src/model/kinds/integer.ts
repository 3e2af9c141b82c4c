// int2 and int4 (also as serial): JSON numbers.

import type { Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

export const smallint = integerKind('int16', -32_768, 32_767)
export const integer = integerKind('int32', -2_147_483_648, 2_147_483_647)

function integerKind(format: string, minimum: number, maximum: number): Kind {
  return {
    name: 'integer',
    encoding: 'verbatim',
    operators: ordered,
    sortable: true,
    jsonSchema: () => ({ type: 'integer', format, minimum, maximum }),
    parse: (value) => parseInteger(value, minimum, maximum),
    parseText: (text) => (/^[+-]?\d{1,19}$/.test(text) ? inRange(Number(text), minimum, maximum) : refuse('must be a whole number')),
    decode: Number,
    example: () => 1,
  }
}

function parseInteger(value: unknown, minimum: number, maximum: number): Parsed {
  if (typeof value !== 'number')
    return wrongType('a whole number', value, typeof value === 'string' ? 'Send it without quotes.' : undefined)
  return Number.isInteger(value) ? inRange(value, minimum, maximum) : refuse('must be a whole number')
}

/** Adding 0 makes -0 into 0. */
function inRange(value: number, minimum: number, maximum: number): Parsed {
  if (value < minimum || value > maximum) return refuse(`must be between ${minimum} and ${maximum}`)
  return { value: String(value + 0) }
}

// int8 (also as bigserial): a string in JSON whatever Drizzle's mode is, because JavaScript's numbers end at 2^53.

import type { Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

const minimum = -(2n ** 63n)
const maximum = 2n ** 63n - 1n
const pattern = '^-?\\d{1,19}$'
const digits = new RegExp(pattern)

/** `parse` also takes a JSON number as long as it is exact. */
export const bigint: Kind = {
  name: 'bigint',
  encoding: 'quoted',
  operators: ordered,
  sortable: true,
  // The format carries the range of an int64 (OpenAPI format registry: for numbers and strings).
  jsonSchema: () => ({ type: 'string', format: 'int64', pattern }),
  parse: parseBigint,
  parseText: parseDigits,
  decode: (text) => text,
  example: () => '1',
}

function parseBigint(value: unknown): Parsed {
  if (typeof value === 'string') return parseDigits(value)
  if (typeof value !== 'number') return wrongType('a whole number in quotes', value)
  if (!Number.isInteger(value)) return refuse('must be a whole number')
  if (!Number.isSafeInteger(value))
    return refuse('must be sent in quotes when it is beyond 2^53', `Send "${BigInt(value)}": as a number it has already lost digits.`)
  return { value: String(value + 0) }
}

function parseDigits(text: string): Parsed {
  if (!digits.test(text)) return refuse('must be a whole number of at most 19 digits', 'Digits only, as in "9007199254740993".')
  const value = BigInt(text)
  return value < minimum || value > maximum ? refuse(`must be between ${minimum} and ${maximum}`) : { value: String(value) }
}

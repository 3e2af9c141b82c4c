// float4 and float8: JSON numbers; NaN and the infinities, which JSON lacks, as strings.

import type { Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

const unusual = ['NaN', 'Infinity', '-Infinity']
/** Largest float4 as PostgreSQL writes it; the exact one, 2^128 - 2^104, is a little less. */
const largestReal = 3.402_823_5e38

export const real = floatKind('float', largestReal)
export const double = floatKind('double', undefined)

function floatKind(format: string, largest: number | undefined): Kind {
  const range = largest === undefined ? {} : { minimum: -largest, maximum: largest }
  const limit = largest ?? Number.MAX_VALUE
  return {
    name: 'float',
    encoding: 'float',
    operators: ordered,
    sortable: true,
    jsonSchema: () => ({
      anyOf: [
        { type: 'number', format, ...range },
        { type: 'string', enum: unusual },
      ],
    }),
    parse: (value) => parseFloatValue(value, limit),
    parseText: (text) => parseFloatText(text, limit),
    decode: (text) => (unusual.includes(text) ? text : Number(text)),
    example: () => 1.5,
  }
}

function parseFloatValue(value: unknown, largest: number): Parsed {
  if (typeof value === 'number') return inRange(value, largest)
  if (typeof value === 'string' && unusual.includes(value)) return { value }
  return wrongType(
    'a number',
    value,
    typeof value === 'string' ? 'Send it without quotes; only "NaN", "Infinity" and "-Infinity" have them.' : undefined,
  )
}

function parseFloatText(text: string, largest: number): Parsed {
  if (unusual.includes(text)) return { value: text }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? inRange(Number(text), largest) : refuse('must be a number')
}

/** JSON.parse makes 1e400 into Infinity. PostgreSQL refuses what is too small for a float4; we round it to 0 like any other digit. */
function inRange(value: number, largest: number): Parsed {
  if (!(Math.abs(value) <= largest)) return refuse(`must be between ${-largest} and ${largest}`)
  return { value: largest === largestReal && Math.fround(value) === 0 ? '0' : String(value) }
}

// numeric: an exact decimal, a string in JSON. Digits that the column cannot hold are refused, never rounded away.

import type { Field } from '../model.ts'
import type { JsonSchema, Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

/** Digits that a double keeps of every decimal (IEEE 754 DBL_DIG). */
const exactDigits = 15
/** PostgreSQL holds 131,072 digits before the point and 16,383 after it. */
const mostCharacters = 16_383

/** `parse` also takes a JSON number as long as its digits are exact. */
export const numeric: Kind = {
  name: 'numeric',
  encoding: 'quoted',
  operators: ordered,
  sortable: true,
  jsonSchema,
  parse: parseNumeric,
  parseText: parseDecimal,
  decode: (text) => text,
  example: (field) => (fractionDigits(field) === 0 ? '10' : `9.${'9'.repeat(Math.min(fractionDigits(field) ?? 2, 2))}`),
}

/** NaN and infinities, which PostgreSQL knows, are neither accepted nor described. */
function jsonSchema(field: Field): JsonSchema {
  const fraction = fractionDigits(field)
  const most = field.precision === undefined ? '+' : `{1,${integerDigits(field)}}`
  const tail = fraction === undefined ? '(\\.\\d+)?' : fraction === 0 ? '' : `(\\.\\d{1,${fraction}})?`
  return { type: 'string', format: 'decimal', pattern: `^-?\\d${most}${tail}$`, ...(field.precision === undefined ? { maxLength: mostCharacters } : {}) }
}

/** numeric(10, 2) has 8; a scale above the precision leaves the 0. */
function integerDigits({ precision = 0, scale = 0 }: Field): number {
  return Math.max(precision - scale, 1)
}

/** Undefined: as many as there are. */
function fractionDigits({ precision, scale = 0 }: Field): number | undefined {
  return precision === undefined ? undefined : Math.max(scale, 0)
}

function parseNumeric(value: unknown, field: Field): Parsed {
  if (typeof value === 'string') return fitting(parseDecimal(value), field)
  if (typeof value !== 'number') return wrongType('a decimal number in quotes', value)
  const text = String(value + 0)
  return isExact(text) ? fitting(parseDecimal(text), field) : inexact
}

const inexact = refuse(`must be sent in quotes when it has more than ${exactDigits} digits`, 'Send it as text, "0.1234567890123456": a JSON number may have lost digits.')

/** True when the shortest decimal of a number is surely the one that the caller wrote. */
function isExact(text: string): boolean {
  const digits = text.replace(/^-?[0.]*/, '').replace('.', '')
  return digits.length <= exactDigits && /^[-\d.]+$/.test(text)
}

function parseDecimal(text: string): Parsed {
  if (text.length > mostCharacters) return refuse(`must have at most ${mostCharacters} characters`)
  return /^-?\d+(\.\d+)?$/.test(text) ? { value: text } : refuse('must be a decimal number', 'Digits and one point, as in "12.50".')
}

function fitting(parsed: Parsed, field: Field): Parsed {
  const fraction = fractionDigits(field)
  if (fraction === undefined || !('value' in parsed)) return parsed
  const [, whole = '', decimals = ''] = /^-?0*(\d*?)(?:\.(\d*?)0*)?$/.exec(parsed.value) ?? []
  if (whole.length > Math.max((field.precision ?? 0) - (field.scale ?? 0), 0)) {
    return refuse(`must have at most ${integerDigits(field)} digits before the decimal point`)
  }
  return decimals.length > fraction ? refuse(`must have at most ${fraction} digits after the decimal point`) : parsed
}

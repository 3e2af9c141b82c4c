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
  canonical: withoutZeros,
  decode: (text) => text,
  example,
}

/** NaN and infinities, which PostgreSQL knows, are neither accepted nor described. */
function jsonSchema(field: Field): JsonSchema {
  const room = roomIn(field)
  if (room === undefined) return { type: 'string', format: 'decimal', pattern: '^-?\\d+(\\.\\d+)?$', maxLength: mostCharacters }
  return { type: 'string', format: 'decimal', pattern: `^-?${wholePattern(room)}${fractionPattern(room)}$` }
}

/** Digits that a column has room for, and zeros that must stand first behind the point. */
interface Room {
  readonly whole: number
  readonly fraction: number
  readonly zeros: number
}

/** numeric(10, 2) has 8 and 2; numeric(3, 5) has only the last 3 of 5 decimals; undefined: any number of digits. */
function roomIn({ precision, scale = 0 }: Field): Room | undefined {
  if (precision === undefined) return undefined
  return { whole: Math.max(precision - scale, 0), fraction: Math.max(scale, 0), zeros: Math.max(scale - precision, 0) }
}

function wholePattern({ whole }: Room): string {
  return whole === 0 ? '0' : `\\d{1,${whole}}`
}

function fractionPattern({ fraction, zeros }: Room): string {
  if (fraction === 0) return ''
  return zeros === 0 ? `(\\.\\d{1,${fraction}})?` : `(\\.0{1,${zeros}}|\\.0{${zeros}}\\d{1,${fraction - zeros}})?`
}

function parseNumeric(value: unknown, field: Field): Parsed {
  if (typeof value === 'string') return fitting(parseDecimal(value), field)
  if (typeof value !== 'number') return wrongType('a decimal number in quotes', value)
  const text = String(value + 0)
  return isExact(text) ? fitting(parseDecimal(text), field) : inexact
}

const inexact = refuse(
  `must be sent in quotes when it has more than ${exactDigits} digits`,
  'Send it as text, "0.1234567890123456": a JSON number may have lost digits.',
)

/** True when the shortest decimal of a number is surely the one that the caller wrote. */
function isExact(text: string): boolean {
  const digits = text.replace(/^-?[0.]*/, '').replace('.', '')
  return digits.length <= exactDigits && /^[-\d.]+$/.test(text)
}

function parseDecimal(text: string): Parsed {
  if (text.length > mostCharacters) return refuse(`must have at most ${mostCharacters} characters`)
  return /^-?\d+(\.\d+)?$/.test(text) ? { value: text } : refuse('must be a decimal number', 'Digits and one point, as in "12.50".')
}

/** `-0` is 0, and zeros that count nothing go away. */
function withoutZeros(text: string): string {
  const [, sign = '', whole = '', decimals = ''] = /^(-?)0*(\d*?)(?:\.(\d*?)0*)?$/.exec(text) ?? []
  if (whole === '' && decimals === '') return '0'
  return `${sign}${whole === '' ? '0' : whole}${decimals === '' ? '' : `.${decimals}`}`
}

function fitting(parsed: Parsed, field: Field): Parsed {
  const room = roomIn(field)
  if (room === undefined || !('value' in parsed)) return parsed
  const [, whole = '', decimals = ''] = /^-?0*(\d*?)(?:\.(\d*?)0*)?$/.exec(parsed.value) ?? []
  if (whole.length > room.whole)
    return refuse(`must have ${room.whole === 0 ? 'only 0' : `at most ${room.whole} digits`} before the decimal point`)
  if (decimals.length > room.fraction) return refuse(`must have at most ${room.fraction} digits after the decimal point`)
  const small = decimals === '' || decimals.startsWith('0'.repeat(room.zeros))
  return small ? parsed : refuse(`must have ${room.zeros} zeros behind the decimal point`)
}

function example(field: Field): string {
  const room = roomIn(field) ?? { whole: 2, fraction: 2, zeros: 0 }
  const decimals = '0'.repeat(room.zeros) + '9'.repeat(Math.min(room.fraction - room.zeros, 2))
  return (room.whole === 0 ? '0' : '9') + (decimals === '' ? '' : `.${decimals}`)
}

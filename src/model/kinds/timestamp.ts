// timestamp and timestamptz: ISO 8601 in UTC. `timestamp` is read as UTC, so both look the same in JSON.
// Input: with Z or an offset (converted to UTC). Without one: UTC for `timestamp`, refused for `timestamptz`, where it would be a guess.
// Refused: years outside 0001 to 9999, infinity, leap seconds (PostgreSQL would move them to the next minute).

import { calendarDay, hasPlainYear } from './calendar.ts'
import type { Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

export const timestamp = timestampKind('')
export const timestamptz = timestampKind('+00')

const shape = /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::(\d\d)(?:\.(\d+))?)?(Z|z|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)?$/
const expected = 'a date and time in ISO 8601'
const hint = 'As in 2026-11-20T09:30:00Z, in the years 0001 to 9999.'

/** @param zone  what PostgreSQL text ends with: `+00` when the column has a time zone */
function timestampKind(zone: '' | '+00'): Kind {
  const needsOffset = zone !== ''
  return {
    name: 'timestamp',
    encoding: 'timestamp',
    operators: ordered,
    sortable: true,
    jsonSchema: () => ({ type: 'string', format: 'date-time', pattern: '^(?!0000).{10}[Tt ]\\d\\d:\\d\\d:[0-5]' }),
    parse: (value) => (typeof value === 'string' ? parseMoment(value, zone, needsOffset) : wrongType(expected, value, hint)),
    parseText: (text) => parseMoment(queryText(text), zone, needsOffset),
    canonical: inMicroseconds,
    decode: (text) => (/\d$/.test(text) ? `${text.replace(' ', 'T').replace(/\+00$/, '')}Z` : text),
    example: () => '2026-11-20T09:30:00Z',
  }
}

/** A filter may name a day, which means its midnight UTC; an unescaped + arrives as a space. */
function queryText(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `${text}T00:00:00Z`
  return text.replace(/(:\d\d(?:\.\d+)?) (\d\d(?::?\d\d)?)$/, '$1+$2')
}

function parseMoment(text: string, zone: string, needsOffset: boolean): Parsed {
  const parts = shape.exec(text)
  if (parts === null) return refuse(`must be ${expected}`, hint)
  const [, year, month, day, hour, minute, second = '00', fraction, offset, sign, offsetHours, offsetMinutes = '00'] = parts
  if (Number(second) > 59)
    return refuse('must have seconds from 00 to 59', 'PostgreSQL has no leap seconds: send the second before or after.')
  if (offset === undefined && needsOffset)
    return refuse('must say its offset from UTC', `Add Z for UTC, or an offset: ${text}Z, ${text}+02:00.`)
  const moment = calendarDay(Number(year), Number(month), Number(day))
  if (moment === undefined) return refuse('must be a day that the calendar has', hint)
  const shift = sign === undefined ? 0 : Number(`${sign}1`) * (Number(offsetHours) * 60 + Number(offsetMinutes))
  moment.setUTCHours(Number(hour), Number(minute) - shift, Number(second))
  if (!hasPlainYear(moment)) return refuse('must be in the years 0001 to 9999 in UTC')
  return { value: `${moment.toISOString().slice(0, 19).replace('T', ' ')}${digits(fraction)}${zone}` }
}

/** PostgreSQL keeps microseconds and rounds the rest; more than nine digits it does not need to see. */
function digits(fraction: string | undefined): string {
  return fraction === undefined ? '' : `.${fraction.slice(0, 9)}`
}

/** PostgreSQL rounds to microseconds; what that carries into the seconds before is not seen here. */
function inMicroseconds(text: string): string {
  const [, seconds = text, fraction = '', zone = ''] = /^(.{19})(?:\.(\d+))?(\+00)?$/.exec(text) ?? []
  const micros = String(Math.round(Number(`0.${fraction}0`) * 1e6)).padStart(6, '0')
  return `${seconds}.${micros}${zone}`
}

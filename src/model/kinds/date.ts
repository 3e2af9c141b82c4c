// date: `2026-11-20`. Infinity and years outside 0001 to 9999 are refused; those in the table go out as PostgreSQL writes them.

import { calendarDay } from './calendar.ts'
import type { Kind, Parsed } from './kind.ts'
import { ordered, refuse, wrongType } from './parsed.ts'

export const date: Kind = {
  name: 'date',
  encoding: 'quoted',
  operators: ordered,
  sortable: true,
  jsonSchema: () => ({ type: 'string', format: 'date', pattern: '^(?!0000)' }),
  parse: (value) => (typeof value === 'string' ? parseDate(value) : wrongType('a date', value)),
  parseText: parseDate,
  decode: (text) => text,
  example: () => '2026-11-20',
}

/** A JavaScript Date at midnight UTC, sent as JSON, is also taken. */
function parseDate(text: string): Parsed {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)(?:T00:00:00(?:\.0+)?Z)?$/.exec(text) ?? []
  if (year === undefined) return refuse('must be a date', 'As in 2026-11-20, in the years 0001 to 9999.')
  const exists = calendarDay(Number(year), Number(month), Number(day)) !== undefined
  return exists
    ? { value: text.slice(0, 10) }
    : refuse('must be a day that the calendar has', 'The years 0001 to 9999; February 29 in leap years only.')
}

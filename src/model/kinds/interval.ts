// interval: an ISO 8601 duration, `P1Y2M3DT4H5M6.7S`. Each part may be negative, as PostgreSQL writes it.

import type { Kind } from './kind.ts'
import { ordered, parseMatching } from './parsed.ts'

// Bounds that keep every sum inside PostgreSQL's int32 months and days and int64 microseconds, carries included.
const years = '(\\d{1,8}|1[0-6]\\d{7})'
const nineDigits = '(\\d{1,9}|1\\d{9})'
const days = `(-?${years}Y)?(-?\\d{1,8}M)?(-?\\d{1,7}W)?(-?${nineDigits}D)?`
const hours = `(T(?=[-\\d])(-?${nineDigits}H)?(-?\\d{1,9}M)?(-?\\d{1,9}(\\.\\d{1,6})?S)?)?`
const pattern = `^P(?=[-\\dT])${days}${hours}$`
const matcher = new RegExp(pattern)
const hint = 'As in P1Y2M3D, PT1H30M or P2W.'

export const interval: Kind = {
  name: 'interval',
  encoding: 'quoted',
  operators: ordered,
  sortable: true,
  jsonSchema: () => ({ type: 'string', pattern }),
  parse: (value) => parseMatching(value, matcher, 'a duration in ISO 8601', hint),
  parseText: (text) => parseMatching(text, matcher, 'a duration in ISO 8601', hint),
  decode: (text) => text,
  example: () => 'P1DT2H30M',
}

// Range types: PostgreSQL's text, `[1,10)` or `empty`. Bounds of times may be ISO 8601; replies have them as PostgreSQL writes them.

import type { Field } from '../model.ts'
import { bigint } from './bigint.ts'
import { date } from './date.ts'
import { integer } from './integer.ts'
import type { Kind, Parsed } from './kind.ts'
import { numeric } from './numeric.ts'
import { ordered, refuse, wrongType } from './parsed.ts'
import { timestamp, timestamptz } from './timestamp.ts'

const pattern = '^(empty|[\\[(]("[^",]+"|[^",]*),("[^",]+"|[^",]*)[\\])])$'
const shape = /^([[(])(?:"([^",]+)"|([^",]*)),(?:"([^",]+)"|([^",]*))([\])])$/

export const intRange = rangeKind(integer, '[1,10)')
export const bigintRange = rangeKind(bigint, '[1,10)')
export const numericRange = rangeKind(numeric, '[1.5,2.5)')
export const dateRange = rangeKind(date, '[2026-11-20,2026-12-01)')
export const timestampRange = rangeKind(timestamp, '["2026-11-20 09:00:00","2026-11-20 10:00:00")')
export const timestamptzRange = rangeKind(timestamptz, '["2026-11-20 09:00:00+00","2026-11-20 10:00:00+00")')

function rangeKind(bound: Kind, sample: string): Kind {
  const parse = (text: string, field: Field): Parsed => parseRange(text, field, bound, sample)
  return {
    name: 'range',
    encoding: 'text',
    operators: ordered,
    sortable: true,
    jsonSchema: () => ({ type: 'string', pattern }),
    parse: (value, field) => (typeof value === 'string' ? parse(value, field) : wrongType('a range', value, `As in ${sample}`)),
    parseText: parse,
    decode: (text) => text,
    example: () => sample,
  }
}

function parseRange(text: string, field: Field, kind: Kind, sample: string): Parsed {
  if (text === 'empty') return { value: text }
  const [, open, quotedLower, lower, quotedUpper, upper, close] = shape.exec(text) ?? []
  if (open === undefined) return refuse('must be a range', `As in ${sample}, or empty.`)
  const from = parseBound(quotedLower ?? lower ?? '', field, kind)
  const to = parseBound(quotedUpper ?? upper ?? '', field, kind)
  if ('problem' in from) return refuse(`has a lower bound that ${from.problem}`, from.hint)
  if ('problem' in to) return refuse(`has an upper bound that ${to.problem}`, to.hint)
  return { value: `${open}${from.value},${to.value}${close}` }
}

/** An empty bound is unbounded. */
function parseBound(text: string, field: Field, kind: Kind): Parsed {
  if (text === '') return { value: '' }
  const parsed = kind.parseText(text, field)
  return 'value' in parsed ? { value: `"${parsed.value}"` } : parsed
}

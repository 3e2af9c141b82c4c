// PostgreSQL decides what is one value; we say the same, without asking it.

import * as pg from 'drizzle-orm/pg-core'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { parseFilterText } from './parse-field.ts'
import { readTable } from './read-table.ts'
import { isSameValue } from './same-value.ts'

const model = readTable(
  pg.pgTable('keys', {
    numeric: pg.numeric(),
    code: pg.char({ length: 5 }),
    text: pg.text(),
    bigint: pg.bigint({ mode: 'bigint' }),
    integer: pg.integer(),
    double: pg.doublePrecision(),
    uuid: pg.uuid(),
    date: pg.date(),
    timestamp: pg.timestamp(),
    timestamptz: pg.timestamp({ withTimezone: true }),
    time: pg.time(),
    timetz: pg.time({ withTimezone: true }),
    inet: pg.inet(),
    cidr: pg.cidr(),
    macaddr: pg.macaddr(),
  }),
)

const values: Readonly<Record<string, readonly string[]>> = {
  numeric: ['1.5', '1.50', '01.5', '1.05', '-0', '0', '0.0', '-0.00', '10', '1', '100', '-1.5', '0.5', '00.50'],
  code: ['a', 'a  ', 'a b', ' a', 'A', 'a    '],
  text: ['a', 'a ', 'A', ''],
  bigint: ['1', '01', '-0', '0', '10'],
  integer: ['1', '+1', '01', '-0', '0'],
  double: ['1', '1.0', '1e0', '0.1', '-0', '0', '100', '1e2'],
  uuid: ['0199C1D2-7a3b-7c4d-8e5f-60718293a4b5', 'urn:uuid:0199c1d2-7a3b-7c4d-8e5f-60718293a4b5', '0199c1d2-7a3b-7c4d-8e5f-60718293a4b6'],
  date: ['2026-01-02', '2026-01-02T00:00:00Z', '2026-02-01'],
  timestamp: ['2026-01-02T03:04:05Z', '2026-01-02 04:04:05.000+01', '2026-01-02T03:04:05.1', '2026-01-02T03:04:05.1000001', '2026-01-02'],
  timestamptz: ['2026-01-02T03:04:05Z', '2026-01-02T04:04:05.000+01:00', '2026-01-02T03:04:05.0000004Z', '2026-01-02T03:04:05.000001Z'],
  time: ['09:30', '09:30:00', '09:30:00.0', '09:30:00.5', '09:30:00.500', '09:30:05'],
  timetz: ['09:30Z', '09:30:00+00', '09:30:00.0+00:00', '10:30+01', '09:30-00', '09:30+10', '09:30+01:30'],
  inet: ['192.0.2.7', '192.0.2.7/32', '192.0.2.7/24', '::1', '0:0:0:0:0:0:0:1', '::ffff:192.0.2.7', '::FFFF:c000:207', '::1/64'],
  cidr: ['192.0.2.0/24', '192.0.2.0/25', '192.0.2.0', '192.0.2.0/32', '2001:db8::/32', '2001:0db8:0::/32'],
  macaddr: ['08:00:2b:01:02:03', '08-00-2B-01-02-03', '08:00:2b:01:02:04'],
}

describe.each(testDatabases())('as on $name', ({ url }) => {
  test.each(Object.keys(values))('two texts of a %s are one value', async (name) => {
    const field = model.fieldByName.get(name)
    if (field === undefined) throw new Error(`There is no field ${name}.`)
    const texts = (values[name] ?? []).map((text) => {
      const parsed = parseFilterText(field, text)
      if ('problem' in parsed) throw new Error(`${text} ${parsed.problem}`)
      return parsed.value
    })
    const pairs = texts.flatMap((a) => texts.map((b) => [a, b] as const))
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<{ same: boolean }>(
        `select a::${field.castType} = b::${field.castType} as same from unnest($1::text[], $2::text[]) with ordinality as pair (a, b, i) order by i`,
        [pairs.map(([a]) => a), pairs.map(([, b]) => b)],
      )
      expect(pairs.map(([a, b]) => [a, b, isSameValue(field, a, b)])).toEqual(pairs.map(([a, b], i) => [a, b, rows[i]?.same]))
    } finally {
      await client.end()
    }
  })
})

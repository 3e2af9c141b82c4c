// One table with a column of every kind that PostgreSQL has for us, nullable and as a list, and a key that is a text.

import { type AppDefinition, anyone, defineApp, defineResource } from 'plinth'
import {
  bigint,
  bigserial,
  bit,
  boolean,
  char,
  cidr,
  customType,
  date,
  doublePrecision,
  inet,
  integer,
  interval,
  json,
  jsonb,
  line,
  macaddr,
  macaddr8,
  numeric,
  pgEnum,
  pgTable,
  point,
  real,
  smallint,
  text,
  time,
  timestamp,
  uuid,
  varchar,
} from 'plinth/db'

const custom = (type: string) => customType<{ data: string }>({ dataType: () => type })()

export const mood = pgEnum('mood', ['happy', 'so so', "it's", 'NULL'])

export const things = pgTable('things', {
  code: varchar({ length: 12 }).primaryKey(),
  serial: bigserial({ mode: 'bigint' }),
  smallint: smallint(),
  integer: integer().notNull().default(7),
  bigint: bigint({ mode: 'bigint' }),
  numeric: numeric(),
  price: numeric({ precision: 10, scale: 2 }),
  ratio: numeric({ precision: 3, scale: 5 }),
  real: real(),
  double: doublePrecision(),
  boolean: boolean(),
  text: text(),
  char: char({ length: 3 }),
  size: text({ enum: ['small', 'large'] }),
  mood: mood(),
  uuid: uuid(),
  json: json(),
  jsonb: jsonb().notNull().default({}),
  date: date(),
  time: time(),
  timetz: time({ withTimezone: true }),
  timestamp: timestamp(),
  timestamptz: timestamp({ withTimezone: true }),
  interval: interval(),
  inet: inet(),
  cidr: cidr(),
  macaddr: macaddr(),
  macaddr8: macaddr8(),
  bit: bit({ dimensions: 5 }),
  point: point(),
  line: line(),
  int4range: custom('int4range'),
  numrange: custom('numrange'),
  tstzrange: custom('tstzrange'),
  bytea: custom('bytea'),
  integers: integer().array(),
  words: varchar({ length: 9 }).array(),
  moods: mood().array(),
  moments: timestamp({ withTimezone: true }).array(),
  documents: jsonb().array(),
  prices: numeric({ precision: 6, scale: 2 }).array().notNull().default([]),
})

export function everyKind(options: Partial<Parameters<typeof defineApp>[0]> = {}): AppDefinition {
  const resources = [defineResource(things, { access: { read: anyone, write: anyone }, search: ['text', 'char'] })]
  return defineApp({ name: 'kinds', models: { mood, things }, resources, ...options })
}

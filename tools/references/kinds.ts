// docs/reference/kinds.md: what each PostgreSQL type looks like in JSON and how it is filtered, from the kinds themselves.

import {
  bigint,
  bit,
  boolean,
  bytea,
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
  vector,
} from 'drizzle-orm/pg-core'
import type { Field } from '../../src/model/model.ts'
import { exampleOf, fieldSchema } from '../../src/model/json-schema.ts'
import { readTable } from '../../src/model/read-table.ts'
import { operatorsOf } from '../../src/resource/filter.ts'
import { code, table } from './markdown.ts'

const introduction = `Which PostgreSQL types a model can have, what their values look like in JSON, and which operators a filter has for them.
Every field that may be NULL has the operator \`null\` as well; a list (\`text().array()\`) has \`has\` and nothing else. Types that are not
here (domains, extensions, \`customType\`) travel as PostgreSQL's text.`

const mood = pgEnum('mood', ['happy', 'sad'])
const custom = (type: string) => customType<{ data: string }>({ dataType: () => type })()

/** One column of every kind, named after its type. */
const everything = pgTable('everything', {
  smallint: smallint(),
  integer: integer(),
  bigint: bigint({ mode: 'bigint' }),
  'numeric(10, 2)': numeric({ precision: 10, scale: 2 }),
  real: real(),
  'double precision': doublePrecision(),
  text: text(),
  'varchar(100)': varchar({ length: 100 }),
  'char(3)': char({ length: 3 }),
  boolean: boolean(),
  uuid: uuid(),
  enum: mood(),
  date: date(),
  time: time(),
  timestamp: timestamp(),
  timestamptz: timestamp({ withTimezone: true }),
  interval: interval(),
  json: json(),
  jsonb: jsonb(),
  bytea: bytea(),
  inet: inet(),
  cidr: cidr(),
  macaddr: macaddr(),
  macaddr8: macaddr8(),
  'bit(4)': bit({ dimensions: 4 }),
  point: point(),
  line: line(),
  int4range: custom('int4range'),
  daterange: custom('daterange'),
  tstzrange: custom('tstzrange'),
  'vector(3)': vector({ dimensions: 3 }),
  tsvector: custom('tsvector'),
  'text[]': text().array(),
})

/** What the schema does not say in a word. */
const remarks: Readonly<Record<string, string>> = {
  bigint: 'Text, because JSON numbers end at 2^53. A JSON number is accepted as long as it is exact.',
  'numeric(10, 2)':
    'Text with every digit. A JSON number of at most 15 digits is accepted. Digits that do not fit are refused, never rounded.',
  real: 'NaN and the infinities, which JSON lacks, are texts.',
  'double precision': 'NaN and the infinities, which JSON lacks, are texts.',
  'varchar(100)': 'Length counts characters (code points). Too long is refused, never cut.',
  'char(3)': 'Padded with spaces by PostgreSQL.',
  uuid: 'Lower case in replies.',
  time: 'Up to microseconds.',
  timestamp: 'Read and written as UTC.',
  timestamptz: 'Any offset is accepted and converted; without one it is refused.',
  interval: 'ISO 8601 duration.',
  json: 'Any JSON, its spelling kept.',
  jsonb: 'Any JSON. `has` is PostgreSQL’s `@>`: contains.',
  bytea: 'Base64 with padding.',
  point: 'PostgreSQL’s text, as all of its geometry.',
  int4range: 'PostgreSQL’s text, as all ranges.',
  'vector(3)': 'Needs the extension pgvector.',
  tsvector: 'Never writable; see `search` of a resource.',
  'text[]': 'A list of the element’s form; up to 10,000 elements.',
}

export function kindsReference(): string {
  const rows = readTable(everything).fields.map(rowOf)
  return ['# Column kinds', introduction, table(['PostgreSQL', 'JSON', 'example', 'filter operators', 'remarks'], rows)].join('\n\n')
}

function rowOf(field: Field): string[] {
  const operators = operatorsOf({ ...field, nullable: false })
  return [code(field.name), typeOf(field), code(JSON.stringify(exampleOf(field))), operators.join(' '), remarks[field.name] ?? '']
}

/** The JSON types of a value that is there. */
function typeOf(field: Field): string {
  const { type, anyOf } = fieldSchema({ ...field, nullable: false })
  if (typeof type === 'string') return type
  const types = (Array.isArray(anyOf) ? anyOf : []).map((one: { type?: string }) => one.type)
  return types.length === 0 ? 'any' : types.join(' or ')
}

// Type names as people and Drizzle write them → PostgreSQL's own names, which are safe behind `::`.

const canonical: Readonly<Record<string, string>> = {
  smallint: 'int2',
  smallserial: 'int2',
  serial2: 'int2',
  integer: 'int4',
  int: 'int4',
  serial: 'int4',
  serial4: 'int4',
  bigint: 'int8',
  bigserial: 'int8',
  serial8: 'int8',
  decimal: 'numeric',
  dec: 'numeric',
  real: 'float4',
  'double precision': 'float8',
  float: 'float8',
  boolean: 'bool',
  'character varying': 'varchar',
  character: 'bpchar',
  char: 'bpchar',
  'bit varying': 'varbit',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
}

/** A type in its parts. `modifiers` are the numbers in brackets: length, or precision and scale. */
export interface SqlType {
  readonly base: string
  readonly modifiers: readonly number[]
  readonly dimensions: number
  /** True for serial types, which bring their own default. */
  readonly serial: boolean
}

/** `numeric(10, 2)[]` → base `numeric`, modifiers 10 and 2, one dimension. */
export function readSqlType(sqlType: string): SqlType {
  const dimensions = sqlType.match(/\[\d*\]/g)?.length ?? 0
  const scalar = sqlType.replace(/\s*\[\d*\]/g, '').trim()
  const modifiers = /\(([\d\s,-]+)\)/.exec(scalar)?.[1]?.split(',').map(Number) ?? []
  const base = baseTypeOf(scalar)
  return {
    base,
    modifiers: modifiers.length === 0 && lengthOne.test(scalar) ? [1] : modifiers,
    dimensions,
    serial: /^(small|big)?serial\d?$/i.test(scalar),
  }
}

/** Without a length these hold one character or bit. */
const lengthOne = /^(char|character|bit)$/i

/** Quoted names are a type of somebody's own; they stay as they are. */
function baseTypeOf(scalar: string): string {
  const name = scalar.replace(/\s*\([^)]*\)/, '')
  if (name.includes('"')) return name
  const lower = name
    .toLowerCase()
    .replace(/^pg_catalog\./, '')
    .replace(/\s+/g, ' ')
  return lower.startsWith('interval ') ? 'interval' : (canonical[lower] ?? lower)
}

/**
 * What a parameter of this type is cast to. Lengths and precisions are left out: an explicit cast to `varchar(3)` cuts and
 * one to `numeric(4, 1)` rounds silently, where assigning to the column complains. In quotes `bit` is not `bit(1)`.
 *
 * @see PostgreSQL manual, "Character Types" and "Bit String Types"
 */
export function castTypeOf(base: string, dimensions: number): string {
  return (base === 'bit' ? '"bit"' : base) + '[]'.repeat(dimensions)
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

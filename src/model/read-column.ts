// One Drizzle column → one `Field`.

import { type Column, is, SQL } from 'drizzle-orm'
import { PgEnumColumn, PgEnumObjectColumn } from 'drizzle-orm/pg-core'
import { decodeText } from './decode.ts'
import { kindOfType } from './kinds/by-type.ts'
import { opaque } from './kinds/custom.ts'
import { enumKind } from './kinds/enum.ts'
import type { Kind } from './kinds/kind.ts'
import type { Field } from './model.ts'
import { parseField } from './parse-field.ts'
import { plainValue } from './plain-value.ts'
import { renderSql } from './render-sql.ts'
import { castTypeOf, quoteName, readSqlType } from './sql-type.ts'

type TypeParts = Pick<Field, 'sqlType' | 'castType' | 'kind' | 'dimensions' | 'length' | 'precision' | 'scale' | 'enumValues'>

/** @param name  key of the column in the table object, which may differ from the column's name */
export function readColumn(name: string, column: Column): Field {
  const field: Field = {
    name,
    column: column.name,
    ...readType(column),
    nullable: !column.notNull && !column.primary,
    hasDefault: hasDefault(column),
    generated: isGenerated(column),
  }
  return {
    ...field,
    generated: field.generated || field.kind.name === 'tsvector',
    ...readFunctions(column, field),
    ...readDefault(column, field),
  }
}

/** A field of a view that is an expression without a declared type: it can be read and nothing else. */
export function untypedField(name: string, column: string): Field {
  return {
    name,
    column,
    sqlType: 'text',
    castType: 'text',
    kind: opaque,
    dimensions: 0,
    nullable: true,
    hasDefault: false,
    generated: true,
  }
}

function readType(column: Column): TypeParts {
  const declared = 'dimensions' in column ? Number(column.dimensions) : 0
  if (is(column, PgEnumColumn) || is(column, PgEnumObjectColumn)) return enumType(column.enum, declared)
  const sqlType = column.getSQLType()
  const { base, modifiers, dimensions } = readSqlType(sqlType)
  const kind = kindOfType(base)
  return {
    sqlType: sqlType.replace(/\s*\[\d*\]/g, ''),
    castType: castTypeOf(base, declared + dimensions),
    kind,
    dimensions: declared + dimensions,
    ...readModifiers(kind, modifiers),
    ...(column.enumValues === undefined || column.enumValues.length === 0 ? {} : { enumValues: [...column.enumValues] }),
  }
}

interface EnumType {
  readonly enumName: string
  readonly schema: string | undefined
  readonly enumValues: readonly string[]
}

function enumType({ enumName, schema, enumValues }: EnumType, dimensions: number): TypeParts {
  const sqlType = schema === undefined ? quoteName(enumName) : `${quoteName(schema)}.${quoteName(enumName)}`
  return { sqlType, castType: sqlType + '[]'.repeat(dimensions), kind: enumKind, dimensions, enumValues: [...enumValues] }
}

/** What the numbers behind a type name mean: `varchar(100)`, `numeric(10, 2)`, `timestamp(3)`. */
function readModifiers(kind: Kind, [first, second]: readonly number[]): Pick<Field, 'length' | 'precision' | 'scale'> {
  if (first === undefined) return {}
  if (kind.name === 'numeric') return { precision: first, scale: second ?? 0 }
  return lengthKinds.has(kind.name) ? { length: first } : { precision: first }
}

const lengthKinds = new Set(['text', 'bit', 'vector'])

/** Drizzle's own `hasDefault` is also true for `$onUpdate`, which fills nothing in the database. */
function hasDefault(column: Column): boolean {
  const filled = column.default !== undefined || column.defaultFn !== undefined || column.generatedIdentity !== undefined
  return filled || isGenerated(column) || readSqlType(column.getSQLType()).serial
}

function isGenerated({ generated, generatedIdentity }: Column): boolean {
  return (generated !== undefined && generated.type !== 'byDefault') || generatedIdentity?.type === 'always'
}

function readFunctions({ defaultFn, onUpdateFn }: Column, { castType }: Field): Pick<Field, 'makeDefault' | 'onUpdate'> {
  const isNow = onUpdateFn !== undefined && dateTypes.has(castType) && makesNow(onUpdateFn)
  return {
    ...(defaultFn === undefined ? {} : { makeDefault: () => plainValue(defaultFn(), castType) }),
    ...(onUpdateFn === undefined ? {} : { onUpdate: isNow ? 'now' : () => plainValue(onUpdateFn(), castType) }),
  }
}

const dateTypes = new Set(['timestamp', 'timestamptz', 'date'])

/**
 * True when `$onUpdate` stands for the present, which the database knows better. It is called once to see: a column that is
 * set to tomorrow must not become today.
 */
function makesNow(make: () => unknown): boolean {
  const value = tryCall(make)
  if (is(value, SQL)) return /^(now\(\)|current_timestamp|current_date|transaction_timestamp\(\))$/i.test(renderSql(value).trim())
  if (typeof value !== 'string' && !(value instanceof Date)) return false
  const age = Date.now() - new Date(value).getTime()
  const isDay = typeof value === 'string' && value.length === 10
  return age > -1000 && age < (isDay ? 86_400_000 : 1000)
}

/** A function that needs a request to run is not about the present alone. */
function tryCall(make: () => unknown): unknown {
  try {
    return make()
  } catch {
    return undefined
  }
}

/** The static default as replies would show it. SQL defaults and those that do not fit their own column are left out. */
function readDefault(column: Column, field: Field): Pick<Field, 'default'> {
  if (column.default === undefined || is(column.default, SQL)) return {}
  const parsed = parseField(field, plainValue(column.default, field.castType))
  return 'value' in parsed ? { default: decodeText(field, parsed.value) } : {}
}

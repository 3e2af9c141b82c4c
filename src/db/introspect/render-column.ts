// One column as a Drizzle builder: type, then what it says about itself.

import type { DatabaseColumn, DatabaseIdentity, DatabaseRelation } from './database-schema.ts'
import { namesItself, propertyKey, propertyOf, quoteString, sqlTemplate, type Names } from './names.ts'
import type { SourceFile } from './source-file.ts'
import { builderOf, type Builder } from './types.ts'

export interface RenderContext {
  readonly file: SourceFile
  readonly names: Names
  /** Where the builders come from: `plinth/db`. */
  readonly module: string
}

/** `  title: varchar({ length: 50 }).notNull(),` */
export function renderColumn(column: DatabaseColumn, relation: DatabaseRelation, context: RenderContext): string {
  const comment = column.comment === undefined ? '' : `  /** ${column.comment.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ')} */\n`
  const dimensions = column.dimensions === 0 ? '' : column.dimensions === 1 ? '.array()' : `.array('${'[]'.repeat(column.dimensions)}')`
  const serial = serialBuilder(column, relation)
  const builder = serial ?? builderOf(column, context)
  const call = renderCall(column, builder, context)
  const traits = relation.kind === 'table' ? traitsOf(column, relation, builder, serial !== undefined, context).join('') : ''
  return `${comment}  ${propertyKey(propertyOf(column.name))}: ${call}${dimensions}${traits},\n`
}

function renderCall(column: DatabaseColumn, { name, module, options }: Builder, context: RenderContext): string {
  const given = namesItself(column.name) ? [] : [quoteString(column.name)]
  return `${context.file.use(module ?? context.module, name)}(${[...given, ...(options === undefined ? [] : [options])].join(', ')})`
}

const serials: Readonly<Record<string, Builder>> = {
  int2: { name: 'smallserial' },
  int4: { name: 'serial' },
  int8: { name: 'bigserial', options: `{ mode: 'bigint' }` },
}

/** A serial is an integer that owns a sequence of the default name; anything else keeps its own default. */
function serialBuilder(column: DatabaseColumn, relation: DatabaseRelation): Builder | undefined {
  const { ownedSequence, notNull, dimensions, typeKind } = column
  if (
    ownedSequence === undefined ||
    !notNull ||
    dimensions > 0 ||
    typeKind !== 'base' ||
    ownedSequence !== `${relation.name}_${column.name}_seq`
  )
    return undefined
  return column.default?.startsWith('nextval(') === true ? serials[column.typeName] : undefined
}

function traitsOf(
  column: DatabaseColumn,
  relation: DatabaseRelation,
  builder: Builder,
  isSerial: boolean,
  context: RenderContext,
): string[] {
  const { notNull, generated, identity } = column
  const isKey = isSimpleKey(column, relation)
  return [
    ...(isKey ? ['.primaryKey()'] : []),
    ...(generated === undefined ? [] : [`.generatedAlwaysAs(${useSql(generated, context)})`]),
    ...(identity === undefined ? [] : [renderIdentity(identity, column, relation)]),
    ...(column.default === undefined || isSerial ? [] : [renderDefault(column.default, column, builder, context)]),
    ...(notNull && !isKey && !isSerial && identity === undefined ? ['.notNull()'] : []),
    ...(relation.uniques.some((unique) => isSimpleUnique(unique, column, relation)) ? ['.unique()'] : []),
  ]
}

/** A primary key of one column with PostgreSQL's default name is said at the column. */
export function isSimpleKey(column: Pick<DatabaseColumn, 'name'>, { name, primaryKey }: DatabaseRelation): boolean {
  return primaryKey?.columns.length === 1 && primaryKey.columns[0] === column.name && primaryKey.name === `${name}_pkey`
}

/** The same for a unique constraint. */
export function isSimpleUnique(
  unique: DatabaseRelation['uniques'][number],
  column: Pick<DatabaseColumn, 'name'>,
  { name }: DatabaseRelation,
): boolean {
  return (
    unique.columns.length === 1 &&
    unique.columns[0] === column.name &&
    unique.name === `${name}_${column.name}_key` &&
    !unique.nullsNotDistinct
  )
}

export function useSql(text: string, { file, module }: RenderContext): string {
  file.use(module, 'sql')
  return sqlTemplate(text)
}

const identityMaximum: Readonly<Record<string, string>> = { int2: '32767', int4: '2147483647', int8: '9223372036854775807' }

/** Options that are not the default ones; numbers as text, so that a bigint keeps its digits. */
function renderIdentity(identity: DatabaseIdentity, column: DatabaseColumn, relation: DatabaseRelation): string {
  const usual = {
    sequence: `${relation.name}_${column.name}_seq`,
    start: '1',
    increment: '1',
    min: '1',
    max: identityMaximum[column.typeName],
    cache: '1',
    cycle: false,
  }
  const words = {
    sequence: 'name',
    start: 'startWith',
    increment: 'increment',
    min: 'minValue',
    max: 'maxValue',
    cache: 'cache',
    cycle: 'cycle',
  } as const
  const options = (Object.keys(words) as (keyof typeof words)[]) // the keys of a literal
    .filter((option) => identity[option] !== usual[option])
    .map((option) => `${words[option]}: ${renderOption(option, identity[option])}`)
  return `.generated${identity.always ? 'Always' : 'ByDefault'}AsIdentity(${options.length === 0 ? '' : `{ ${options.join(', ')} }`})`
}

function renderOption(option: string, value: string | boolean): string {
  if (typeof value === 'boolean') return String(value)
  return option === 'cache' ? value : quoteString(value)
}

/** Plain values as values; everything else as the SQL it is. */
function renderDefault(text: string, column: DatabaseColumn, builder: Builder, context: RenderContext): string {
  if (column.dimensions === 0) {
    if (text === 'now()' && builder.now === true) return '.defaultNow()'
    if (text === 'gen_random_uuid()' && builder.name === 'uuid') return '.defaultRandom()'
    const literal = builder.literal?.(text)
    if (literal !== undefined) return `.default(${literal})`
  }
  return `.default(${useSql(text, context)})`
}

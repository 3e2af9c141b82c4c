// Known faults in the text that drizzle-kit 1.0.0-rc.5 writes, mended one by one. Each is here because a test found it.

import { quoteLiteral, quoteName, quotePath } from './quote.ts'
import { entitiesOf, identityOf, type ColumnEntity, type Entity } from './snapshot.ts'
import { castsThroughText, integerOf } from './type-change.ts'

/** The kit's statements, mended; states are those before and after them. */
export function repairStatements(statements: readonly string[], before: readonly Entity[], after: readonly Entity[]): string[] {
  const plain = withCasts(withoutRewrites(statements.map(tidy), before, after), before, after)
  return withBackfill(withSequencePositions(withSequenceTypes(plain, before, after), before, after), before, after)
}

/** Spaces for tabs, and the semicolon that is missing behind `SET DEFAULT nextval(…)`. */
function tidy(statement: string): string {
  return statement.replaceAll('\t', '  ').trimEnd().replace(/;?$/, ';')
}

/** Between integer and serial no value changes, but the kit sets the type again; and a walk over states may set it twice. */
function withoutRewrites(statements: readonly string[], before: readonly Entity[], after: readonly Entity[]): string[] {
  const idle = changedColumns(before, after).flatMap(([from, to]) => {
    const plain = integerOf[from.type] ?? from.type
    return plain === from.type && plain !== integerOf[to.type] ? [] : [`${typeStart(to)}${plain} `]
  })
  const seen = new Set<string>()
  return statements.filter((statement) => {
    if (!/ SET DATA TYPE /.test(statement)) return true
    const repeated = seen.has(statement)
    seen.add(statement)
    return !repeated && !idle.some((start) => statement.startsWith(start))
  })
}

function typeStart({ schema, table, name }: ColumnEntity): string {
  return `ALTER TABLE ${quotePath(schema, table)} ALTER COLUMN ${quoteName(name)} SET DATA TYPE `
}

/** The kit casts directly, also where PostgreSQL has no such cast (uuid → boolean). Through text, a value that fits is taken over. */
function withCasts(statements: readonly string[], before: readonly Entity[], after: readonly Entity[]): string[] {
  const indirect = changedColumns(before, after).filter(([from, to]) => castsThroughText(from, to))
  const starts = indirect.map(([, column]) => [typeStart(column), quoteName(column.name)] as const)
  return statements.map((statement) => {
    const column = starts.find(([start]) => statement.startsWith(start))?.[1]
    return column === undefined
      ? statement
      : statement.replace(` USING ${column}::`, () => ` USING ${column}::text::`).replace('::text::text::', '::text::')
  })
}

/** The sequence of a serial has the column's type. The kit makes it a bigint and does not change it with the column. */
function withSequenceTypes(statements: readonly string[], before: readonly Entity[], after: readonly Entity[]): string[] {
  const serials = changedColumns(before, after).filter(([from, to]) => to.type in integerOf && from.type !== to.type)
  const defaults = serials.map(([, to]) => [defaultStart(to), `${defaultStart(to)}nextval(${quoteLiteral(sequencePath(to))});`] as const)
  const typed = new Map(
    serials.map(([, to]) => [`CREATE SEQUENCE ${sequencePath(to)};`, `CREATE SEQUENCE ${sequencePath(to)} AS ${integerOf[to.type]};`]),
  )
  const grown = serials
    .filter(([from]) => from.type in integerOf)
    .map(([, to]) => `ALTER SEQUENCE ${sequencePath(to)} AS ${integerOf[to.type]};`)
  const numbering = (statement: string): string | undefined => defaults.find(([start]) => statement.startsWith(`${start}nextval(`))?.[1]
  return [...statements.map((statement) => typed.get(statement) ?? numbering(statement) ?? statement), ...grown]
}

/** The kit does not quote the sequence's name there. */
function defaultStart({ schema, table, name }: ColumnEntity): string {
  return `ALTER TABLE ${quotePath(schema, table)} ALTER COLUMN ${quoteName(name)} SET DEFAULT `
}

function sequencePath({ schema, table, name }: ColumnEntity): string {
  return quotePath(schema, `${table}_${name}_seq`)
}

const kitSetval = /^SELECT setval\('/

/** A column that becomes serial or identity continues behind its highest value. The kit restarts at 1, or at a value that is taken. */
function withSequencePositions(statements: readonly string[], before: readonly Entity[], after: readonly Entity[]): string[] {
  const numbered = changedColumns(before, after).filter(
    ([from, to]) => countsItself(to) && (!countsItself(from) || (from.identity === null) !== (to.identity === null)),
  )
  const positions = numbered.map(([, { schema, table, name }]) => {
    const path = quotePath(schema, table)
    const sequence = `pg_get_serial_sequence(${quoteLiteral(path)}, ${quoteLiteral(name)})`
    return `SELECT setval(${sequence}, coalesce(max(${quoteName(name)}), 0) + 1, false) FROM ${path};`
  })
  return [...statements.filter((it) => !kitSetval.test(it)), ...positions]
}

function countsItself(column: ColumnEntity): boolean {
  return column.identity !== null || column.type.endsWith('serial')
}

/** NOT NULL on a column that now has a default: rows that are NULL get the default first. */
function withBackfill(statements: readonly string[], before: readonly Entity[], after: readonly Entity[]): string[] {
  const filled = changedColumns(before, after).filter(
    ([from, to]) => to.notNull && !from.notNull && to.default !== null && to.generated === null,
  )
  return statements.flatMap((statement) => {
    const column = filled.find(
      ([, { schema, table, name }]) =>
        statement === `ALTER TABLE ${quotePath(schema, table)} ALTER COLUMN ${quoteName(name)} SET NOT NULL;`,
    )
    if (column === undefined) return [statement]
    const [, { schema, table, name }] = column
    return [`UPDATE ${quotePath(schema, table)} SET ${quoteName(name)} = DEFAULT WHERE ${quoteName(name)} IS NULL;`, statement]
  })
}

function changedColumns(before: readonly Entity[], after: readonly Entity[]): [ColumnEntity, ColumnEntity][] {
  const old = new Map(entitiesOf(before, 'columns').map((column) => [identityOf(column), column]))
  return entitiesOf(after, 'columns').flatMap((column) => {
    const from = old.get(identityOf(column))
    return from === undefined ? [] : [[from, column] as [ColumnEntity, ColumnEntity]]
  })
}

// Changes of an enum's values. Ours, not the kit's: it puts the change between adding and dropping columns of that enum, which
// fails (data-layer.md 1b), and does not escape quotes in added values.

import { quoteLiteral, quoteName, quotePath } from './quote.ts'
import { entitiesOf, nameOf, type Entity, type EnumEntity } from './snapshot.ts'

/** True when the new values cannot be had by adding to the old ones: something was removed or stands elsewhere. */
export function needsNewType(from: readonly string[], to: readonly string[]): boolean {
  const kept = to.filter((value) => from.includes(value))
  return kept.length !== from.length || kept.some((value, index) => value !== from[index])
}

/** `ALTER TYPE … ADD VALUE` for each new value, each before the first old value that follows it. */
export function addValues(from: EnumEntity, to: EnumEntity): string[] {
  const added = to.values.filter((value) => !from.values.includes(value))
  return added.map((value) => {
    const next = to.values.slice(to.values.indexOf(value) + 1).find((other) => from.values.includes(other))
    const place = next === undefined ? '' : ` BEFORE ${quoteLiteral(next)}`
    return `ALTER TYPE ${quotePath(to.schema, to.name)} ADD VALUE ${quoteLiteral(value)}${place};`
  })
}

/**
 * Replaces the type by a new one of the same name and converts its columns, which must have no default and nothing built on them.
 *
 * @param ddl  the state whose columns are converted
 */
export function replaceType(from: EnumEntity, to: EnumEntity, ddl: readonly Entity[]): string[] {
  const old = quotePath(from.schema, from.name)
  const aside = `${from.name.slice(0, 58)}__old` // names end at 63 bytes
  const columns = entitiesOf(ddl, 'columns').filter(({ type, typeSchema }) => type === from.name && typeSchema === from.schema)
  const convert = columns.map(({ schema, table, name, dimensions }) => {
    const brackets = '[]'.repeat(dimensions)
    const column = quoteName(name)
    return `ALTER TABLE ${quotePath(schema, table)} ALTER COLUMN ${column} SET DATA TYPE ${old}${brackets} USING ${column}::text${brackets}::${old}${brackets};`
  })
  return [
    `ALTER TYPE ${old} RENAME TO ${quoteName(aside)};`,
    `CREATE TYPE ${old} AS ENUM(${to.values.map(quoteLiteral).join(', ')});`,
    ...convert,
    `DROP TYPE ${quotePath(from.schema, aside)};`,
  ]
}

/** Enums of both states whose values differ, as pairs. */
export function changedEnums(before: readonly Entity[], after: readonly Entity[]): [from: EnumEntity, to: EnumEntity][] {
  const targets = new Map(entitiesOf(after, 'enums').map((type) => [nameOf(type), type]))
  return entitiesOf(before, 'enums').flatMap((from) => {
    const to = targets.get(nameOf(from))
    return to === undefined || from.values.join('\0') === to.values.join('\0') ? [] : [[from, to] as [EnumEntity, EnumEntity]]
  })
}

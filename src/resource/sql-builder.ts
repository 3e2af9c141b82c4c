// A SQL text under construction and its parameters. Values only ever become `$n`.

import type { Statement } from '../db/rows.ts'
import type { Field } from '../model/model.ts'
import { nameStatement } from './statement-name.ts'

export class SqlBuilder {
  readonly values: (string | null)[] = []
  #aliases = 0

  /** The placeholder of a new parameter, cast so that PostgreSQL and not the driver decides its type. */
  param(value: string | null, type: string): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }

  alias(): string {
    this.#aliases += 1
    return `r${this.#aliases}`
  }

  build(text: string): Statement {
    return { text, values: this.values, name: nameStatement(text) }
  }
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function columnOf(alias: string, field: Field): string {
  return `${alias}.${quoteName(field.column)}`
}

/** Types whose name without a length means something narrower than "any length". */
const openTypes: Readonly<Record<string, string>> = { char: 'bpchar', character: 'bpchar', bit: 'varbit', varchar: 'text' }

/**
 * The type a value is compared as. A cast to `varchar(3)` or `numeric(4, 1)` would cut or round the value before comparing,
 * so the length is left out.
 */
export function comparisonType(field: Field): string {
  const open = field.castType.replace(/\[\]/g, '').replace(/\s*\([\d,\s]*\)/, '')
  return openTypes[open] ?? open
}

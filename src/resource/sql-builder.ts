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

/** The type a value is compared as: that of the column, for arrays that of an element. It has no length, so nothing is cut or rounded. */
export function comparisonType(field: Field): string {
  return field.castType.replace(/(\[\])+$/, '')
}

// A SQL text under construction and its parameters. Values only ever become `$n`.

import type { Statement } from '../db/rows.ts'
import type { Field } from '../model/model.ts'
import { nameStatement } from './statement-name.ts'

/** A place for something of the caller: the `at`-th text of those that decided about `resource`. So all callers share the statement. */
export interface Slot {
  readonly resource: string
  readonly at: number
}

export type Parameter = string | null | Slot

/** What was found in the caller for each resource, as PostgreSQL texts: what slots are filled with. */
export type Held = ReadonlyMap<string, readonly string[]>

export const nothingHeld: Held = new Map()

/** A statement whose slots are filled when it runs. */
export interface Template {
  readonly text: string
  readonly name: string
  readonly parameters: readonly Parameter[]
}

export class SqlBuilder {
  readonly parameters: Parameter[] = []
  readonly #before: number
  #aliases = 0

  /** @param before  parameters that the statement has ahead of those that are made here */
  constructor(before = 0) {
    this.#before = before
  }

  /** The placeholder of a new parameter, cast so that PostgreSQL and not the driver decides its type. */
  param(value: Parameter, type: string): string {
    this.parameters.push(value)
    return `$${this.#before + this.parameters.length}::${type}`
  }

  /** Of a name that no table has: the conditions of a write stand beside the name of its table, which such an alias would hide. */
  alias(): string {
    this.#aliases += 1
    return `plinth_r${this.#aliases}`
  }

  template(text: string): Template {
    return { text, parameters: this.parameters, name: nameStatement(text) }
  }

  /** What the parameters are in a statement that was made without slots. */
  get values(): (string | null)[] {
    return fill(this.parameters, nothingHeld)
  }
}

/** @throws Error when a slot has nothing to be filled with: a statement of one caller was run for another */
export function fill(parameters: readonly Parameter[], held: Held): (string | null)[] {
  return parameters.map((value) => (isSlot(value) ? heldAt(value, held) : value))
}

export function isSlot(value: Parameter): value is Slot {
  return typeof value === 'object' && value !== null
}

function heldAt({ resource, at }: Slot, held: Held): string {
  const text = held.get(resource)?.[at]
  if (text === undefined) throw new Error(`Nothing is held of the caller for place ${at} of "${resource}".`)
  return text
}

export function bind({ text, name, parameters }: Template, held: Held): Statement {
  return { text, name, values: fill(parameters, held) }
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

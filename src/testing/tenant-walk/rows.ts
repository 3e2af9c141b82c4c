// Rows of two tenants, made of nothing but what the tables say: each column has a value that no other row has, where it can.

import type { Field, ForeignKey, Model } from '../../model/model.ts'
import { parseField } from '../../model/parse-field.ts'
import { type Ground, targetOf } from './ground.ts'
import { isDistinctive, newCanary, plainText } from './values.ts'

export type Side = 'one' | 'other'
export type Texts = ReadonlyMap<string, string | null>

export interface Row {
  readonly model: Model
  /** Undefined: of no tenant. */
  readonly side: Side | undefined
  /** By field name, as PostgreSQL writes them. */
  readonly values: Texts
  readonly isDeleted: boolean
}

/** Values that cannot be made up, as JSON by field: for what a check constraint asks. */
export type GivenValues = (row: { readonly tenant: string | undefined; readonly number: number }) => Readonly<Record<string, unknown>>

export interface Wanted {
  readonly model: Model
  readonly side: Side | undefined
  readonly number: number
  readonly isDeleted?: boolean
  /** As PostgreSQL text; they win. */
  readonly values?: Readonly<Record<string, string>>
}

export class Rows {
  readonly #ground: Ground
  readonly #given: Readonly<Record<string, GivenValues>>
  readonly #all: Row[] = []

  constructor(ground: Ground, given: Readonly<Record<string, GivenValues>>) {
    this.#ground = ground
    this.#given = given
  }

  /** Those that are there first. */
  of(model: Model, side: Side | undefined): readonly Row[] {
    return this.#all.filter((row) => row.model === model && row.side === side)
  }

  /** @throws Error that says which values to give */
  async add(wanted: Wanted): Promise<Row> {
    const { model, side, isDeleted = false } = wanted
    const values = this.#valuesFor(wanted)
    const names = [...values.keys()]
    const places = names.map((name, i) => `$${i + 1}::text::${model.fieldByName.get(name)?.castType ?? 'text'}`)
    const columns = names.map((name) => `"${model.fieldByName.get(name)?.column ?? name}"`)
    const into = names.length === 0 ? 'DEFAULT VALUES' : `(${columns.join(', ')}) VALUES (${places.join(', ')})`
    const rows = await this.#insert(model, `INSERT INTO ${model.sqlName} ${into} RETURNING ${selected(model)}`, [...values.values()])
    const row: Row = { model, side, isDeleted, values: new Map(Object.entries(rows[0] ?? {})) }
    this.#all.push(row)
    return row
  }

  /** A row that is there already. */
  async take(model: Model, side: Side | undefined, key: string): Promise<Row> {
    const [id] = model.primaryKey
    const { column = '' } = model.fieldByName.get(id ?? '') ?? {}
    const text = `SELECT ${selected(model)} FROM ${model.sqlName} WHERE "${column}"::text = $1`
    const [found] = await this.#ground.app.db.query<Record<string, string | null>>(text, [key])
    const row: Row = { model, side, isDeleted: false, values: new Map(Object.entries(found ?? {})) }
    this.#all.push(row)
    return row
  }

  async #insert(model: Model, text: string, values: readonly (string | null)[]): Promise<Record<string, string | null>[]> {
    try {
      return await this.#ground.app.db.query<Record<string, string | null>>(text, values)
    } catch (error) {
      const { message, cause } = error as Error
      const why = cause instanceof Error ? cause.message : message
      throw new Error(`No row of "${model.name}" can be made up: ${why} Give values: { ${model.name}: () => ({ … }) }.`, { cause: error })
    }
  }

  #valuesFor({ model, side, number, isDeleted = false, values: fixed = {} }: Wanted): Texts {
    const keys = this.#keyValues(model, side, number)
    const given = this.#givenTexts(model, side, number)
    const values = new Map<string, string | null>()
    for (const field of model.fields) {
      const known = fixed[field.name] ?? given.get(field.name) ?? keys.get(field.name)
      const value =
        field.name === model.softDelete ? (isDeleted ? 'now' : undefined) : known === undefined ? ownText(field, model, number) : known
      if (value !== undefined && !field.generated) values.set(field.name, value)
    }
    return values
  }

  #givenTexts(model: Model, side: Side | undefined, number: number): Texts {
    const tenant =
      side === undefined ? undefined : this.of(this.#ground.tenancy.tenants, side)[0]?.values.get(this.#ground.tenancy.key.name)
    const given = Object.entries(this.#given[model.name]?.({ tenant: tenant ?? undefined, number }) ?? {})
    return new Map(given.map(([name, value]) => [name, textOf(model.fieldByName.get(name), value)]))
  }

  #keyValues(model: Model, side: Side | undefined, number: number): Texts {
    const values = new Map<string, string | null>()
    for (const key of model.foreignKeys) {
      const target = this.#targetRow(key, side, number)
      key.fields.forEach((name, i) => {
        const value = target?.values.get(key.foreignFields[i] ?? '') ?? null
        if (value !== null || !values.has(name)) values.set(name, value)
      })
    }
    return values
  }

  #targetRow(key: ForeignKey, side: Side | undefined, number: number): Row | undefined {
    const target = targetOf(key, this.#ground.models)
    if (target === undefined) return undefined
    const own = this.of(target, side).filter(({ isDeleted }) => !isDeleted)
    const rows = own.length > 0 ? own : this.of(target, undefined)
    return rows[number % Math.max(rows.length, 1)]
  }
}

function selected({ fields }: Model): string {
  return fields.map(({ column, name }) => `"${column}"::text AS "${name}"`).join(', ')
}

function textOf(field: Field | undefined, value: unknown): string | null {
  if (field === undefined || value === null) return null
  const parsed = parseField(field, value)
  if ('problem' in parsed) throw new Error(`values: "${field.name}" ${parsed.problem}.`)
  return parsed.value
}

/** The database numbers keys from 1 on, for every tenant: here each has numbers of its own. */
function ownText(field: Field, { primaryKey }: Model, number: number): string | undefined {
  const isKey = primaryKey.includes(field.name)
  if (isDistinctive(field) && (isKey || !field.hasDefault || field.kind.name === 'text')) return newCanary(field)
  return plainText(field, number)
}

// One resource as one actor walks it: rows of their own, rows of the other tenant, and the same with values that are nowhere.

import type { Field, Model } from '../../model/model.ts'
import { decodeText } from '../../model/decode.ts'
import { keyFields } from '../../resource/get-statement.ts'
import type { CompiledResource } from '../../resource/registry.ts'
import type { Actor } from './actors.ts'
import { type Ground, targetOf } from './ground.ts'
import { type Row, type Rows, type Side, type Texts } from './rows.ts'
import { isDistinctive, newCanary } from './values.ts'

export interface Subject {
  readonly ground: Ground
  readonly rows: Rows
  readonly resource: CompiledResource
  readonly actor: Actor
  /** Tenant of the actor; of those who have none, any. */
  readonly mine: Side
  readonly theirs: Side
  /** Values that the actor may not be shown. */
  readonly hidden: ReadonlySet<string>
  /** Of the collection: `/api/notes`. */
  readonly path: string
}

export function rowsOf({ rows }: Subject, model: Model, side: Side): readonly Row[] {
  return rows.of(model, side)
}

/** The same row with every value that is hidden from the actor replaced by one that is nowhere. */
export function twinOf({ hidden }: Subject, { model, values }: Row): Texts {
  return new Map(
    [...values].map(([name, text]) => {
      const field = model.fieldByName.get(name)
      return [name, field !== undefined && text !== null && hidden.has(text) && isDistinctive(field) ? newCanary(field) : text]
    }),
  )
}

/** What a row and its twin differ in. */
export function differences({ values }: Row, twin: Texts): readonly (readonly [string, string])[] {
  return [...values].flatMap(([name, text]) => (text !== null && twin.get(name) !== text ? [[text, twin.get(name) ?? ''] as const] : []))
}

/** Undefined where a view has no keys. */
export function recordPath({ resource, path }: Subject, values: Texts): string | undefined {
  const keys = keyFields(resource).map(({ name }) => encodeURIComponent(values.get(name) ?? ''))
  return keys.length === 0 ? undefined : `${path}/${keys.join('/')}`
}

export function json(field: Field, text: string | null | undefined): unknown {
  return text === undefined || text === null ? null : decodeText(field, text)
}

/** A key as bulk deletes name it. */
export function keyJson({ resource }: Subject, values: Texts): unknown {
  const fields = keyFields(resource)
  const [first] = fields
  if (first !== undefined && fields.length === 1) return json(first, values.get(first.name))
  return Object.fromEntries(fields.map((field) => [field.name, json(field, values.get(field.name))]))
}

/** A whole record that could be the actor's: keys to rows of their own, and otherwise values that no row has. */
export function ownBody(subject: Subject, number = 0): Record<string, unknown> {
  const { resource, mine } = subject
  const rows = rowsOf(subject, resource.model, mine)
  const pattern = rows[number % Math.max(rows.length, 1)]
  const body: Record<string, unknown> = {}
  for (const field of resource.writable) {
    const text = pattern?.values.get(field.name) ?? null
    if (field === resource.tenant || isTenantKey(subject, field) || field.name === resource.model.softDelete) continue
    if (text !== null) body[field.name] = json(field, isDistinctive(field) ? newCanary(field) : text)
  }
  return { ...body, ...ownKeys(subject) }
}

/** Foreign keys that a caller sets, each to another row of their own: a pair that is there already would be a conflict. */
function ownKeys(subject: Subject): Record<string, unknown> {
  const { resource, mine, ground } = subject
  const body: Record<string, unknown> = {}
  resource.model.foreignKeys.forEach((key, number) => {
    const target = targetOf(key, ground.models)
    const found = target === undefined ? [] : [...rowsOf(subject, target, mine), ...subject.rows.of(target, undefined)]
    const rows = found.filter(({ isDeleted }) => !isDeleted)
    const row = rows[number % Math.max(rows.length, 1)]
    for (const [name, value] of keyValues(subject, key, row?.values)) body[name] = value
  })
  return body
}

/** What a caller sets to lead a foreign key to a row. The tenant's column is set for them. */
export function keyValues(
  subject: Subject,
  { fields, foreignFields }: { readonly fields: readonly string[]; readonly foreignFields: readonly string[] },
  values: Texts | undefined,
): readonly (readonly [string, unknown])[] {
  const { resource } = subject
  return fields.flatMap((name, i) => {
    const field = resource.writable.find((one) => one.name === name)
    const isSet = field !== undefined && field !== resource.tenant && !isTenantKey(subject, field)
    return isSet ? [[name, json(field, values?.get(foreignFields[i] ?? ''))] as const] : []
  })
}

/** A column that leads to the tenants, also of a resource that forgot to say so. */
export function isTenantKey({ ground, resource }: Subject, { name }: Field): boolean {
  return resource.model.foreignKeys.some(
    (key) => key.fields.length === 1 && key.fields[0] === name && targetOf(key, ground.models) === ground.tenancy.tenants,
  )
}

export function tenantFields(subject: Subject): readonly Field[] {
  return subject.resource.model.fields.filter((field) => isTenantKey(subject, field) || field === subject.resource.tenant)
}

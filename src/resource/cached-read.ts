// A prepared read as the cache knows it. Its key is made of everything that decides the answer: the statements with their values (and
// with them the row filter and the fields that this caller may see), the names and encodings in the shape, the form of the reply.
// So nobody gets what was made for another; where records belong to tenants, also not when nothing in the statement says whose are meant.

import { digest } from '../cache/entry.ts'
import type { CachedRead, CacheSettings, RowAddress } from '../cache/read.ts'
import type { TableSet } from '../cache/tables.ts'
import { packageVersion } from '../core/package-version.ts'
import { tenantInForce } from '../core/tenant.ts'
import type { Statement } from '../db/rows.ts'
import { versionStatement } from '../db/system/version-query.ts'
import type { Model } from '../model/model.ts'
import type { CompiledShape } from './compiled-shape.ts'
import { orderSignature } from './cursor.ts'
import { keyCondition, keyFields, keyTexts } from './get-statement.ts'
import { listTables, tablesBeside } from './read-tables.ts'
import type { CompiledResource } from './registry.ts'
import type { RecordKey } from './request.ts'
import type { Engine, PreparedGet, PreparedList } from './run.ts'
import { fill, type Held, isSlot, nothingHeld, type Parameter, type Template } from './sql-builder.ts'
import { nameStatement } from './statement-name.ts'

/** Replies of another version of this package may look different. */
const version = packageVersion()

/**
 * Makes the read of each caller with the same sight: what is held of them tells their answers apart.
 *
 * @param form  of the answer: the face and its format
 * @returns     undefined when the read cannot be cached: its resource is not, or a view is among its tables
 */
export function cachedList(engine: Engine, { plan, shape, list }: PreparedList, form: string): ((held?: Held) => CachedRead) | undefined {
  const { resource } = shape.plan
  const tables = [...listTables(plan)]
  if (engine.cache === undefined || resource.cache === undefined || tables.some(({ isView }) => isView)) return undefined
  const { keyset, offset, after, size, countTotal, order } = plan
  const { text, parameters } = list.statement
  const page = { keyset, offset, after, size, countTotal, order: orderSignature(resource.name, order) }
  const question = named(versionStatement({ tables: sqlNames(tables) }))
  const key = digest(JSON.stringify([version, form, 'list', text, parameters, page, signatureOf(shape)]))
  const nameOf = wholeName(heldName(list.statement, shape), tenantName(engine, tables))
  const read: CachedRead = {
    ...common(shape, resource.cache, engine.cache.tables.setOf(sqlNames(tables))),
    key,
    question,
    kind: question.values.join(),
    asked: question.values.join(),
    row: undefined,
  }
  return nameOf === undefined ? () => read : (held = nothingHeld) => ({ ...read, key: `${key}.${nameOf(held)}` })
}

type NameOf = (held: Held) => string

function wholeName(...names: readonly (NameOf | undefined)[]): NameOf | undefined {
  const all = names.filter((name) => name !== undefined)
  return all.length === 0 ? undefined : (held) => all.map((name) => name(held)).join('.')
}

/** What row-level security lets through stays with whom it let it through to, whatever the statement says: what is kept was not asked for twice. */
function tenantName({ registry }: Engine, tables: readonly Model[]): NameOf | undefined {
  const isWalled = [...registry.resources.values()].some(({ tenant, model }) => tenant !== undefined && tables.includes(model))
  return isWalled ? () => keyName([tenantInForce()]) : undefined
}

/** Names what the slots of a read are filled with; undefined when it has none, and is the same for all. */
function heldName({ parameters }: Template, shape: CompiledShape): NameOf | undefined {
  const slots = [...parameters, ...includeParameters(shape)].filter(isSlot)
  return slots.length === 0 ? undefined : (held) => digest(JSON.stringify(fill(slots, held)))
}

function includeParameters({ includes }: CompiledShape): Parameter[] {
  return includes.flatMap(({ statement, shape }) => [...statement.template.parameters, ...includeParameters(shape)])
}

/** Makes the read of each record that a prepared read may be asked for; parameters and result as for `cachedList`. */
export function cachedGet(
  engine: Engine,
  { shape, template }: PreparedGet,
  form: string,
): ((key: RecordKey, held?: Held) => CachedRead) | undefined {
  const { resource } = shape.plan
  const { cache: settings, model } = resource
  const included = [...tablesBeside(shape.plan)]
  if (engine.cache === undefined || settings === undefined || [model, ...included].some(({ isView }) => isView)) return undefined
  const base = common(shape, settings, engine.cache.tables.setOf(sqlNames([model, ...included])))
  const plan = digest(JSON.stringify([version, form, 'get', template.text, template.parameters, signatureOf(shape)]))
  const ask = recordQuestion(resource, included)
  const kind = `${nameStatement(ask([]).text)} ${base.tables.id}`
  const isWhole = included.length === 0
  const tenantOf = tenantName(engine, [model, ...included])
  const nameOf = wholeName(heldName(template, shape), tenantOf)
  return (key, held = nothingHeld) => {
    const values = keyTexts(resource, key)
    const name = keyName(values)
    const whose = nameOf === undefined ? '' : `.${nameOf(held)}`
    const row: RowAddress | undefined = isWhole ? { table: model.sqlName, key: values } : undefined
    // The version of a row is told to its tenant alone, so nobody waits for the answer to another's question.
    const asked = `${kind} ${name}${tenantOf?.(held) ?? ''}`
    return { ...base, key: `${plan}.${name}${whose}`, question: ask(values), kind, asked, row }
  }
}

/** What depends on the shape alone. */
type Common = Pick<CachedRead, 'resource' | 'settings' | 'tables' | 'turns' | 'shared' | 'comparable'>

function common(shape: CompiledShape, settings: CacheSettings, tables: TableSet): Common {
  return {
    resource: shape.plan.resource.name,
    settings,
    tables,
    turns: turnsOf(shape),
    shared: !shape.hasSerializeHook,
    comparable: hasTotalOrder(shape),
  }
}

/** Asks for the version of the row, or of the whole table where an include leads back to it, and of the included tables. */
function recordQuestion(resource: CompiledResource, included: readonly Model[]): (values: readonly string[]) => Statement {
  const { model } = resource
  if (included.includes(model)) {
    const question = named(versionStatement({ tables: sqlNames(included) }))
    return () => question
  }
  const holes = keyFields(resource).map(() => null)
  const row = { table: model.sqlName, condition: keyCondition(resource), values: holes }
  const { text, name, values } = named(versionStatement({ tables: sqlNames(included), row }))
  const tables = values.slice(holes.length)
  return (key) => ({ text, name, values: [...key, ...tables] })
}

function named({ text, values }: Statement): Required<Statement> {
  return { text, values, name: nameStatement(text) }
}

function sqlNames(models: readonly Model[]): string[] {
  return models.map(({ sqlName }) => sqlName).toSorted()
}

/** Everything about a shape that its statements do not tell. The same columns may have other names and encodings in JSON. */
function signatureOf({ plan, includes }: CompiledShape): unknown {
  return [
    plan.resource.name,
    plan.fields.map(({ name, column, kind, dimensions }) => [name, column, kind.encoding, dimensions]),
    includes.map(({ name, many, statement, shape }) => [
      name,
      many,
      statement.template.text,
      statement.template.parameters,
      signatureOf(shape),
    ]),
  ]
}

function turnsOf({ includes }: CompiledShape): number {
  if (includes.length === 0) return 1
  return includes.some(({ shape }) => shape.includes.length > 0) ? 0 : 2
}

function hasTotalOrder({ plan, includes }: CompiledShape): boolean {
  return plan.resource.model.primaryKey.length > 0 && includes.every(({ shape }) => hasTotalOrder(shape))
}

/** Short values stand for themselves, so that a key in Redis can be read; the rest by their digest. */
function keyName(values: readonly string[]): string {
  const plain = values.every((value) => /^[\w-]{1,40}$/.test(value))
  return plain ? values.join('.') : `~${digest(JSON.stringify(values))}`
}

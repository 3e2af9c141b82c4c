// The mistakes a definition can make. Each becomes one sentence with file, resource, option and, where there is one, the near name.

import { cacheProblems } from '../cache/options.ts'
import type { Field, Model } from '../model/model.ts'
import { parseDuration } from '../support/duration.ts'
import { nearest } from '../support/similar.ts'
import { type Declaration, placeOf } from './declaration.ts'
import type { Operation, ResourceOptions } from './define.ts'
import { isForAnyone, isOpen } from './policy.ts'
import { rateLimitProblems } from './rate-limit.ts'
import { parseSort } from './sort.ts'
import { tenantOption } from './tenant-option.ts'

const everyOperation: readonly Operation[] = ['list', 'get', 'create', 'replace', 'patch', 'delete', 'restore']
const namePattern = /^[a-z][a-z0-9_-]*$/

/** What a table can have: a view is only read, a table without a primary key has no single records, `restore` needs `deleted_at`. */
export function possibleOperations(model: Model): readonly Operation[] {
  if (model.primaryKey.length === 0) return ['list']
  if (model.isView) return ['list', 'get']
  return everyOperation.filter((operation) => operation !== 'restore' || model.softDelete !== undefined)
}

export function checkDefinition(declaration: Declaration): string[] {
  const { definition, model } = declaration
  const { options } = definition
  const checks = [
    ...checkName(options.name ?? model.name),
    ...checkAccess(options),
    ...checkOperations(options, model),
    ...checkFields(options, model),
    ...checkSearch(options, model),
    ...checkNumbers(options),
    ...checkCacheControl(options),
    ...checkHooks(options),
    ...checkCache(options, model),
    ...rateLimitProblems(options.rateLimit),
  ]
  return checks.map((problem) => `${placeOf(declaration)}: ${problem}`)
}

function checkName(name: string): string[] {
  return namePattern.test(name) ? [] : [`"${name}" cannot be a path. Give the resource a name of small letters, digits, "_" and "-".`]
}

function checkAccess(options: ResourceOptions): string[] {
  if (options.access === undefined) return ['nothing says who may use it. Add access: { read: anyone, write: anyone }.']
  if (options.tenant !== undefined) return [] // whose the rows of its table are is worth saying, for links through it and for the second wall
  const open = everyOperation.some((operation) => isOpen(options.access, operation))
  return open ? [] : ['every operation is closed. Open one in access, or leave the resource out.']
}

function checkOperations(options: ResourceOptions, model: Model): string[] {
  const possible = possibleOperations(model)
  return (options.operations ?? []).flatMap((operation) => {
    if (!everyOperation.includes(operation)) return [`operations: ${unknown(operation, everyOperation, 'an operation')}`]
    return possible.includes(operation) ? [] : [`operations: "${operation}" is not possible. ${whyImpossible(operation, model)}`]
  })
}

function whyImpossible(operation: Operation, model: Model): string {
  if (model.primaryKey.length === 0) return `"${model.name}" has no primary key.`
  return operation === 'restore' ? `"${model.name}" has no column deleted_at.` : `"${model.name}" is a view.`
}

function checkFields(options: ResourceOptions, model: Model): string[] {
  const { hidden = [], readOnly = [], writable = [] } = options
  const lists = { hidden, readOnly, writable, search: searchFields(options), sort: sortFields(options) }
  return Object.entries(lists).flatMap(([option, names]) =>
    names
      .filter((name) => !model.fieldByName.has(name))
      .map((name) => `${option}: ${unknown(name, [...model.fieldByName.keys()], `a field of "${model.name}"`)}`),
  )
}

function unknown(name: string, known: readonly string[], what: string): string {
  const near = nearest(name, known)
  return `"${name}" is not ${what}.${near === undefined ? '' : ` Perhaps you meant "${near}".`}`
}

function searchFields({ search }: ResourceOptions): readonly string[] {
  if (search === undefined) return []
  return 'fields' in search ? search.fields : search
}

/** Sorts through relations are checked when the relations are known. */
function sortFields({ sort }: ResourceOptions): readonly string[] {
  return sort === undefined ? [] : parseSort(sort).flatMap((key) => (key.path.length === 1 ? key.path : []))
}

const languagePattern = /^[a-z_][a-z0-9_.]*$/

function checkSearch(options: ResourceOptions, model: Model): string[] {
  const { search } = options
  const notText = searchFields(options).filter((name) => {
    const field = model.fieldByName.get(name)
    return field !== undefined && (field.kind.encoding !== 'text' || field.dimensions > 0 || field.enumValues !== undefined)
  })
  const language = search !== undefined && 'fields' in search ? search.language : undefined
  const badLanguage = language !== undefined && !languagePattern.test(language)
  return [
    ...notText.map((name) => `search: "${name}" is not text.`),
    ...(badLanguage ? [`search: "${language}" is not the name of a text search configuration, such as "english" or "simple".`] : []),
  ]
}

function checkHooks({ hooks }: ResourceOptions): string[] {
  return hooks?.serialize?.constructor.name === 'AsyncFunction' ? ['hooks.serialize cannot be async: it is called for every record.'] : []
}

/** Kinds whose values are written in one way only: a record that had two names would be fenced under one of them. */
const fencedKeys = ['integer', 'bigint', 'uuid', 'text']

function keyProblem(field: Field | undefined): string[] {
  const isFit =
    field === undefined || (fencedKeys.includes(field.kind.name) && field.dimensions === 0 && !field.sqlType.startsWith('char('))
  return isFit ? [] : [`cache.mode: "fenced" takes keys of integers, UUIDs and text, and "${field.name}" is ${field.sqlType}.`]
}

function checkCache({ cache, hooks }: ResourceOptions, { isView, name, primaryKey, fieldByName }: Model): string[] {
  if (cache === undefined) return []
  const isFenced = typeof cache === 'object' && cache.mode === 'fenced'
  return [
    ...cacheProblems(cache),
    ...(isView ? [`cache: "${name}" is a view, and a view has no triggers that would tell when it changes.`] : []),
    ...(isFenced && !isView && primaryKey.length === 0
      ? [`cache.mode: "fenced" keeps records by their key, and "${name}" has no primary key.`]
      : []),
    ...(isFenced ? primaryKey.flatMap((part) => keyProblem(fieldByName.get(part))) : []),
    ...(isFenced && hooks?.serialize !== undefined
      ? ['cache.mode: "fenced" keeps finished records where other processes find them, which may run another hooks.serialize.']
      : []),
  ]
}

/** As long as RFC 9111 lets a cache believe; more is a slip. */
const longestAgeMs = parseDuration('365d') ?? 0

function checkCacheControl({ cacheControl, access, tenant }: ResourceOptions): string[] {
  if (cacheControl === undefined) return []
  const { maxAge, staleWhileRevalidate } = cacheControl
  const wrong = Object.entries({ maxAge, staleWhileRevalidate }).filter(([, value]) => value !== undefined && !isAge(value))
  const isOpenToAll = access !== undefined && isForAnyone(access, 'list') && isForAnyone(access, 'get') && access.fields === undefined
  const isPersonal = access !== undefined && !(isOpenToAll && tenantOption({ tenant }) === undefined)
  return [
    ...wrong.map(([name]) => `cacheControl.${name} is a time in whole seconds such as "1m", at most "365d".`),
    ...(staleWhileRevalidate !== undefined && maxAge === undefined ? ['cacheControl.staleWhileRevalidate needs maxAge.'] : []),
    ...(cacheControl.public === true && isPersonal ? ['cacheControl.public needs reads that are open to anyone.'] : []),
  ]
}

function isAge(value: string): boolean {
  const ms = parseDuration(value)
  return ms !== undefined && ms % 1_000 === 0 && ms <= longestAgeMs
}

function checkNumbers({ page, bulk, include }: ResourceOptions): string[] {
  const numbers = { 'page.size': page?.size, 'page.max': page?.max, 'bulk.max': bulk?.max, 'include.maxDepth': include?.maxDepth }
  const wrong = Object.entries(numbers).filter(([, value]) => value !== undefined && !(Number.isSafeInteger(value) && value > 0))
  const above = (page?.size ?? 0) > (page?.max ?? 200)
  return [...wrong.map(([name]) => `${name} is a whole number above 0.`), ...(above ? ['page.size is larger than page.max.'] : [])]
}

// What is written: to records of the other tenant by every way there is, with its keys in foreign keys, its unique values, and its own key as
// the tenant of a record.

import type { Field, ForeignKey, Uniqueness } from '../../model/model.ts'
import { tenantOption } from '../../resource/tenant-option.ts'
import { isServed } from '../../rest/rest-resource.ts'
import { tenantKey } from './actors.ts'
import { targetOf } from './ground.ts'
import type { Question, Request } from './question.ts'
import type { Row } from './rows.ts'
import { differences, json, keyJson, keyValues, ownBody, recordPath, rowsOf, type Subject, tenantFields, twinOf } from './subject.ts'
import { isDistinctive, newCanary } from './values.ts'

/** @param tagOf  the entity tag that a record of the other tenant has for its own people, by path */
export function writes(subject: Subject, tagOf: ReadonlyMap<string, string>): Question[] {
  const withForeign = ownPlaces(subject).flatMap((way) => [...tenantsIn(subject, way), ...keysIn(subject, way)])
  return [...foreignRecords(subject, tagOf), ...inBulk(subject), ...withForeign]
}

/**
 * To be asked last of all: where values are unique in each tenant, this one has those of the other afterwards. Each has to be another one, so
 * each is of another row of the other tenant.
 *
 * @param foreignRow  makes such a row; undefined where there can be no more
 */
export async function uniques(subject: Subject, foreignRow: () => Promise<Row | undefined>): Promise<Question[]> {
  const sets = freeUniques(subject)
  const questions: Question[] = []
  for (const way of ownPlaces(subject))
    for (const fields of sets) {
      const foreign = await foreignRow()
      if (foreign !== undefined) questions.push(uniqueIn(subject, way, fields, foreign))
    }
  return questions
}

/** A body that changes one field, if there is one that can be changed. */
function change(subject: Subject): Record<string, unknown> {
  const { primaryKey } = subject.resource.model
  const first = Object.entries(ownBody(subject)).find(([name]) => !primaryKey.includes(name))
  return first === undefined ? {} : Object.fromEntries([first])
}

function whole(subject: Subject): Record<string, unknown> {
  const { primaryKey } = subject.resource.model
  return Object.fromEntries(Object.entries(ownBody(subject)).filter(([name]) => !primaryKey.includes(name)))
}

function foreignRecords(subject: Subject, tagOf: ReadonlyMap<string, string>): Question[] {
  const { resource, theirs } = subject
  return rowsOf(subject, resource.model, theirs).flatMap((row, number) => {
    const twin = twinOf(subject, row)
    const [path, missing] = [recordPath(subject, row.values), recordPath(subject, twin)]
    if (path === undefined || missing === undefined || path === missing) return []
    const tag = tagOf.get(path)
    const conditions: Record<string, string>[] = [{}, ...(number === 0 ? [{ 'if-match': tag ?? '*' }] : [])]
    return waysToWrite(subject).flatMap(({ method, behind, body }) =>
      conditions.map((headers): Question => {
        const request = (where: string): Request => ({ method, path: where + behind, headers, ...(body === undefined ? {} : { body }) })
        return { about: request(path), missing: request(missing), named: differences(row, twin) }
      }),
    )
  })
}

interface Way {
  readonly method: Request['method']
  readonly behind: string
  readonly body?: unknown
}

function waysToWrite(subject: Subject): Way[] {
  const { operations } = subject.resource
  const ways: readonly (readonly [Parameters<typeof operations.has>[0], Way])[] = [
    ['patch', { method: 'PATCH', behind: '', body: change(subject) }],
    ['replace', { method: 'PUT', behind: '', body: whole(subject) }],
    ['delete', { method: 'DELETE', behind: '' }],
    ['restore', { method: 'POST', behind: '/restore' }],
  ]
  return ways.flatMap(([operation, way]) => (operations.has(operation) ? [way] : []))
}

/** A record of one's own beside one of the other tenant. */
function inBulk(subject: Subject): Question[] {
  const { resource, mine, theirs, path } = subject
  const [own, foreign] = [rowsOf(subject, resource.model, mine)[0], rowsOf(subject, resource.model, theirs)[0]]
  if (own === undefined || foreign === undefined || recordPath(subject, own.values) === undefined) return []
  const twin = twinOf(subject, foreign)
  const named = differences(foreign, twin)
  const items = { PATCH: patchItem, DELETE: keyJson }
  return (['PATCH', 'DELETE'] as const).flatMap((method) => {
    if (!isServed(resource, method === 'PATCH' ? 'patch' : 'delete', true)) return []
    const request = (values: Row['values']): Request => ({
      method,
      path,
      body: [own.values, values].map((one) => items[method](subject, one)),
    })
    return [{ about: request(foreign.values), missing: request(twin), named }]
  })
}

function patchItem(subject: Subject, values: Row['values']): unknown {
  const { resource } = subject
  const keys = resource.model.fields.filter(({ name }) => resource.model.primaryKey.includes(name))
  return { ...change(subject), ...Object.fromEntries(keys.map((field) => [field.name, json(field, values.get(field.name))])) }
}

/** Records of one's own, new ones and those that are there: something of the other tenant is put into them. */
function ownPlaces(subject: Subject): Way[] {
  const { resource, mine, path } = subject
  const [own] = rowsOf(subject, resource.model, mine)
  const record = own === undefined ? undefined : recordPath(subject, own.values)
  return [
    ...(resource.operations.has('create') ? [{ method: 'POST' as const, behind: path }] : []),
    ...(resource.operations.has('patch') && record !== undefined ? [{ method: 'PATCH' as const, behind: record }] : []),
    ...(resource.operations.has('replace') && record !== undefined ? [{ method: 'PUT' as const, behind: record }] : []),
  ]
}

/** The body that `more` is put into: all of a record, or nothing. */
function request(subject: Subject, { method, behind }: Way, more: Readonly<Record<string, unknown>>): Request {
  const body = method === 'PATCH' ? {} : method === 'PUT' ? whole(subject) : ownBody(subject)
  return { method, path: behind, body: { ...body, ...more } }
}

function tenantsIn(subject: Subject, way: Way): Question[] {
  const { ground, rows, theirs } = subject
  const key = tenantKey(ground, rows, theirs)
  return tenantFields(subject).map((field) => ({ about: request(subject, way, { [field.name]: json(field, key) }), isRefused: true }))
}

/** A foreign key to a row of the other tenant is as one to a row that is not there. */
function keysIn(subject: Subject, way: Way): Question[] {
  const { resource, ground } = subject
  return resource.model.foreignKeys.flatMap((key) => {
    const target = targetOf(key, ground.models)
    if (target === undefined || !ground.secret.has(target) || target === ground.users || target === ground.tenancy.tenants) return []
    return keyIn(subject, way, key, rowsOf(subject, target, subject.theirs)[0])
  })
}

function keyIn(subject: Subject, way: Way, key: ForeignKey, foreign: Row | undefined): Question[] {
  if (foreign === undefined) return []
  const twin = twinOf(subject, foreign)
  const [about, missing] = [keyValues(subject, key, foreign.values), keyValues(subject, key, twin)]
  if (about.length === 0 || JSON.stringify(about) === JSON.stringify(missing)) return []
  const body = request(subject, way, {})
  const withKey = (values: typeof about): Request => ({ ...body, body: { ...(body.body as object), ...Object.fromEntries(values) } })
  return [{ about: withKey(about), missing: withKey(missing), named: differences(foreign, twin), isRefused: true }]
}

/** Fields of each unique set that a caller sets to values of their own. */
function freeUniques({ resource }: Subject): (readonly Field[])[] {
  const { uniques: whole, looseUniques, primaryKey, foreignKeys } = resource.model
  const shared = tenantOption(resource.options)?.sharedUniques ?? []
  const isShared = ({ name, fields }: Uniqueness): boolean => shared.includes(name) || fields.some((field) => shared.includes(field))
  const isBound = ({ name }: Field): boolean => primaryKey.includes(name) || foreignKeys.some((key) => key.fields.includes(name))
  const sets = [...whole, ...looseUniques].filter((one) => !isShared(one))
  return sets
    .map(({ fields }) => resource.writable.filter((field) => fields.includes(field.name) && !isBound(field) && isDistinctive(field)))
    .filter((fields) => fields.length > 0)
}

/** A value that is unique in each tenant is free in this one. */
function uniqueIn(subject: Subject, way: Way, fields: readonly Field[], foreign: Row): Question {
  const twin: Row['values'] = new Map(fields.map((field) => [field.name, newCanary(field)]))
  const valuesOf = (values: Row['values']): Record<string, unknown> =>
    Object.fromEntries(fields.map((field) => [field.name, json(field, values.get(field.name))]))
  const [about, missing] = [foreign.values, twin].map((values) => request(subject, way, valuesOf(values)))
  const named = fields.map(({ name }): [string, string] => [foreign.values.get(name) ?? '', twin.get(name) ?? ''])
  return { about: about as Request, missing, named }
}

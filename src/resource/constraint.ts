// A constraint that PostgreSQL enforced → an error that names the fields of the request. Whatever the resource's own
// table does not explain (triggers, other tables) keeps the general error of the db room.

import type { AppError } from '../core/errors.ts'
import { type PgProblem, pgProblemOf, toAppError } from '../db/pg-errors.ts'
import type { Model } from '../model/model.ts'
import type { CompiledResource } from './registry.ts'
import { writeErrors } from './write-errors.ts'

type Explain = (problem: PgProblem, resource: CompiledResource) => AppError | undefined

const explanations: Readonly<Record<string, Explain>> = {
  '23001': stillReferenced,
  '23502': notNull,
  '23503': foreignKey,
  '23505': unique,
  '23514': check,
  '23P01': exclusion,
}

/**
 * What a caller of `resource` is told about an error of one of its statements. Nothing of SQL, and no value but the
 * caller's own foreign key.
 */
export function explainConstraint(error: unknown, resource: CompiledResource): AppError {
  const problem = pgProblemOf(error)
  const explained = problem === undefined ? undefined : explanations[problem.sqlstate]?.(problem, resource)
  return explained === undefined ? toAppError(error) : explained.with({ cause: error })
}

/** True when another value would have been accepted: the data is wrong, not the connection or the server. */
export function isDataError(error: unknown): boolean {
  return /^(22|23|54|P0)/.test(pgProblemOf(error)?.sqlstate ?? '')
}

/** True for a foreign key, of either side. */
export function isReferenceError(error: unknown): boolean {
  return ['23503', '23001'].includes(pgProblemOf(error)?.sqlstate ?? '')
}

function unique(problem: PgProblem, resource: CompiledResource): AppError | undefined {
  const { model } = resource
  const fields = isOwn(problem, model) ? shown(uniqueFields(problem, model), resource) : undefined
  if (fields === undefined) return undefined
  const name = nameOf(problem, resource)
  if (fields.length === 0 && name === undefined) return undefined
  return about(writeErrors.CONFLICT(fields, name ?? '', model.softDelete !== undefined), fields)
}

function uniqueFields(problem: PgProblem, model: Model): readonly string[] {
  const known = [...model.uniques, ...model.looseUniques].find(({ name }) => name === problem.constraint)?.fields
  return known ?? fieldsOf(model, detailKey(problem)?.columns ?? [])
}

function foreignKey(problem: PgProblem, resource: CompiledResource): AppError | undefined {
  const { model } = resource
  const key = detailKey(problem)
  const own = isOwn(problem, model) ? model.foreignKeys.find(({ name }) => name === problem.constraint) : undefined
  const missing = own !== undefined && (key === undefined || sameNames(fieldsOf(model, key.columns), own.fields))
  if (!missing) return stillReferenced(problem, resource)
  if (shown(own.fields, resource)?.length !== own.fields.length) return undefined
  // Where another tenant's record is as good as none, it is not said which: row-level security keeps the values from us, too.
  const isOfTenants = resource.references.some((reference) => reference.key.name === own.name)
  const values = isOfTenants ? undefined : key?.values
  return about(writeErrors.MISSING_REFERENCE(own.fields, values ?? 'such record', own.foreignTable.name), own.fields)
}

function stillReferenced(problem: PgProblem, { relations }: CompiledResource): AppError | undefined {
  if (problem.table === undefined) return undefined
  // A table that no relation of the caller leads to is none that they know of.
  const known = [...relations.values()].flatMap(({ target, through }) => [target.model, ...(through === undefined ? [] : [through])])
  return writeErrors.STILL_REFERENCED(known.some((model) => isOwn(problem, model)) ? problem.table : undefined)
}

function check(problem: PgProblem, resource: CompiledResource): AppError | undefined {
  const { model } = resource
  // A domain's check has no table, so it may be any field of that type.
  if (problem.constraint === undefined || (problem.table !== undefined && !isOwn(problem, model))) return undefined
  const known = model.checks.find(({ name }) => name === problem.constraint)?.fields ?? []
  const fields = shown(known, resource)
  const name = fields?.length === known.length ? nameOf(problem, resource) : undefined
  if (fields === undefined || (fields.length === 0 && name === undefined)) return undefined
  return about(writeErrors.CHECK_FAILED(name, fields), fields)
}

function exclusion(problem: PgProblem, resource: CompiledResource): AppError | undefined {
  const { model } = resource
  if (!isOwn(problem, model) || problem.constraint === undefined) return undefined
  const fields = shown(fieldsOf(model, detailKey(problem)?.columns ?? []), resource)
  return fields === undefined ? undefined : about(writeErrors.EXCLUDED(nameOf(problem, resource), fields), fields)
}

function notNull(problem: PgProblem, resource: CompiledResource): AppError | undefined {
  const { model } = resource
  const [field] = isOwn(problem, model) && problem.column !== undefined ? (shown(fieldsOf(model, [problem.column]), resource) ?? []) : []
  return field === undefined ? undefined : about(writeErrors.NOT_NULL(field), [field])
}

/** The fields that callers know of; undefined when all are hidden: then nothing of the constraint is told either. */
function shown(fields: readonly string[], { visibleByName }: CompiledResource): readonly string[] | undefined {
  const known = fields.filter((name) => visibleByName.has(name))
  return known.length === 0 && fields.length > 0 ? undefined : known
}

/** The constraint's name; undefined when it, or what PostgreSQL says of its columns, has a field in it that callers do not know of. */
function nameOf(problem: PgProblem, { model, visibleByName }: CompiledResource): string | undefined {
  const told = `${problem.constraint ?? ''} ${detailKey(problem)?.columns.join(' ') ?? ''}`
  const hidden = model.fields.filter(({ name }) => !visibleByName.has(name))
  return hidden.some(({ column }) => told.includes(column)) ? undefined : problem.constraint
}

/** The error with its field, or with one detail for each of several. */
function about(error: AppError, fields: readonly string[]): AppError {
  const details = fields.map((field) => error.with({ field }).toDetail())
  return error.with({ field: fields[0], details })
}

function isOwn(problem: PgProblem, { table }: Model): boolean {
  return problem.table === table.name && (table.schema === undefined || problem.schema === table.schema)
}

function fieldsOf(model: Model, columns: readonly string[]): string[] {
  return columns.flatMap((column) => model.fieldByColumn.get(column)?.name ?? [])
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}

/** `Key (author_id)=(99) …`: the words are translated, the brackets are not. Expressions (`lower(email)`) name no column. */
function detailKey({ detail }: PgProblem): { readonly columns: readonly string[]; readonly values: string } | undefined {
  const found = /\((.*?)\)=\((.*?)\)/s.exec(detail ?? '')
  return found === null ? undefined : { columns: splitColumns(found[1] ?? ''), values: found[2] ?? '' }
}

function splitColumns(list: string): string[] {
  return list.split(', ').map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name))
}

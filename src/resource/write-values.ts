// Parsed JSON of one record → what its columns are set to. Refuses unknown, read-only, missing and ill-fitting values, all at once.

import { policyErrors } from '../auth/policy-errors.ts'
import { type AppError, withoutStacks } from '../core/errors.ts'
import type { Field } from '../model/model.ts'
import { parseField } from '../model/parse-field.ts'
import { isSameValue } from '../model/same-value.ts'
import { plainValue } from '../model/plain-value.ts'
import { nearest } from '../support/similar.ts'
import { isRecord } from './is-record.ts'
import type { RecordKey, RecordValues } from './request.ts'
import { byDefault, type ColumnValue, type ColumnValues } from './write-columns.ts'
import { writeErrors } from './write-errors.ts'
import type { Writer } from './writer.ts'

/** Who gives the values: hooks may set what callers may not. */
export type Giver = 'caller' | 'hook'

interface Intake {
  readonly writer: Writer
  readonly giver: Giver
  /** Key of the record that is written, for all but create. */
  readonly key: RecordKey | undefined
  readonly columns: Map<Field, ColumnValue>
  readonly problems: AppError[]
}

/**
 * Columns of a new record: defaults that JavaScript makes are filled in, those that the database makes are left out.
 *
 * @throws AppError `WRITE_INVALID` with one detail per field, `WRITE_NOT_AN_OBJECT`
 */
export function createColumns(writer: Writer, values: RecordValues, giver: Giver = 'caller'): ColumnValues {
  return take(writer, values, giver, undefined, (intake) => {
    fillOwned(intake)
    fillMade(intake, writer.made)
    fillTouched(
      intake,
      writer.touched.filter((field) => !field.hasDefault),
    )
    requireFields(intake, writer.required)
    refuseUnaddressable(intake)
  })
}

/**
 * Columns of a record that is replaced: every field the caller may set gets a value. Left out: its default, else NULL.
 *
 * @throws as `createColumns`; also when the body holds another key than `key`
 */
export function replaceColumns(writer: Writer, key: RecordKey, values: RecordValues, giver: Giver = 'caller'): ColumnValues {
  return take(writer, values, giver, key, (intake) => {
    fillOwned(intake)
    fillMade(intake, writer.replaced)
    fillTouched(intake, writer.touched)
    requireFields(
      intake,
      writer.required.filter((field) => writer.replaced.includes(field)),
    )
    for (const field of writer.replaced) {
      if (!intake.columns.has(field)) intake.columns.set(field, field.hasDefault ? byDefault : null)
    }
  })
}

/**
 * Columns of a partial change; empty when nothing is given.
 *
 * @throws as `replaceColumns`
 */
export function patchColumns(writer: Writer, key: RecordKey, values: RecordValues, giver: Giver = 'caller'): ColumnValues {
  return take(writer, values, giver, key, (intake) => {
    refuseOthers(intake)
    if (intake.columns.size > 0) fillTouched(intake, writer.touched)
  })
}

/** Refuses what is wrong with the values a caller gave, before hooks may add to them. */
export function checkGiven(writer: Writer, key: RecordKey | undefined, values: RecordValues): void {
  take(writer, values, 'caller', key, refuseOthers)
}

/** What every UPDATE sets besides what it is about: `updated_at` and its like. */
export function touchedColumns(writer: Writer): Map<Field, ColumnValue> {
  const columns = new Map<Field, ColumnValue>()
  fillTouched({ columns }, writer.touched)
  return columns
}

function take(
  writer: Writer,
  values: RecordValues,
  giver: Giver,
  key: RecordKey | undefined,
  fill: (intake: Intake) => void,
): ColumnValues {
  if (!isRecord(values)) throw writeErrors.NOT_AN_OBJECT()
  const intake: Intake = { writer, giver, key, columns: new Map(), problems: [] }
  withoutStacks(() => Object.entries(values).forEach(([name, value]) => takeValue(intake, name, value)))
  fill(intake)
  refuse(intake.problems)
  return inTableOrder(writer, intake.columns)
}

function refuse(problems: readonly AppError[]): void {
  if (problems.length === 0) return
  const fields = problems.map((problem) => problem.field ?? '')
  if (problems.every(({ code }) => code === 'AUTH_FORBIDDEN'))
    throw policyErrors.FORBIDDEN(fields).with({ details: problems.map((problem) => problem.toDetail()), field: fields[0] })
  throw writeErrors.INVALID(fields).with({ details: problems.map((problem) => problem.toDetail()), field: fields[0] })
}

function inTableOrder(writer: Writer, columns: ReadonlyMap<Field, ColumnValue>): ColumnValues {
  const ordered = new Map<Field, ColumnValue>()
  for (const field of writer.resource.model.fields) {
    const value = columns.get(field)
    if (value !== undefined) ordered.set(field, value)
  }
  return ordered
}

function takeValue(intake: Intake, name: string, value: unknown): void {
  if (value === undefined) return
  const field = intake.writer.resource.model.fieldByName.get(name)
  if (field === undefined || isSecret(intake, field)) return void intake.problems.push(unknownField(intake, name))
  const keyPosition = intake.key === undefined ? -1 : intake.writer.table.key.indexOf(field)
  if (keyPosition >= 0) return compareKey(intake, field, value, intake.key?.[keyPosition])
  if (!maySet(intake, field)) return void intake.problems.push(writeErrors.READ_ONLY_FIELD(name).with({ field: name }))
  const text = toText(intake.problems, field, intake.giver === 'hook' ? plainValue(value, field.castType) : value)
  if (text !== undefined) intake.columns.set(field, text)
}

/** Callers do not learn that a hidden field exists. */
function isSecret({ writer, giver }: Intake, field: Field): boolean {
  const isFree = field === writer.resource.tenant && writer.guard === undefined
  return giver === 'caller' && !isFree && !writer.writable.has(field) && !writer.resource.visibleByName.has(field.name)
}

/** The tenant may be named as it is, and where no caller's is in force it has to be. */
function maySet({ writer, giver }: Intake, field: Field): boolean {
  return giver === 'hook' ? !field.generated : writer.writable.has(field) || field === writer.resource.tenant
}

function unknownField({ writer }: Intake, name: string): AppError {
  const near = nearest(
    name,
    [...writer.writable].map((field) => field.name),
  )
  return writeErrors.UNKNOWN_FIELD(name, writer.resource.name, near).with({ field: name })
}

function compareKey({ problems }: Intake, field: Field, value: unknown, expected: string | undefined): void {
  const text = toText(problems, field, value)
  const isSame = text === expected || (typeof text === 'string' && expected !== undefined && isSameValue(field, text, expected))
  if (text !== undefined && !isSame) problems.push(writeErrors.KEY_CHANGED(field.name).with({ field: field.name }))
}

/** The value as PostgreSQL text; undefined after a problem was noted. */
function toText(problems: AppError[], field: Field, value: unknown): string | null | undefined {
  if (value === null) {
    if (field.nullable) return null
    return void problems.push(writeErrors.NOT_NULL(field.name).with({ field: field.name }))
  }
  const parsed = parseField(field, value)
  if ('value' in parsed) return parsed.value
  return void problems.push(writeErrors.INVALID_VALUE(field.name, parsed.problem, parsed.hint).with({ field: field.name }))
}

function requireFields({ columns, problems }: Intake, fields: readonly Field[]): void {
  for (const field of fields) {
    const known = columns.has(field) || problems.some((problem) => problem.field === field.name)
    if (!known) problems.push(writeErrors.REQUIRED(field.name).with({ field: field.name }))
  }
}

/** Keys that could be stored and never be addressed: a path ends before an empty segment, and every client takes dots for steps. */
export const unaddressable: readonly unknown[] = ['', '.', '..']

function refuseUnaddressable({ writer, columns, problems }: Intake): void {
  const [key, ...others] = writer.table.key
  if (key === undefined || others.length > 0 || key.kind.encoding !== 'text') return
  if (unaddressable.includes(columns.get(key)))
    problems.push(
      writeErrors.INVALID_VALUE(key.name, 'must not be empty, "." or ".."', 'It is part of an address.').with({ field: key.name }),
    )
}

/** A record that can be the caller's alone is, unless it says that it is somebody else's. */
function fillOwned(intake: Intake): void {
  refuseOthers(intake)
  const { writer, columns, problems } = intake
  for (const [field, own] of writer.guard?.owned ?? [])
    if (!columns.has(field) && !problems.some((problem) => problem.field === field.name)) columns.set(field, own)
}

function refuseOthers({ writer, columns, problems }: Intake): void {
  for (const [field, own] of writer.guard?.owned ?? []) {
    const value = columns.get(field)
    const isOwn = value === undefined || (typeof value === 'string' && isSameValue(field, value, own))
    if (!isOwn) problems.push(policyErrors.FORBIDDEN([field.name]).with({ field: field.name }))
  }
}

function fillMade({ columns, problems }: Intake, fields: readonly Field[]): void {
  for (const field of fields) {
    const given = columns.has(field) || problems.some((problem) => problem.field === field.name)
    if (field.makeDefault !== undefined && !given) columns.set(field, madeText(field, field.makeDefault()))
  }
}

function fillTouched({ columns }: Pick<Intake, 'columns'>, fields: readonly Field[]): void {
  for (const field of fields) {
    if (field.onUpdate === undefined || columns.has(field)) continue
    columns.set(field, field.onUpdate === 'now' ? 'now' : madeText(field, field.onUpdate()))
  }
}

/** A value that a `$defaultFn` or `$onUpdate` made. One that does not fit its own column is a mistake in the application. */
function madeText(field: Field, value: unknown): string | null {
  if (value === null || value === undefined) return null
  const parsed = parseField(field, value)
  if ('problem' in parsed) throw new Error(`The function that fills "${field.name}" made a value that does not fit: ${parsed.problem}.`)
  return parsed.value
}

// One record by its key. The text depends on the shape alone, so it is made once per shape.

import type { Statement } from '../db/rows.ts'
import type { Field } from '../model/model.ts'
import { verdictSql } from './condition-sql.ts'
import { parseFilterText } from '../model/parse-field.ts'
import { resourceErrors } from './errors.ts'
import { fieldNamed } from './field-named.ts'
import type { ShapePlan } from './plan.ts'
import type { CompiledResource } from './registry.ts'
import { notDeleted } from './relation-sql.ts'
import type { RecordKey } from './request.ts'
import { columnOf, comparisonType, fill, type Held, quoteName, SqlBuilder, type Template } from './sql-builder.ts'

/** Its own parameters; those of the key come before them. */
export function getTemplate(shape: ShapePlan): Template {
  const { resource } = shape
  const columns = [...shape.fields, ...shape.keys].map((field) => columnOf('t', field))
  const key = keyFields(resource).map((field, i) => `${columnOf('t', field)} = $${i + 1}::${comparisonType(field)}`)
  const sql = new SqlBuilder(key.length)
  const where = [...key, ...notDeleted(resource.model, 't'), ...verdictSql(sql, 't', resource.rows.get)]
  return sql.template(`select ${columns.join(', ')} from ${resource.model.sqlName} t where ${where.join(' and ')}`)
}

export function getStatement({ text, name, parameters }: Template, resource: CompiledResource, key: RecordKey, held: Held): Statement {
  const own = keyTexts(resource, key)
  return { text, name, values: parameters.length === 0 ? own : [...own, ...fill(parameters, held)] }
}

/** What finds a row by its key, with parameters from `$1` on and names that need no alias. */
export function keyCondition(resource: CompiledResource): string {
  return keyFields(resource)
    .map((field, i) => `${quoteName(field.column)} = $${i + 1}::${comparisonType(field)}`)
    .join(' and ')
}

export function keyFields(resource: CompiledResource): readonly Field[] {
  return resource.model.primaryKey.map((name) => fieldNamed(resource.model, name))
}

/** @throws RESOURCE_INVALID_VALUE when a part of the key cannot be a value of its field */
export function keyTexts(resource: CompiledResource, key: RecordKey): string[] {
  return keyFields(resource).map((field, i) => {
    const parsed = parseFilterText(field, key[i] ?? '')
    if ('problem' in parsed) throw resourceErrors.INVALID_VALUE(field.name, parsed.problem, parsed.hint).with({ field: field.name })
    return parsed.value
  })
}

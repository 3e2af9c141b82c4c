// JSON Schemas (draft 2020-12, as in OpenAPI 3.1) of a model's records: as replies show them, and as each write takes them.

import type { JsonSchema } from './kinds/kind.ts'
import type { Field, Model } from './model.ts'
import { mostElements } from './parse-field.ts'

/** Which fields a schema has. Resources hide some and close others; default: all, and all that are not generated. */
export interface SchemaFields {
  readonly visible?: readonly Field[]
  readonly writable?: readonly Field[]
}

/** A whole record in a reply: every field is there, possibly null. Fields that cannot be written are `readOnly`. */
export function recordSchema(model: Model, { visible = model.fields, writable = writableFields(model) }: SchemaFields = {}): JsonSchema {
  const properties = visible.map((field): [string, JsonSchema] => [
    field.name,
    { ...fieldSchema(field), ...(writable.includes(field) ? {} : { readOnly: true }), ...examplesOf(field) },
  ])
  return objectSchema(properties, visible)
}

/** The body of a create. Required is what is neither nullable nor filled by someone else. */
export function createSchema(model: Model, { writable = writableFields(model) }: SchemaFields = {}): JsonSchema {
  return objectSchema(inputProperties(writable, true), writable.filter(isRequired))
}

/** The body of a replace: as create, but the key is in the path already. */
export function replaceSchema(model: Model, { writable = writableFields(model) }: SchemaFields = {}): JsonSchema {
  const required = writable.filter((field) => isRequired(field) && !model.primaryKey.includes(field.name))
  return objectSchema(inputProperties(writable, true), required)
}

/** The body of a patch: any of the fields. */
export function patchSchema(model: Model, { writable = writableFields(model) }: SchemaFields = {}): JsonSchema {
  return objectSchema(inputProperties(writable, false), [])
}

/** One field's value, with lists and null. */
export function fieldSchema(field: Field): JsonSchema {
  const schema = field.dimensions === 0 ? field.kind.jsonSchema(field) : listSchema(field, field.dimensions)
  return { ...(field.nullable ? orNull(schema) : schema), ...(field.comment === undefined ? {} : { description: field.comment }) }
}

/** A value of the field as documentation shows it. */
export function exampleOf(field: Field): unknown {
  return Array.from({ length: field.dimensions }).reduce((example) => [example], field.kind.example(field))
}

function writableFields(model: Model): readonly Field[] {
  return model.fields.filter((field) => !field.generated)
}

function isRequired({ nullable, hasDefault, onUpdate }: Field): boolean {
  return !nullable && !hasDefault && onUpdate === undefined
}

function inputProperties(fields: readonly Field[], withDefaults: boolean): [string, JsonSchema][] {
  return fields.map((field) => {
    const limit = field.dimensions === 0 ? {} : { maxItems: mostElements }
    const initial = withDefaults && field.default !== undefined ? { default: field.default } : {}
    return [field.name, { ...fieldSchema(field), ...limit, ...initial, ...examplesOf(field) }]
  })
}

function examplesOf(field: Field): JsonSchema {
  return { examples: [exampleOf(field)] }
}

function objectSchema(properties: readonly [string, JsonSchema][], required: readonly Field[]): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required: required.map(({ name }) => name) }),
    additionalProperties: false,
  }
}

/** PostgreSQL's arrays may hold NULL in every place, but no NULL for a whole list. */
function listSchema(field: Field, depth: number): JsonSchema {
  return { type: 'array', items: depth > 1 ? listSchema(field, depth - 1) : orNull(field.kind.jsonSchema(field)) }
}

/** The schema, or null. One without a type accepts null already. */
function orNull(schema: JsonSchema): JsonSchema {
  const { type, anyOf, enum: values } = schema
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: 'null' }] }
  if (type === undefined) return schema
  return { ...schema, type: [type, 'null'], ...(Array.isArray(values) ? { enum: [...values, null] } : {}) }
}

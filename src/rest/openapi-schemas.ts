// Schemas of a resource: its record as replies have it, and the bodies that writes take.

import { createSchema, fieldSchema, patchSchema, recordSchema, replaceSchema } from '../model/json-schema.ts'
import type { Field } from '../model/model.ts'
import { keyFields } from '../resource/get-statement.ts'
import type { CompiledRelation, CompiledResource } from '../resource/registry.ts'
import { unaddressable } from '../resource/write-values.ts'
import { type NameBook, type ResourceNames } from './openapi-names.ts'
import { type Part, type Parts, schemaRef } from './openapi-parts.ts'

/** Every schema a resource can have; what nothing refers to is left out of the document. */
export function resourceSchemas(resource: CompiledResource, names: NameBook): Parts {
  const { one } = namesOf(resource, names)
  if (resource.model.primaryKey.length === 0) return { [one]: recordOf(resource, names) }
  return {
    [one]: recordOf(resource, names),
    [`${one}Create`]: addressable(resource, inputSchema(resource, createSchema(resource.model, resource))),
    [`${one}Replace`]: withKey(resource, inputSchema(resource, replaceSchema(resource.model, resource)), []),
    [`${one}Patch`]: withKey(resource, inputSchema(resource, patchSchema(resource.model, resource)), []),
    [`${one}BulkPatch`]: withKey(resource, inputSchema(resource, patchSchema(resource.model, resource)), resource.model.primaryKey),
    [`${one}Key`]: keySchema(resource),
  }
}

export function namesOf(resource: CompiledResource, names: NameBook): ResourceNames {
  const found = names.get(resource.name)
  if (found === undefined) throw new Error(`"${resource.name}" has no name in the document.`)
  return found
}

/** All fields, and the relations that `include` may add. */
function recordOf(resource: CompiledResource, names: NameBook): Part {
  const { manyInWords } = namesOf(resource, names)
  if (resource.options.hooks?.serialize !== undefined) return { description: `One of the ${manyInWords}, shaped by the application.` }
  const schema = recordSchema(resource.model, resource)
  const relations = [...resource.relations.values()].map((relation) => [relation.relation.name, relationSchema(relation, names)])
  return {
    ...schema,
    description: `A record of ${manyInWords}. ${relations.length === 0 ? '' : 'Relations are there when `include` asks for them. '}With \`fields\` a reply has only the named fields.`,
    properties: { ...propertiesOf(schema), ...Object.fromEntries(relations) },
  }
}

function relationSchema({ relation, target }: CompiledRelation, names: NameBook): Part {
  const record = schemaRef(namesOf(target, names).one)
  const description = `Only with \`include=${relation.name}\`.`
  if (relation.kind !== 'one') return { type: 'array', items: record, readOnly: true, description }
  // A soft-deleted record is hidden, also from those that refer to it.
  const nullable = relation.nullable || target.model.softDelete !== undefined
  return { ...(nullable ? { anyOf: [record, { type: 'null' }] } : { allOf: [record] }), readOnly: true, description }
}

/** `json` has no type of its own, so null has to be ruled out where the column has no NULL. */
function inputSchema({ writable }: CompiledResource, schema: Part): Part {
  const properties = propertiesOf(schema)
  const narrowed = writable
    .filter((field) => !field.nullable && acceptsEverything(properties[field.name]))
    .map(({ name }) => [name, { ...properties[name], type: notNull }])
  return { ...schema, properties: { ...properties, ...Object.fromEntries(narrowed) } }
}

/** A text that is the whole key has to have an address. */
function addressable(resource: CompiledResource, schema: Part): Part {
  const [key, ...others] = keyFields(resource)
  const own = key === undefined ? undefined : propertiesOf(schema)[key.name]
  if (key === undefined || own === undefined || others.length > 0 || key.kind.encoding !== 'text') return schema
  return { ...schema, properties: { ...propertiesOf(schema), [key.name]: { ...own, not: { enum: unaddressable } } } }
}

const notNull = ['object', 'array', 'string', 'number', 'boolean']

function acceptsEverything(schema: Part = {}): boolean {
  return schema.type === undefined && schema.anyOf === undefined && schema.enum === undefined
}

/** The key may be repeated in the body; in bulk it says which record is meant. */
function withKey(resource: CompiledResource, schema: Part, required: readonly string[]): Part {
  const known = keyFields(resource).filter((field) => resource.visible.includes(field) || required.includes(field.name))
  const hint = required.length === 0 ? { description: 'May be left out: it is in the path.' } : {}
  const key = known.map((field) => [field.name, { ...fieldSchema(field), ...hint }])
  return {
    ...schema,
    properties: { ...Object.fromEntries(key), ...withoutKey(propertiesOf(schema), known) },
    ...(required.length === 0 ? {} : { required }),
  }
}

function withoutKey(properties: Parts, key: readonly Field[]): Parts {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !key.some((field) => field.name === name)))
}

/** What names a record in a bulk delete. */
function keySchema(resource: CompiledResource): Part {
  const fields = keyFields(resource)
  const [first] = fields
  if (first !== undefined && fields.length === 1) return fieldSchema(first)
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)])),
    required: fields.map(({ name }) => name),
  }
}

function propertiesOf(schema: Part): Parts {
  return (schema.properties ?? {}) as Parts
}

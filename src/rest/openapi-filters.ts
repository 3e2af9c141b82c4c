// `filter[…]` parameters of a resource: one for each field and operator that it has.

import type { FilterOperator } from '../model/kinds/kind.ts'
import type { Field } from '../model/model.ts'
import { operatorsOf } from '../resource/filter.ts'
import type { CompiledResource } from '../resource/registry.ts'
import type { Part } from './openapi-parts.ts'

/** What an operator says of the records that stay, after "where". */
const meanings: Readonly<Record<FilterOperator, (name: string, nullable: boolean) => string>> = {
  eq: (name) => `${name} is this`,
  ne: (name, nullable) => `${name} is not this${orNull(nullable)}`,
  gt: (name) => `${name} is above this`,
  gte: (name) => `${name} is this or above`,
  lt: (name) => `${name} is below this`,
  lte: (name) => `${name} is this or below`,
  in: (name) => `${name} is one of these`,
  nin: (name, nullable) => `${name} is none of these${orNull(nullable)}`,
  contains: (name) => `${name} contains this text, in capitals or small letters`,
  starts: (name) => `${name} starts with this text, in capitals or small letters`,
  ends: (name) => `${name} ends with this text, in capitals or small letters`,
  null: (name) => `${name} is null (\`true\`) or not (\`false\`)`,
  between: (name) => `${name} is between these two, both included`,
  has: (name) => `${name} contains this`,
}

function orNull(nullable: boolean): string {
  return nullable ? ', or null' : ''
}

export function filterParameters(resource: CompiledResource): readonly Part[] {
  const fields = resource.visible.flatMap((field) => operatorsOf(field).map((operator) => filterParameter(field, operator)))
  return [...fields, ...[...resource.relations.keys()].map(existenceParameter)]
}

function filterParameter(field: Field, operator: FilterOperator): Part {
  const name = operator === 'eq' ? `filter[${field.name}]` : `filter[${field.name}][${operator}]`
  return {
    name,
    in: 'query',
    description: `Where ${meanings[operator](`\`${field.name}\``, field.nullable)}.`,
    ...valueOf(field, operator),
  }
}

function existenceParameter(relation: string): Part {
  const description = `Where there is no \`${relation}\` (\`true\`), or is one (\`false\`).`
  return { name: `filter[${relation}][null]`, in: 'query', description, schema: { type: 'boolean' } }
}

function valueOf(field: Field, operator: FilterOperator): Part {
  switch (operator) {
    case 'null':
      return { schema: { type: 'boolean' } }
    case 'contains':
    case 'starts':
    case 'ends':
      return { schema: { type: 'string' } }
    case 'in':
    case 'nin':
      return commaList({ items: wantedValue(field), minItems: 1 })
    case 'between':
      return commaList({ items: wantedValue(field), minItems: 2, maxItems: 2 })
    default:
      return oneValue(wantedValue(field))
  }
}

function commaList(schema: Part): Part {
  return { style: 'form', explode: false, schema: { type: 'array', ...schema } }
}

/** A value without a type of its own (json) is written as JSON text. */
function oneValue(schema: Part): Part {
  const anything = schema.type === undefined && schema.anyOf === undefined
  return anything ? { content: { 'application/json': { schema } } } : { schema }
}

/**
 * One value of the field, or of one element of a list. It may be longer than what the column can hold, or none of the
 * words that the application writes: then nothing is found.
 */
function wantedValue({ precision: _digits, scale: _decimals, ...field }: Field): Part {
  const { maxLength: _longest, enum: words, ...schema } = field.kind.jsonSchema(field)
  return field.kind.name === 'text' || words === undefined ? schema : { ...schema, enum: words }
}

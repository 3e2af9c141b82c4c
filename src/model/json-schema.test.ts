import { sql } from 'drizzle-orm'
import * as pg from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { timestamps } from './columns.ts'
import { createSchema, exampleOf, fieldSchema, patchSchema, recordSchema, replaceSchema } from './json-schema.ts'
import type { Field } from './model.ts'
import { readTable } from './read-table.ts'

const model = readTable(
  pg.pgTable('items', {
    code: pg.varchar({ length: 8 }).primaryKey(),
    name: pg.varchar({ length: 100 }).notNull(),
    stock: pg.integer().notNull().default(0),
    mood: pg.pgEnum('mood', ['sad', 'happy'])(),
    weight: pg.doublePrecision(),
    settings: pg.jsonb(),
    grid: pg.integer().array('[][]').notNull(),
    doubled: pg.integer().generatedAlwaysAs(sql`stock * 2`),
    ...timestamps,
  }),
)

function fieldOf(name: string): Field {
  const field = model.fieldByName.get(name)
  if (field === undefined) throw new Error(`There is no field ${name}.`)
  return field
}

test('a create requires what is neither nullable nor filled by someone else, and knows the defaults', () => {
  expect(createSchema(model)).toMatchObject({
    type: 'object',
    required: ['code', 'name', 'grid'],
    additionalProperties: false,
    properties: { stock: { type: 'integer', default: 0 }, name: { type: 'string', maxLength: 100 } },
  })
  expect(Object.keys(createSchema(model).properties as object)).not.toContain('doubled')
})

test('a replace finds its key in the path, and a patch requires nothing and has no defaults', () => {
  expect(replaceSchema(model)).toMatchObject({ required: ['name', 'grid'] })
  expect(patchSchema(model)).not.toHaveProperty('required')
  expect(patchSchema(model)).not.toHaveProperty('properties.stock.default')
})

test('a record has every field, and says which ones cannot be written', () => {
  const schema = recordSchema(model, { writable: model.fields.filter(({ name }) => name === 'name') })
  expect(schema).toMatchObject({ required: model.fields.map(({ name }) => name), properties: { stock: { readOnly: true } } })
  expect(schema).not.toHaveProperty('properties.name.readOnly')
})

test('hidden and closed fields are left out', () => {
  const some = [fieldOf('name')]
  expect(Object.keys(recordSchema(model, { visible: some }).properties as object)).toEqual(['name'])
  expect(createSchema(model, { writable: some })).toMatchObject({ required: ['name'], properties: { name: {} } })
})

test('null is one of the types, of the enum values, of the alternatives, or anything already', () => {
  expect(fieldSchema(fieldOf('mood'))).toEqual({ type: ['string', 'null'], enum: ['sad', 'happy', null] })
  expect(fieldSchema(fieldOf('weight')).anyOf).toContainEqual({ type: 'null' })
  expect(fieldSchema(fieldOf('settings'))).toEqual({})
  expect(fieldSchema(fieldOf('name'))).toEqual({ type: 'string', maxLength: 100 })
})

test('a list of two dimensions may hold null in its places, not in place of a row', () => {
  expect(fieldSchema(fieldOf('grid'))).toMatchObject({ type: 'array', items: { type: 'array', items: { type: ['integer', 'null'] } } })
  expect(createSchema(model)).toHaveProperty('properties.grid.maxItems', 10_000)
  expect(exampleOf(fieldOf('grid'))).toEqual([[1]])
})

test('a comment of a column becomes its description', () => {
  expect(fieldSchema({ ...fieldOf('name'), comment: 'What it is called.' })).toHaveProperty('description', 'What it is called.')
})

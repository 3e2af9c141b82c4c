import { integer, pgSchema, serial, text, timestamp, varchar } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { readTable } from '../model/read-table.ts'
import type { Model } from '../model/model.ts'
import { insertManyStatements, updateManyStatement } from './write-bulk-statement.ts'
import { byDefault, type ColumnValue, type ColumnValues } from './write-columns.ts'
import { StatementNames } from './write-names.ts'
import {
  currentStatement,
  deleteStatement,
  insertStatement,
  restoreStatement,
  updateStatement,
  type WriteTable,
} from './write-statement.ts'

const shop = pgSchema('shop')
const items = readTable(
  shop.table('items', { id: serial().primaryKey(), name: varchar({ length: 9 }), order: integer(), deleted_at: timestamp(), note: text() }),
)
const table: WriteTable = {
  sqlName: items.sqlName,
  bareName: '"items"',
  fields: items.fields,
  key: [field(items, 'id')],
  softDelete: field(items, 'deleted_at'),
  returning: '*',
}

function field(model: Model, name: string) {
  const found = model.fieldByName.get(name)
  if (found === undefined) throw new Error(name)
  return found
}

function columns(values: Record<string, ColumnValue>): ColumnValues {
  return new Map(Object.entries(values).map(([name, value]) => [field(items, name), value]))
}

test('values only ever become parameters, and names only ever quoted', () => {
  expect(insertStatement(table, columns({ name: `'; --`, order: '1' }))).toEqual({
    text: 'insert into "shop"."items" ("name", "order") values ($1::varchar, $2::int4) returning *',
    values: [`'; --`, '1'],
  })
})

test('a change reaches records that are alive, a restore those that are not', () => {
  const dead = '"shop"."items"."deleted_at" is not null'
  const living = '"shop"."items"."deleted_at" is null'
  expect(updateStatement(table, columns({ order: byDefault }), ['1']).text).toBe(
    `update "shop"."items" set "order" = default where "shop"."items"."id" = $1::int4 and ${living} returning *`,
  )
  expect(deleteStatement(table, ['1'], new Map()).text).toContain(
    `set "deleted_at" = $1::timestamp where "shop"."items"."id" = $2::int4 and ${living}`,
  )
  expect(restoreStatement(table, ['1'], new Map()).text).toContain(dead)
  expect(currentStatement(table, ['1'], 'deleted', 'share').text).toMatch(/is not null for no key update$/)
  expect(deleteStatement({ ...table, softDelete: undefined }, ['1'], new Map()).text).toBe(
    'delete from "shop"."items" where "shop"."items"."id" = $1::int4 returning *',
  )
})

test('the text of a bulk statement does not depend on how many records there are', () => {
  const insert = (count: number) =>
    insertManyStatements(
      table,
      Array.from({ length: count }, () => columns({ name: 'x' })),
    )
  expect(insert(1)[0]?.text).toBe(insert(500)[0]?.text)
  const update = (count: number) =>
    updateManyStatement(
      table,
      Array.from({ length: count }, (_, i) => ({ key: [String(i)], columns: columns({ name: 'x' }) })),
    )
  expect(update(1).text).toBe(update(500).text)
})

test('records with defaults in different places are split before they have more parameters than the protocol counts', () => {
  const records = Array.from({ length: 40_000 }, (_, i) => (i === 0 ? columns({ name: 'x', id: '1' }) : columns({ name: 'x' })))
  const statements = insertManyStatements(table, records)
  expect(statements).toHaveLength(2)
  expect(Math.max(...statements.map(({ values }) => values.length))).toBeLessThanOrEqual(65_535)
  expect(statements.reduce((sum, { values }) => sum + values.length, 0)).toBe(40_001)
})

test('the statements of a resource that are prepared are bounded, and a text keeps its name', () => {
  const names = new StatementNames()
  const named = Array.from({ length: 200 }, (_, i) => names.named({ text: `select ${i}`, values: [] }))
  expect(named.filter(({ name }) => name !== undefined)).toHaveLength(64)
  expect(new Set(named.map(({ name }) => name)).size).toBe(65)
  expect(names.named({ text: 'select 3', values: ['x'] }).name).toBe(named[3]?.name)
})

test('a statement with thousands of parameters is not prepared, and takes no name from others', () => {
  const names = new StatementNames()
  const many = Array.from({ length: 5000 }, () => 'x')
  for (let i = 0; i < 100; i++) expect(names.named({ text: `insert ${i}`, values: many }).name).toBeUndefined()
  expect(names.named({ text: 'update', values: ['x'] }).name).toBeDefined()
})

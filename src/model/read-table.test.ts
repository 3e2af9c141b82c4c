import { eq, sql } from 'drizzle-orm'
import * as pg from 'drizzle-orm/pg-core'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { scratchDatabase, testDatabases } from '../../test/support/postgres.ts'
import { softDelete, timestamps } from './columns.ts'
import { mentionedColumns } from './mentioned-columns.ts'
import type { Field, Model } from './model.ts'
import { readTable } from './read-table.ts'

const custom = (type: string) => pg.customType<{ data: string }>({ dataType: () => type })()

function fieldOf(model: Model, name: string): Field {
  const field = model.fieldByName.get(name)
  if (field === undefined) throw new Error(`There is no field ${name}.`)
  return field
}

test('a field has the property as its name and keeps the column it stands for', () => {
  const model = readTable(pg.pgTable('users', { emailAddress: pg.varchar('email_address', { length: 80 }).notNull() }))
  expect(fieldOf(model, 'emailAddress')).toMatchObject({
    column: 'email_address',
    sqlType: 'varchar(80)',
    length: 80,
    nullable: false,
    hasDefault: false,
  })
  expect(model.fieldByColumn.get('email_address')).toBe(model.fieldByName.get('emailAddress'))
})

const shop = pg.pgSchema('shop')
const mood = shop.enum('Mood "x"', ['sad', 'happy'])
const typed = pg.pgTable('typed', {
  serial: pg.serial(),
  small: pg.smallserial(),
  big: pg.bigserial({ mode: 'number' }),
  price: pg.numeric({ precision: 10, scale: 2 }),
  char: pg.char({ length: 3 }),
  letter: pg.char(),
  bits: pg.bit({ dimensions: 8 }),
  moment: pg.timestamp({ withTimezone: true, precision: 3 }),
  clock: pg.time({ withTimezone: true }),
  double: pg.doublePrecision(),
  span: pg.interval({ fields: 'day to second', precision: 3 }),
  mood: mood(),
  moods: mood().array('[][]'),
  tags: pg.varchar({ length: 9 }).array(),
  domain: custom('shop.email'),
  quoted: custom('"Weird Type"'),
  varying: custom('character varying(5)[]'),
  point: pg.geometry({ srid: 4326 }),
  vector: pg.vector({ dimensions: 3 }),
  search: custom('tsvector'),
})

test('a cast type is the name behind "::", without a length that would cut or round', () => {
  const types = Object.fromEntries(readTable(typed).fields.map(({ name, castType }) => [name, castType]))
  expect(types).toEqual({
    serial: 'int4',
    small: 'int2',
    big: 'int8',
    price: 'numeric',
    char: 'bpchar',
    letter: 'bpchar',
    bits: '"bit"',
    moment: 'timestamptz',
    clock: 'timetz',
    double: 'float8',
    span: 'interval',
    mood: '"shop"."Mood ""x"""',
    moods: '"shop"."Mood ""x"""[][]',
    tags: 'varchar[]',
    domain: 'shop.email',
    quoted: '"Weird Type"',
    varying: 'varchar[]',
    point: 'geometry',
    vector: 'vector',
    search: 'tsvector',
  })
})

test('lengths, precisions, enum values and dimensions are read from the type', () => {
  const model = readTable(typed)
  expect(fieldOf(model, 'price')).toMatchObject({ precision: 10, scale: 2 })
  expect(fieldOf(model, 'letter').length).toBe(1)
  expect(fieldOf(model, 'bits').length).toBe(8)
  expect(fieldOf(model, 'vector').length).toBe(3)
  expect(fieldOf(model, 'moment').precision).toBe(3)
  expect(fieldOf(model, 'varying')).toMatchObject({ length: 5, dimensions: 1 })
  expect(fieldOf(model, 'moods')).toMatchObject({ enumValues: ['sad', 'happy'], dimensions: 2 })
  expect(fieldOf(model, 'search').generated).toBe(true)
})

test('what fills a column when a create leaves it out is told apart from what may never be written', () => {
  const model = readTable(
    pg.pgTable('filled', {
      plain: pg.integer(),
      serial: pg.serial(),
      always: pg.integer().generatedAlwaysAsIdentity(),
      by_default: pg.integer().generatedByDefaultAsIdentity(),
      computed: pg.integer().generatedAlwaysAs(sql`1 + 1`),
      fixed: pg.integer().default(0),
      now: pg.timestamp().defaultNow(),
      made: pg.uuid().$defaultFn(() => 'x'),
      touched: pg.timestamp().$onUpdate(() => new Date()),
    }),
  )
  const marks = Object.fromEntries(
    model.fields.map(({ name, hasDefault, generated }) => [name, `${hasDefault ? 'filled' : ''}${generated ? ' generated' : ''}`]),
  )
  expect(marks).toEqual({
    plain: '',
    serial: 'filled',
    always: 'filled generated',
    by_default: 'filled',
    computed: 'filled generated',
    fixed: 'filled',
    now: 'filled',
    made: 'filled',
    touched: '',
  })
})

test('static defaults are JSON, SQL defaults stay with the database', () => {
  const model = readTable(
    pg.pgTable('defaults', {
      big: pg.bigint({ mode: 'bigint' }).default(5n),
      price: pg.numeric({ mode: 'number' }).default(1.5),
      day: pg.date({ mode: 'date' }).default(new Date('2026-11-20')),
      bytes: pg.bytea().default(Buffer.from('hi')),
      tags: pg.text().array().default(['a']),
      settings: pg.jsonb().default({ a: 1 }),
      point: pg.point().default([1, 2]),
      now: pg.timestamp().defaultNow(),
    }),
  )
  expect(model.fields.map((field) => field.default)).toEqual(['5', '1.5', '2026-11-20', 'aGk=', ['a'], { a: 1 }, '(1,2)', undefined])
})

test('$onUpdate becomes the time of the database only where it means the present', () => {
  const later = () => new Date(Date.now() + 60_000)
  const model = readTable(
    pg.pgTable('touched', {
      sql: pg.timestamp({ withTimezone: true }).$onUpdate(() => sql`now()`),
      date: pg.timestamp().$onUpdate(() => new Date()),
      text: pg.timestamp({ mode: 'string' }).$onUpdate(() => new Date().toISOString()),
      day: pg.date({ mode: 'date' }).$onUpdate(() => new Date()),
      later: pg.timestamp().$onUpdate(later),
      later_day: pg
        .date({ mode: 'date' })
        .$onUpdate(later)
        .$defaultFn(() => new Date('2026-11-20T10:00:00Z')),
      version: pg.integer().$onUpdate(() => 7),
      broken: pg.timestamp().$onUpdate(() => {
        throw new Error('needs a request')
      }),
    }),
  )
  const called = Object.fromEntries(model.fields.map(({ name, onUpdate }) => [name, onUpdate === 'now' ? 'now' : typeof onUpdate]))
  expect(called).toEqual({
    sql: 'now',
    date: 'now',
    text: 'now',
    day: 'now',
    later: 'function',
    later_day: 'function',
    version: 'function',
    broken: 'function',
  })
  expect(fieldOf(model, 'later_day').makeDefault?.()).toBe('2026-11-20')
})

test('the shared columns are kept by the framework, and deleted_at makes a table soft-deleted', () => {
  const model = readTable(pg.pgTable('items', { id: pg.serial().primaryKey(), ...timestamps, ...softDelete }))
  expect(
    model.fields.map(({ name, castType, nullable, hasDefault, onUpdate }) => [name, castType, nullable, hasDefault, onUpdate]),
  ).toEqual([
    ['id', 'int4', false, true, undefined],
    ['created_at', 'timestamptz', false, true, undefined],
    ['updated_at', 'timestamptz', false, true, 'now'],
    ['deleted_at', 'timestamptz', true, false, undefined],
  ])
  expect(model.softDelete).toBe('deleted_at')
  expect(readTable(pg.pgTable('log', { deleted_at: pg.text() })).softDelete).toBeUndefined()
})

test('a model cannot be changed at any depth', () => {
  const model = readTable(typed)
  expect(Object.isFrozen(fieldOf(model, 'mood').enumValues)).toBe(true)
  expect(() => Object.assign(model.table, { name: 'x' })).toThrow(TypeError)
  expect(() => (model.fieldByName as Map<string, Field>).delete('mood')).toThrow('cannot be changed')
})

const authors = shop.table('Order', { id: pg.serial().primaryKey(), email: pg.text().unique(), code: pg.text().unique('one_code') })
const books = pg.pgTable(
  'books_with_a_name_that_is_rather_long',
  {
    id: pg.integer().generatedAlwaysAsIdentity().primaryKey(),
    authorId: pg.integer('author_id').references(() => authors.id, { onDelete: 'cascade' }),
    second_author_identifier: pg.integer().references(() => authors.id),
    prequel: pg.integer().references((): pg.AnyPgColumn => books.id),
    shelf: pg.text(),
    place: pg.integer(),
    "it's": pg.integer(),
    price: pg.integer(),
  },
  (table) => [
    pg.unique().on(table.shelf, table.place),
    pg.unique('named').on(table.authorId, table.place),
    pg.uniqueIndex().on(table.shelf, table.price),
    pg
      .uniqueIndex('partial')
      .on(table.price)
      .where(sql`${table.price} > 0`),
    pg.uniqueIndex('expression').on(sql`lower(${table.shelf})`),
    pg.index('plain').on(table.place),
    pg.check('positive', sql`${table.price} > 0 and ${table["it's"]} < 3`),
    pg.check('written', sql`shelf <> 'price' or "author_id" is null`),
  ],
)
const places = pg.pgTable('places', { x: pg.integer(), y: pg.integer() }, (table) => [pg.primaryKey({ columns: [table.x, table.y] })])
const stones = pg.pgTable('stones', { at_x: pg.integer(), at_y: pg.integer() }, (table) => [
  pg.primaryKey({ columns: [table.at_x], name: 'stone_key' }),
  pg.foreignKey({ columns: [table.at_x, table.at_y], foreignColumns: [places.x, places.y] }).onDelete('set null'),
])

test('keys, uniques and foreign keys name the fields they are made of', () => {
  const model = readTable(books)
  expect(model.primaryKey).toEqual(['id'])
  expect(model.uniques.map(({ fields }) => fields)).toEqual([['id'], ['shelf', 'place'], ['authorId', 'place'], ['shelf', 'price']])
  expect(model.looseUniques).toEqual([
    { name: 'partial', fields: ['price'], hasExpressions: false, where: expect.stringContaining('"price" > 0') },
    { name: 'expression', fields: [], hasExpressions: true },
  ])
  expect(model.foreignKeys[0]).toMatchObject({
    fields: ['authorId'],
    foreignTable: { schema: 'shop', name: 'Order' },
    foreignFields: ['id'],
    onDelete: 'cascade',
  })
  expect(readTable(stones).foreignKeys).toMatchObject([{ fields: ['at_x', 'at_y'], foreignFields: ['x', 'y'], onDelete: 'set null' }])
  expect(readTable(places)).toMatchObject({ primaryKey: ['x', 'y'], fields: [{ nullable: false }, { nullable: false }] })
  expect(readTable(authors).sqlName).toBe('"shop"."Order"')
})

test('a check knows its fields, written with columns or as plain SQL', () => {
  expect(readTable(books).checks).toEqual([
    { name: 'positive', expression: '"price" > 0 and "it\'s" < 3', fields: ["it's", 'price'] },
    { name: 'written', expression: 'shelf <> \'price\' or "author_id" is null', fields: ['authorId', 'shelf'] },
  ])
})

test('neither text, tables nor functions count as columns of a condition', () => {
  expect([...mentionedColumns(`"items"."Price" > 0 and Lower(name) <> 'it''s status' and t.kind = length (x)`)]).toEqual([
    'Price',
    'and',
    'name',
    'kind',
    'x',
  ])
})

describe.each(testDatabases())('on $name', ({ url }) => {
  test('every constraint has the name that the migrations give it', async () => {
    const state = await generateDrizzleJson({ shop, authors, books, places, stones })
    const statements = await generateMigration(await generateDrizzleJson({}), state)
    const database = await scratchDatabase(url)
    const client = new Client({ connectionString: database.url })
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
      const { rows } = await client.query<{ names: string[] }>(`select array(
        select conname::text from pg_constraint where contype in ('p', 'u', 'f', 'c') and connamespace in ('public'::regnamespace, 'shop'::regnamespace)
        union select indexrelid::regclass::text from pg_index where indisunique and indpred is null and indexprs is null and indrelid = 'books_with_a_name_that_is_rather_long'::regclass
        order by 1) as names`)
      const models = [authors, books, places, stones].map((table) => readTable(table))
      const names = models.flatMap(({ uniques, checks, foreignKeys }) => [...uniques, ...checks, ...foreignKeys].map(({ name }) => name))
      expect(names.toSorted()).toEqual(rows[0]?.names.toSorted())
    } finally {
      await client.end()
      await database.drop()
    }
  })
})

test('a view has the columns of its selection, none of them writable', () => {
  const view = shop.view('Sales').as((query) =>
    query
      .select({
        author: books.authorId,
        total: sql<number>`count(*)`.as('total'),
        typed: sql`max(${books.price})`.mapWith(books.price).as('top_price'),
      })
      .from(books)
      .where(eq(books.price, 1)),
  )
  const model = readTable(view)
  expect(model).toMatchObject({ name: 'Sales', sqlName: '"shop"."Sales"', isView: true, primaryKey: [], foreignKeys: [] })
  expect(
    model.fields.map(({ name, column, castType, generated, kind }) => [name, column, castType, generated, kind.operators.length > 0]),
  ).toEqual([
    ['author', 'author_id', 'int4', true, true],
    ['total', 'total', 'text', true, false],
    ['typed', 'top_price', 'int4', true, true],
  ])
})

test('a view with declared columns, and a materialized one, is read like a table', () => {
  const columns = { id: pg.integer().notNull(), day: pg.date() }
  for (const view of [pg.pgView('days', columns).existing(), pg.pgMaterializedView('days', columns).as(sql`select 1`)]) {
    expect(readTable(view).fields).toMatchObject([
      { name: 'id', castType: 'int4', nullable: false },
      { name: 'day', castType: 'date', nullable: true },
    ])
  }
})

test('tables of the same name in two schemas can be given their own model names', () => {
  expect(readTable(authors, 'shop_orders')).toMatchObject({ name: 'shop_orders', table: { schema: 'shop', name: 'Order' } })
})

test('something else than a table is refused by a code', () => {
  expect(() => readTable({} as unknown as pg.PgTable)).toThrow(expect.objectContaining({ code: 'MODEL_NOT_A_TABLE' }))
})

test('a view that selects a whole table under one name is refused', () => {
  const people = pg.pgTable('people', { id: pg.serial().primaryKey() })
  const nested = pg.pgView('nested').as((query) => query.select({ person: people }).from(people))
  expect(() => readTable(nested)).toThrow(expect.objectContaining({ code: 'MODEL_NESTED_VIEW_FIELD' }))
})

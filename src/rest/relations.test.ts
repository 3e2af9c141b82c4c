// Relations whose keys look different on their two sides, and association tables that are soft-deleted, over HTTP.

import { anyone, defineApp, defineResource } from 'plinth'
import { bigint, bigserial, boolean, char, integer, numeric, pgTable, primaryKey, serial, softDelete, text, varchar } from 'plinth/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

const prices = pgTable('prices', { amount: numeric().primaryKey() })
const offers = pgTable('offers', {
  id: serial().primaryKey(),
  amount: numeric({ precision: 10, scale: 2 }).references(() => prices.amount),
})
const countries = pgTable('countries', { code: char({ length: 5 }).primaryKey() })
const cities = pgTable('cities', { id: serial().primaryKey(), code: varchar({ length: 5 }).references(() => countries.code) })
const people = pgTable('people', { id: bigserial({ mode: 'bigint' }).primaryKey(), name: text().notNull() })
const visits = pgTable('visits', { id: serial().primaryKey(), person_id: integer().references(() => people.id) })
const tours = pgTable('tours', { id: serial().primaryKey(), guide_id: bigint({ mode: 'bigint' }).references(() => people.id) })
const letters = pgTable('letters', {
  id: serial().primaryKey(),
  person_id: bigint({ mode: 'bigint' }).references(() => people.id),
  body: text(),
  sealed: boolean().notNull(),
})
const groups = pgTable('groups', { id: serial().primaryKey(), name: text().notNull() })
const memberships = pgTable(
  'memberships',
  {
    person_id: integer()
      .notNull()
      .references(() => people.id),
    group_id: integer()
      .notNull()
      .references(() => groups.id),
    ...softDelete,
  },
  (table) => [primaryKey({ columns: [table.person_id, table.group_id] })],
)

const models = { prices, offers, countries, cities, people, visits, tours, letters, groups, memberships }
const access = { read: anyone, write: anyone }
const seal = (row: Record<string, unknown>) => ({ ...row, body: row['sealed'] === false ? row['body'] : '…' })
const resources = [
  ...[prices, offers, countries, cities, people, visits, groups, memberships].map((table) => defineResource(table, { access })),
  defineResource(tours, { access, hooks: { serialize: (row) => row } }),
  defineResource(letters, { access, hooks: { serialize: seal } }),
]

describe.each(testDatabases())('relations on $name', ({ url }) => {
  let api: TestApp
  beforeAll(async () => {
    api = await testApp(defineApp({ name: 'relations', models, resources, replies: 'bare' }), { url })
    await api.app.db.query(`insert into prices values ('1.5'), ('2')`)
    await api.app.db.query(`insert into offers (amount) values ('1.50'), ('2'), (null)`)
    await api.app.db.query(`insert into countries values ('ch'), ('li')`)
    await api.app.db.query(`insert into cities (code) values ('ch'), ('ch'), ('li')`)
    await api.app.db.query(`insert into people (id, name) values (1, 'Ada'), (3000000000, 'Bob')`)
    await api.app.db.query(`insert into visits (person_id) values (1)`)
    await api.app.db.query(`insert into groups (name) values ('chess'), ('go')`)
    await api.app.db.query(`insert into memberships values (1, 1, null), (1, 2, now())`)
  })
  afterAll(() => api.close())

  const body = async (path: string): Promise<unknown> => {
    const reply = await api.get(`/api/${path}`)
    expect(reply.status, reply.text).toBe(200)
    return reply.body
  }

  test('a decimal key finds its record however many zeros either side writes', async () => {
    expect(await body('offers?include=price')).toEqual([
      { id: 1, amount: '1.50', price: { amount: '1.5' } },
      { id: 2, amount: '2.00', price: { amount: '2' } },
      { id: 3, amount: null, price: null },
    ])
    expect(await body('prices?include=offers&fields[offers]=id')).toEqual([
      { amount: '1.5', offers: [{ id: 1 }] },
      { amount: '2', offers: [{ id: 2 }] },
    ])
  })

  test('a padded char(n) key finds the records that refer to it without padding', async () => {
    expect(await body('countries?include=cities&fields[cities]=id')).toEqual([
      { code: 'ch   ', cities: [{ id: 1 }, { id: 2 }] },
      { code: 'li   ', cities: [{ id: 3 }] },
    ])
    expect(await body('cities?include=country&fields=id&page[size]=1')).toEqual([{ id: 1, country: { code: 'ch   ' } }])
  })

  test('a bigint key that no integer column can hold has no records behind it, and is no error', async () => {
    expect(await body('people?include=visits&fields=id')).toEqual([
      { id: '1', visits: [{ id: 1, person_id: 1 }] },
      { id: '3000000000', visits: [] },
    ])
  })

  test('a soft-deleted row of an association table relates nothing, in includes and in filters', async () => {
    expect(await body('people?include=groups&fields=id&filter[id]=1')).toEqual([{ id: '1', groups: [{ id: 1, name: 'chess' }] }])
    expect(await body('people?fields=id&filter[groups.name]=go')).toEqual([])
    expect(await body('groups?fields=id&filter[people][null]=true')).toEqual([{ id: 2 }])
  })

  test('relations that lead back are refused before the reply fills the memory, with a serialize hook too', async () => {
    await api.app.db.query(`insert into visits (person_id) select 1 from generate_series(1, 1000)`)
    await api.app.db.query(`insert into tours (guide_id) select 1 from generate_series(1, 1000)`)
    for (const path of ['visits?include=person.visits.person.visits', 'tours?include=guide.tours.guide.tours']) {
      expect(await api.get(`/api/${path}&page[size]=200`)).toMatchObject({ status: 400, body: { code: 'RESOURCE_REPLY_TOO_LARGE' } })
    }
    expect(await body('groups?fields=name')).toEqual([{ name: 'chess' }, { name: 'go' }])
  })

  test('a serialize hook sees whole records whatever fields are asked for, and only those are sent', async () => {
    await api.app.db.query(`insert into letters (person_id, body, sealed) values (1, 'open words', false), (1, 'a secret', true)`)
    expect(await body('letters?fields=body&sort=id')).toEqual([{ body: 'open words' }, { body: '…' }])
    expect(await body('letters?fields=body&include=person&fields[person]=id&page[size]=1')).toEqual([
      { body: 'open words', person: { id: '1' } },
    ])
    expect(await body('people?filter[id]=1&fields=id&include=letters&fields[letters]=body')).toEqual([
      { id: '1', letters: [{ body: 'open words' }, { body: '…' }] },
    ])
    expect(await body('letters/2?fields=id,body')).toEqual({ id: 2, body: '…' })
  })
})

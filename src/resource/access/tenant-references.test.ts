// Foreign keys of several columns, of tables that no relation leads from, and of columns that the database fills.

import { anyone, defineApp, defineResource } from 'plinth'
import { foreignKey, integer, pgTable, primaryKey, serial, text, unique } from 'plinth/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { actAs, header, user } from '../../../test/support/act-as.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { seed, takeWallDown } from '../../../test/support/tenancy.ts'
import type { Field } from '../../model/model.ts'
import { readTable } from '../../model/read-table.ts'
import { runInContext } from '../../core/context.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'
import { tenantReferences } from './tenant.ts'

const tenant = 'team'
const team = () => integer().notNull()
const shelves = pgTable('shelves', { team: team(), room: integer().notNull(), place: text().notNull() }, (table) => [
  primaryKey({ columns: [table.team, table.room, table.place] }),
  unique('shelves_room_place').on(table.room, table.place),
])
const boxes = pgTable(
  'boxes',
  { id: serial().primaryKey(), team: team(), room: integer(), place: text(), lid_id: integer().default(2) },
  (table) => [
    foreignKey({ columns: [table.room, table.place], foreignColumns: [shelves.room, shelves.place], name: 'boxes_shelf' }),
    foreignKey({ columns: [table.lid_id], foreignColumns: [lids.id], name: 'boxes_lid' }),
  ],
)
const lids = pgTable('lids', { id: serial().primaryKey(), team: team() })
const bound = pgTable('bound', { id: serial().primaryKey(), team: team(), room: integer(), place: text() }, (table) => [
  foreignKey({ columns: [table.team, table.room, table.place], foreignColumns: [shelves.team, shelves.room, shelves.place] }),
])
const labels = pgTable('labels', { id: serial().primaryKey(), lid_id: integer().references(() => lids.id) })
const models = { shelves, boxes, lids, bound, labels }

const definition = defineApp({
  name: 'boxes',
  models,
  resources: [
    defineResource(shelves, { tenant: { field: 'team', sharedUniques: ['shelves_room_place'] }, access: { read: anyone } }),
    defineResource(boxes, { tenant, access: { read: anyone, write: anyone } }),
    defineResource(bound, { tenant, access: { read: anyone, write: anyone } }),
    // Nothing is read of it, so that no relation leads there.
    defineResource(lids, { tenant, access: { create: anyone } }),
    defineResource(labels, { access: { read: anyone, write: anyone } }),
  ],
})

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition, { url: testDatabase().url })
  actAs(app.app, { one: user(1, { tenant: '1' }), two: user(2, { tenant: '2' }) })
  await takeWallDown(app.app)
  await seed(app.app, `insert into shelves values (1, 1, 'a'), (2, 2, 'b'); insert into lids (team) values (1), (2)`)
})
afterAll(() => app.close())

const one = { [header]: 'one' }
const said = ({ status, body }: Awaited<ReturnType<TestApp['get']>>) => ({ status, body: { ...body, requestId: undefined } })

test('a key of several columns leads to records of the tenant, or nowhere', async () => {
  const send = (room: number, place: string) => app.post('/api/boxes', { room, place, lid_id: null }, one)
  expect((await send(1, 'a')).status).toBe(201)
  expect(said(await send(2, 'b'))).toMatchObject({ status: 409, body: { code: 'WRITE_MISSING_REFERENCE' } })
  expect(said(await send(2, 'b'))).toEqual(said(await send(9, 'z')))
  expect((await app.post('/api/boxes', { room: 2, lid_id: null }, one)).status).toBe(201)
  const { id } = (await send(1, 'a')).body.data
  expect(said(await app.patch(`/api/boxes/${id}`, { room: 2, place: 'b' }, one)).status).toBe(409)
  expect((await app.patch(`/api/boxes/${id}`, { place: null }, one)).status).toBe(200)
})

test('a default of the database leads to no other tenant either', async () => {
  expect(said(await app.post('/api/boxes', {}, one))).toMatchObject({ status: 409, body: { code: 'WRITE_MISSING_REFERENCE' } })
  expect((await app.post('/api/boxes', {}, { [header]: 'two' })).status).toBe(201)
  expect((await app.post('/api/boxes', { lid_id: 1 }, one)).status).toBe(201)
})

test('a table that no relation leads to is looked at all the same, also for code that serves a request', async () => {
  expect(said(await app.post('/api/labels', { lid_id: 2 }, one))).toEqual(said(await app.post('/api/labels', { lid_id: 99 }, one)))
  const caller = user(1, { tenant: '1' })
  const made = runInContext({ requestId: 'r', startedAt: 0, deadline: Infinity, caller }, () =>
    app.app.resource('labels').create({ lid_id: 2 }),
  )
  await expect(made).rejects.toMatchObject({ code: 'WRITE_MISSING_REFERENCE' })
  expect(await app.app.resource('labels').create({ lid_id: 2 })).toMatchObject({ lid_id: 2 })
})

test('a key that has the tenant in it needs no look', async () => {
  const all = Object.values(models).map((table) => readTable(table))
  const fields = new Map(
    all.map((model) => [model.name, model.fieldByName.get('team')]).filter((one): one is [string, Field] => one[1] !== undefined),
  )
  const names = (name: string) =>
    all.filter((model) => model.name === name).flatMap((model) => tenantReferences(model, all, fields).map(({ key }) => key.name))
  expect([names('boxes'), names('bound'), names('labels')]).toEqual([['boxes_shelf', 'boxes_lid'], [], ['labels_lid_id_lids_id_fkey']])
  expect((await app.post('/api/bound', { room: 1, place: 'a' }, one)).status).toBe(201)
  expect((await app.post('/api/bound', { room: 2, place: 'b' }, one)).body.code).toBe('WRITE_MISSING_REFERENCE')
})

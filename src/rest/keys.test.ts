// Primary keys in addresses: whatever the database allows as a key or as the name of one.

import { anyone, defineApp, defineResource } from 'plinth'
import { char, integer, numeric, pgTable, primaryKey, text } from 'plinth/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

const files = pgTable('files', { path: text().primaryKey() })
const lines = pgTable('lines', { 'Order ID': integer('Order ID'), 'line-no': text('line-no'), note: text() }, (table) => [
  primaryKey({ columns: [table['Order ID'], table['line-no']] }),
])
const rates = pgTable('rates', { rate: numeric().primaryKey(), note: text() })
const codes = pgTable('codes', { code: char({ length: 3 }).primaryKey(), note: text() })
const resources = [files, lines, rates, codes].map((table) => defineResource(table, { access: { read: anyone, write: anyone } }))

describe.each(testDatabases())('keys in addresses on $name', ({ url }) => {
  let api: TestApp
  beforeAll(async () => {
    api = await testApp(defineApp({ name: 'keys', models: { files, lines, rates, codes }, resources, replies: 'bare' }), { url })
  })
  afterAll(() => api.close())

  test.each(['a/b', '50%', ' é?#&', 'x/restore', '+1', 'a;b=c', '%2F', "'", '\u{1f600}', 'x'.repeat(500)])(
    'the record %j is found where its Location says',
    async (path) => {
      const created = await api.post('/api/files', { path })
      expect(created.status, created.text).toBe(201)
      const location = String(created.headers['location'])
      expect((await api.get(location)).body).toEqual({ path })
      expect((await api.delete(location)).status).toBe(204)
    },
  )

  test.each(['', '.', '..'])('a record that no address could reach is not created: %j', async (path) => {
    const detail = { field: 'path', code: 'WRITE_INVALID_VALUE', message: '"path" must not be empty, "." or "..".' }
    expect(await api.post('/api/files', { path })).toMatchObject({ status: 400, body: { details: [detail] } })
    expect((await api.post('/api/files', [{ path: 'fine' }, { path }])).body.details).toMatchObject([{ ...detail, index: 1 }])
    expect((await api.get('/api/files')).body).toEqual([])
    expect((await api.get('/openapi.json')).body.components.schemas.FileCreate.properties.path.not.enum).toContain(path)
  })

  test('a part of a longer key may be empty', async () => {
    expect((await api.post('/api/lines', { 'Order ID': 8, 'line-no': '' })).status).toBe(201)
  })

  test.each([
    ['rates', 'rate', '1.5', '1.50', '1.05'],
    ['codes', 'code', 'a', 'a  ', 'b'],
  ])('a key in a body of %s is compared as a value, not as text', async (resource, field, written, same, other) => {
    expect((await api.post(`/api/${resource}`, { [field]: written })).status).toBe(201)
    expect(await api.put(`/api/${resource}/${written}`, { [field]: same, note: 'x' })).toMatchObject({ status: 200, body: { note: 'x' } })
    expect(await api.patch(`/api/${resource}/${encodeURIComponent(same)}`, { [field]: written, note: 'y' })).toMatchObject({
      body: { note: 'y' },
    })
    expect(await api.put(`/api/${resource}/${written}`, { [field]: other })).toMatchObject({
      status: 400,
      body: { details: [{ field, code: 'WRITE_KEY_CHANGED' }] },
    })
  })

  test('fields of a key may have names that are no words', async () => {
    const created = await api.post('/api/lines', { 'Order ID': 7, 'line-no': 'a-b', note: 'first' })
    expect(created.headers['location']).toBe('/api/lines/7/a-b')
    expect((await api.get('/api/lines/7/a-b')).body).toEqual({ 'Order ID': 7, 'line-no': 'a-b', note: 'first' })
    expect((await api.patch('/api/lines/7/a-b', { note: 'second' })).body).toMatchObject({ note: 'second' })
    expect((await api.get('/api/lines/x/a-b')).body).toMatchObject({ code: 'RESOURCE_INVALID_VALUE', details: [{ field: 'Order ID' }] })
  })
})

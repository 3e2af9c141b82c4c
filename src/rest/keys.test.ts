// Primary keys in addresses: whatever the database allows as a key or as the name of one.

import { anyone, defineApp, defineResource } from 'plinth'
import { integer, pgTable, primaryKey, text } from 'plinth/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

const files = pgTable('files', { path: text().primaryKey() })
const lines = pgTable('lines', { 'Order ID': integer('Order ID'), 'line-no': text('line-no'), note: text() }, (table) => [
  primaryKey({ columns: [table['Order ID'], table['line-no']] }),
])
const resources = [files, lines].map((table) => defineResource(table, { access: { read: anyone, write: anyone } }))

describe.each(testDatabases())('keys in addresses on $name', ({ url }) => {
  let api: TestApp
  beforeAll(async () => {
    api = await testApp(defineApp({ name: 'keys', models: { files, lines }, resources, replies: 'bare' }), { url })
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

  test('fields of a key may have names that are no words', async () => {
    const created = await api.post('/api/lines', { 'Order ID': 7, 'line-no': 'a-b', note: 'first' })
    expect(created.headers['location']).toBe('/api/lines/7/a-b')
    expect((await api.get('/api/lines/7/a-b')).body).toEqual({ 'Order ID': 7, 'line-no': 'a-b', note: 'first' })
    expect((await api.patch('/api/lines/7/a-b', { note: 'second' })).body).toMatchObject({ note: 'second' })
    expect((await api.get('/api/lines/x/a-b')).body).toMatchObject({ code: 'RESOURCE_INVALID_VALUE', details: [{ field: 'Order ID' }] })
  })
})

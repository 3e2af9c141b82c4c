import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import definition from '../api/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition)
})
afterAll(() => app.close())

const keys = ['id', 'name', 'description', 'created_at', 'updated_at']

test('an item is created, read, listed, replaced and deleted, with exactly the documented keys', async () => {
  const created = await app.post('/api/items/', { name: 'Hammer', description: 'Drives nails.' })
  expect(created.status).toBe(201)
  expect(Object.keys(created.body)).toEqual(keys)
  expect(created.body).toMatchObject({ name: 'Hammer', description: 'Drives nails.' })
  const address = String(created.headers['location'])
  expect(address).toBe(`/api/items/${created.body.id}`)

  expect((await app.get(address)).body).toEqual(created.body)
  expect((await app.get('/api/items/')).body).toEqual([created.body])

  const replaced = await app.put(address, { name: 'Mallet' })
  expect(replaced.status).toBe(200)
  expect(Object.keys(replaced.body)).toEqual(keys)
  expect(replaced.body).toMatchObject({ id: created.body.id, name: 'Mallet', description: null, created_at: created.body.created_at })

  const deleted = await app.delete(address)
  expect([deleted.status, deleted.text]).toEqual([204, ''])
  expect((await app.get(address)).status).toBe(404)
})

test.each(['/api/items', '/api/items/'])('%s is the same address', async (path) => {
  expect((await app.get(path)).status).toBe(200)
})

test('an item that is not there is answered with message and status', async () => {
  const reply = await app.get('/api/items/4711')
  expect(reply.status).toBe(404)
  expect(reply.body).toEqual({ message: 'There is no such record in "items".', status: 404, code: 'RESOURCE_NOT_FOUND', details: [] })
})

test.each([
  ['no name', {}, { field: 'name', code: 'WRITE_REQUIRED' }],
  ['a name that is null', { name: null }, { field: 'name', code: 'WRITE_NOT_NULL' }],
  ['a name of 101 characters', { name: 'x'.repeat(101) }, { field: 'name', code: 'WRITE_INVALID_VALUE' }],
  ['a property that does not exist', { name: 'x', colour: 'red' }, { field: 'colour', code: 'WRITE_UNKNOWN_FIELD' }],
  ['a timestamp of their own', { name: 'x', created_at: '2026-01-01T00:00:00Z' }, { field: 'created_at', code: 'WRITE_READ_ONLY_FIELD' }],
])('%s is refused with 400 and the field', async (_what, body, detail) => {
  const reply = await app.post('/api/items', body)
  expect(reply.status).toBe(400)
  expect(reply.body).toMatchObject({ status: 400, code: 'WRITE_INVALID', details: [detail] })
})

test('lists are filtered, searched, sorted and paged, with the total in a header', async () => {
  await app.post('/api/items', [
    { name: 'Saw', description: 'Cuts wood.' },
    { name: 'Plane', description: 'Smooths wood.' },
    { name: 'Clamp' },
  ])
  const names = async (query: string): Promise<string[]> =>
    (await app.get(`/api/items?${query}`)).body.map((item: { name: string }) => item.name)
  expect(await names('search=wood&sort=name')).toEqual(['Plane', 'Saw'])
  expect(await names('filter[description][null]=true')).toEqual(['Clamp'])
  expect(await names('sort=-name&page[size]=2')).toEqual(['Saw', 'Plane'])
  expect((await app.get('/api/items?count=exact&page[size]=1')).headers['x-total-count']).toBe('3')
})

// Resources used from code in the same process.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'

let blogApp: TestApp
beforeAll(async () => {
  blogApp = await testApp(blog(), { url: testDatabase().url })
})
afterAll(() => blogApp.close())

test('code reads and writes records through the same plans as REST', async () => {
  const tags = blogApp.app.resource('tags')
  const red = await tags.create({ name: 'red' })
  await tags.createMany([{ name: 'green' }, { name: 'blue' }])
  expect(await tags.get(Number(red['id']))).toEqual(red)
  expect(await tags.patch(1, { name: 'rot' })).toEqual({ id: 1, name: 'rot' })
  expect(await tags.replace(1n, { name: 'rouge' })).toEqual({ id: 1, name: 'rouge' })
  const page = await tags.list({ sort: [{ path: ['name'], descending: false }], page: { size: 2 }, count: 'exact' })
  expect(page).toMatchObject({ records: [{ name: 'blue' }, { name: 'green' }], total: 3 })
  expect((await tags.list({ sort: [{ path: ['name'], descending: false }], page: { after: page.next ?? '' } })).records).toEqual([
    { id: 1, name: 'rouge' },
  ])
  await tags.delete(1)
  expect(await tags.get(1)).toBeUndefined()
})

test('a record that is not there cannot be changed', async () => {
  const tags = blogApp.app.resource('tags')
  await expect(tags.patch(99, { name: 'x' })).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
  await expect(tags.delete(99)).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
})

test('inside a transaction its own writes are seen, and a rollback takes them all back', async () => {
  const { app } = blogApp
  const posts = app.resource('posts')
  const work = app.db.transaction(async () => {
    const created = await posts.create({ title: 'draft' })
    expect(await posts.get(Number(created['id']))).toEqual(created)
    throw new Error('changed my mind')
  })
  await expect(work).rejects.toThrow('changed my mind')
  expect((await posts.list()).records).toEqual([])
})

test('a key of two fields is given as a list', async () => {
  const { app } = blogApp
  await app.resource('posts').create({ title: 'rated' })
  const { records } = await app.resource('posts').list()
  const id = Number(records[0]?.['id'])
  await app.resource('ratings').create({ post_id: id, critic: 'C', stars: 5 })
  expect(await app.resource('ratings').get([id, 'C'])).toMatchObject({ stars: 5 })
})

test('a resource that does not exist is a mistake in the program', () => {
  expect(() => blogApp.app.resource('tgas')).toThrow('The application has no resource "tgas".')
})

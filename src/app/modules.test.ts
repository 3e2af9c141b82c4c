import { afterAll, beforeAll, expect, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { Module } from '../core/module.ts'
import { type TestApp, testApp } from '../testing/test-app.ts'
import type { App } from './create.ts'
import { orderModules } from './modules.ts'

const happened: string[] = []

const search: Module<App> = {
  name: 'search',
  needs: ['mail'],
  setup: (app) => void app.fastify.get('/search', () => ({ found: [] })),
  start: () => void happened.push('search started'),
  stop: () => void happened.push('search stopped'),
  checks: [{ name: 'index', required: false, check: async () => ({ ok: false, documents: 0 }) }],
}
const mail: Module<App> = { name: 'mail', start: () => void happened.push('mail started'), stop: () => void happened.push('mail stopped') }

let blogApp: TestApp
beforeAll(async () => {
  blogApp = await testApp(blog({}, { modules: [search, mail] }), { url: testDatabase().url })
})
afterAll(() => blogApp.close())

test('a module adds routes and health checks, and one that is not required does not make the application unready', async () => {
  expect((await blogApp.get('/search')).body).toEqual({ found: [] })
  expect((await blogApp.get('/health/details')).body.checks.index).toMatchObject({ ok: false, documents: 0, required: false })
  expect((await blogApp.get('/health/ready')).status).toBe(200)
})

test('modules start after those they need and stop before them', async () => {
  const other = await testApp(blog({}, { modules: [search, mail] }), { url: testDatabase().url })
  happened.length = 0
  await other.app.start()
  await other.close()
  expect(happened).toEqual(['mail started', 'search started', 'search stopped', 'mail stopped'])
})

test.each([
  ['a missing need', [search], 'needs "mail", which is not there'],
  ['a ring', [{ ...mail, needs: ['search'] }, search], 'that is a ring'],
  ['two of one name', [mail, mail], 'two modules have the same name'],
])('%s is refused', (_what, modules, message) => {
  expect(() => orderModules(modules)).toThrow(
    expect.objectContaining({ code: 'APP_INVALID_MODULES', message: expect.stringContaining(message) }),
  )
})

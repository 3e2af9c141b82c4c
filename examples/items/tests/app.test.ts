// The application factory in each of its configurations, and what it says about itself.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createApp, readConfig, type App } from 'plinth'
import { testApp } from 'plinth/testing'
import definition from '../api/app.ts'

const productionSecrets = { SECRET_KEY: '3uJd0xqZ7VnLk2WcR8tYb5HsGm1QaEfP', JWT_SECRET_KEY: 'Zx9Kp4TqLw7Rb2NvCs6MhJd1YgFu8EaX' }

/** The application as `createApp` makes it for `environment`, on a database with one item. */
async function itemsIn(environment: Record<string, string>): Promise<App> {
  const prepared = await testApp(definition)
  await prepared.post('/api/items', { name: 'Hammer' })
  const folder = mkdtempSync(join(tmpdir(), 'items-'))
  const config = readConfig({ DATABASE_URL: prepared.url, LOG_LEVEL: 'silent', LOG_DIR: '', ...environment }, folder)
  const app = await createApp(definition, config)
  onTestFinished(async () => {
    await app.stop()
    await prepared.close()
    rmSync(folder, { recursive: true })
  })
  return app
}

test.each([
  ['development', {}, 200],
  ['testing', {}, 400],
  ['production', productionSecrets, 400],
])('createApp serves items in %s; plans of queries are shown in development alone', async (environment, secrets, explained) => {
  const app = await itemsIn({ APP_ENV: environment, ...secrets })
  expect(app.config.env).toBe(environment)
  expect((await app.inject('/api/items')).json()).toMatchObject([{ id: 1, name: 'Hammer' }])
  expect((await app.inject('/api/items?explain')).statusCode).toBe(explained)
})

test('production does not start without secrets and a database, and says all of it at once', () => {
  const production = () => readConfig({ APP_ENV: 'production' }, tmpdir())
  for (const name of ['SECRET_KEY', 'JWT_SECRET_KEY', 'DATABASE_URL']) expect(production).toThrow(name)
})

test('the OpenAPI document describes every operation on items', async () => {
  const app = await itemsIn({ APP_ENV: 'testing' })
  const document = (await app.inject('/openapi.json')).json()
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'items' } })
  expect(Object.keys(document.paths['/api/items'])).toEqual(expect.arrayContaining(['get', 'post', 'patch', 'delete']))
  expect(Object.keys(document.paths['/api/items/{id}'])).toEqual(expect.arrayContaining(['get', 'put', 'patch', 'delete']))
})

test('the documentation page is served, and shows this document', async () => {
  const app = await itemsIn({ APP_ENV: 'testing' })
  const page = await app.inject('/docs')
  expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.body).toContain('items')
})

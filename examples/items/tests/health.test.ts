import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import definition from '../api/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition)
})
afterAll(() => app.close())

test('health says ok, and nothing else', async () => {
  const reply = await app.get('/health')
  expect(reply.status).toBe(200)
  expect(reply.text).toBe('{"status":"ok"}')
})

test('the application is ready when its database answers', async () => {
  expect((await app.get('/health/ready')).body).toEqual({ status: 'ok' })
  expect((await app.get('/health/details')).body).toMatchObject({ status: 'ok', checks: { database: { ok: true, required: true } } })
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, Browser, identityApp, password, tokensOf } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { TestApp } from 'plinth/testing'

let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url)
  for (const name of ['ann', 'bob']) await app.app.auth?.accounts.create({ email: `${name}@example.com`, password })
})
afterAll(() => app.close())

test('an Idempotency-Key is one of the user who sends it: nobody gets the answer of another, nor of nobody', async () => {
  const [ann, bob] = [await tokensOf(app, 'ann@example.com'), await tokensOf(app, 'bob@example.com')]
  const key = { 'idempotency-key': 'the-same-key' }
  const create = async (headers: Record<string, string>) =>
    (await app.post('/api/notes', { body: 'one' }, { ...key, ...headers })).body.data.id
  const [first, second, third] = [await create(bearer(ann.access_token)), await create(bearer(bob.access_token)), await create({})]
  expect(new Set([first, second, third]).size).toBe(3)
  expect(await create(bearer(ann.access_token))).toBe(first)
  expect(await create(bearer(bob.access_token))).toBe(second)
  // The control: it is the user that counts, not the token.
  expect(await create(bearer((await tokensOf(app, 'ann@example.com')).access_token))).toBe(first)
})

test('a browser that signed in before gets in while others guess, and only it', async () => {
  const owner = new Browser(app)
  expect((await owner.signIn('ann@example.com')).status).toBe(200)
  for (let n = 0; n < 15; n += 1) await new Browser(app).signIn('ann@example.com', 'wrong horse')
  expect(await new Browser(app).signIn('ann@example.com')).toMatchObject({ status: 429, body: { code: 'AUTH_TOO_MANY_TRIES' } })
  expect((await owner.signIn('ann@example.com')).status).toBe(200)
  const device = owner.cookies.get('device') ?? ''
  const another = device.at(-20) === 'A' ? 'B' : 'A'
  for (const forged of [device.slice(0, -1), `${device.slice(0, -20)}${another}${device.slice(-19)}`]) {
    const thief = new Browser(app)
    thief.cookies.set('device', forged)
    expect((await thief.signIn('ann@example.com')).status).toBe(429)
  }
})

// S6: who guesses at an account does not keep its owner out.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Browser, identityApp, mailTo, password } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { TestApp } from '../testing/test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url)
})
afterAll(() => app.close())

/** Every try of the account is used up, and will be again. */
async function lockedOut(email: string): Promise<string> {
  await app.app.auth?.accounts.create({ email, password })
  for (let n = 0; n < 2; n += 1) {
    const guesser = new Browser(app)
    for (let i = 0; i < 5; i += 1) await guesser.signIn(email, 'wrong horse')
  }
  expect((await new Browser(app).signIn(email)).status).toBe(429)
  await new Browser(app).send('POST', '/auth/request-password-reset', { email })
  return /token=([\w-]+)/.exec((await mailTo(app, email, /Set a new password/)).text)?.[1] ?? ''
}

const next = 'battery staple'

test('a reset lets the owner in from the browser that did it, and nobody else', async () => {
  const token = await lockedOut('ann@example.com')
  const owner = new Browser(app)
  expect((await owner.send('POST', '/auth/reset-password', { token, password: next })).status).toBe(204)
  expect((await new Browser(app).signIn('ann@example.com', next)).status).toBe(429)
  expect((await owner.signIn('ann@example.com', next)).status).toBe(200)
})

test('a program gets a device by a reset and by each sign-in, and is let in with it', async () => {
  const email = 'bob@example.com'
  const token = await lockedOut(email)
  const reset = await new Browser(app).send('POST', '/auth/reset-password', { token, password: next, mode: 'token' }, {})
  expect(reset).toMatchObject({ status: 200, body: { data: { device: expect.any(String) } } })
  const signIn = (device: string) => new Browser(app).send('POST', '/auth/sign-in', { email, password: next, mode: 'token', device }, {})
  const first = await signIn(reset.body.data.device)
  expect(first.status).toBe(200)
  expect((await signIn(first.body.data.device)).status).toBe(200)
  expect((await signIn('made-up')).status).toBe(429)
})

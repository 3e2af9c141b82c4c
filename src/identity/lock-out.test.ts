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

test('who has stolen a session and guesses at the password keeps its owner from nothing, and is in the audit', async () => {
  await app.app.auth?.accounts.create({ email: 'cleo@example.com', password })
  const [thief, owner] = [await new Browser(app).enter('cleo@example.com'), await new Browser(app).enter('cleo@example.com')]
  const change = (browser: Browser, current: string) =>
    browser.send('POST', '/auth/change-password', { current_password: current, password: next })
  const guessed: (string | undefined)[] = []
  for (let n = 0; n < 10; n += 1) guessed.push((await change(thief, `guess number ${n}`)).body.code)
  expect(guessed).toEqual([...Array(5).fill('AUTH_WRONG_PASSWORD'), ...Array(5).fill('AUTH_TOO_MANY_TRIES')])
  const written = `SELECT action FROM plinth.audit WHERE address = $1::inet AND details->>'password' = 'true'`
  expect(await app.app.db.query(written, [thief.address])).toEqual(
    Array.from(guessed.slice(5), () => ({ action: 'reauthentication.failed' })),
  )
  expect((await change(owner, password)).status).toBe(200)
})

test('an address asks for thirty mails to new addresses in an hour, over all accounts', async () => {
  const asked: number[] = []
  for (let user = 0; user < 7; user += 1) {
    const email = `mover${user}@example.com`
    await app.app.auth?.accounts.create({ email, password })
    const browser = Object.assign(await new Browser(app).enter(email), { address: '10.200.0.1' })
    for (let n = 0; n < 5; n += 1)
      asked.push((await browser.send('POST', '/auth/change-email', { current_password: password, email: `new${n}@example.org` })).status)
  }
  expect(asked).toEqual([...Array(30).fill(202), ...Array(5).fill(429)])
})

// Passkeys, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestApp } from 'plinth/testing'
import { bearer, Browser, browserOf, identityApp } from '../../test/support/identity-app.ts'
import { PasskeyDevice } from '../../test/support/passkey-device.ts'
import { testDatabase } from '../../test/support/postgres.ts'

const environment = { APP_URL: 'https://shop.example' }
let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url, {}, { environment })
})
afterAll(() => app.close())

describe('passkeys', () => {
  const device = () => new PasskeyDevice({ origin: 'https://shop.example', rpId: 'shop.example' })

  async function withPasskey(email: string): Promise<{ browser: Browser; phone: PasskeyDevice; id: string }> {
    const [browser, phone] = [await browserOf(app, email), device()]
    const options = await browser.send('POST', '/auth/passkeys/options')
    expect(options.status).toBe(200)
    const kept = await browser.send('POST', '/auth/passkeys', { name: 'Phone', credential: phone.register(options.body.data) })
    expect(kept).toMatchObject({ status: 201, body: { data: { name: 'Phone', used_at: null } } })
    return { browser, phone, id: kept.body.data.id }
  }
  const optionsOf = async (browser: Browser) => (await browser.send('POST', '/auth/sign-in/passkey/options')).body.data

  test('somebody signs in by a passkey, without address and password, by cookie and by token', async () => {
    const { phone } = await withPasskey('hal@example.com')
    const browser = new Browser(app)
    const signedIn = await browser.send('POST', '/auth/sign-in/passkey', { credential: phone.signIn(await optionsOf(browser)) })
    expect(signedIn).toMatchObject({ status: 200, body: { data: { user: { email: 'hal@example.com' } } } })
    expect((await browser.send('GET', '/auth/me')).body.data.email).toBe('hal@example.com')
    const credential = phone.signIn(await optionsOf(browser))
    const tokens = await new Browser(app).send('POST', '/auth/sign-in/passkey', { credential, mode: 'token' })
    expect((await app.get('/auth/me', bearer(tokens.body.data.access_token))).status).toBe(200)
    const again = await new Browser(app).send('POST', '/auth/sign-in/passkey', { credential, mode: 'token' })
    expect(again).toMatchObject({ status: 403, body: { code: 'AUTH_WRONG_PASSKEY', details: [] } })
  })

  test('no other page signs its visitor in by one, and a user who was disabled does not come in', async () => {
    const { phone, browser } = await withPasskey('ida@example.com')
    const credential = phone.signIn(await optionsOf(browser))
    const elsewhere = { origin: 'https://evil.example.net', 'sec-fetch-site': 'cross-site' }
    expect(await new Browser(app).send('POST', '/auth/sign-in/passkey', { credential }, elsewhere)).toMatchObject({
      status: 403,
      body: { code: 'AUTH_CROSS_SITE' },
    })
    await app.app.auth?.accounts.disable((await browser.send('GET', '/auth/me')).body.data.id)
    expect(await new Browser(app).send('POST', '/auth/sign-in/passkey', { credential })).toMatchObject({
      status: 403,
      body: { code: 'AUTH_WRONG_PASSKEY' },
    })
  })

  test('passkeys are listed and taken away by their user only', async () => {
    const { browser, id, phone } = await withPasskey('jan@example.com')
    const other = await browserOf(app, 'kim@example.com')
    expect((await browser.send('GET', '/auth/passkeys')).body.data).toMatchObject([{ id, name: 'Phone' }])
    expect((await other.send('GET', '/auth/passkeys')).body.data).toEqual([])
    expect(await other.send('DELETE', `/auth/passkeys/${id}`)).toMatchObject({ status: 404, body: { code: 'AUTH_UNKNOWN_CREDENTIAL' } })
    expect((await browser.send('DELETE', `/auth/passkeys/${id}`)).status).toBe(204)
    const credential = phone.signIn(await optionsOf(browser))
    expect((await new Browser(app).send('POST', '/auth/sign-in/passkey', { credential })).status).toBe(403)
    expect((await new Browser(app).send('POST', '/auth/passkeys/options')).status).toBe(401)
  })

  test('a sign-in by a passkey that fails is written down, and whoever makes many fail is asked to wait instead', async () => {
    const { phone } = await withPasskey('slip@example.com')
    const browser = new Browser(app)
    const credential = phone.signIn({ challenge: 'of nobody' })
    const fail = () => browser.send('POST', '/auth/sign-in/passkey', { credential })
    expect((await fail()).body.code).toBe('AUTH_WRONG_PASSKEY')
    for (let time = 1; time < 100; time += 1) await fail()
    expect(await fail()).toMatchObject({ status: 429, body: { code: 'AUTH_TOO_MANY_TRIES' } })
    const written = await app.app.db.query(
      `SELECT FROM plinth.audit WHERE action = 'sign_in.failed' AND address = $1::inet AND details->>'passkey' = 'true'`,
      [browser.address],
    )
    expect(written).toHaveLength(100)
  })

  test('an address that begins a hundred times in a quarter of an hour is asked to wait', async () => {
    const browser = new Browser(app)
    for (let time = 0; time < 100; time += 1) await optionsOf(browser)
    expect(await browser.send('POST', '/auth/sign-in/passkey/options')).toMatchObject({
      status: 429,
      body: { code: 'AUTH_TOO_MANY_TRIES' },
    })
  })
})

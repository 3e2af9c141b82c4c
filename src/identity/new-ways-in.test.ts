// What makes another way into an account, and what takes all of them away.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestApp } from 'plinth/testing'
import { connect } from '../auth/oauth/oauth-rows.ts'
import { tokenIn } from '../../test/support/account-bed.ts'
import { bearer, Browser, browserOf, identityApp, mailTo, newUser, password } from '../../test/support/identity-app.ts'
import { PasskeyDevice } from '../../test/support/passkey-device.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/redis.ts'
import { codeOf } from '../../test/support/totp.ts'

const environment = { APP_URL: 'https://shop.example' }
let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url, {}, { environment })
})
afterAll(() => app.close())

describe('a new way into an account', () => {
  const ways = ['/auth/keys', '/auth/passkeys/options', '/auth/second-factor']
  const ageBy = (email: string, minutes: number) =>
    app.app.db.query(
      `UPDATE plinth.sessions SET data = data, created_at = created_at - $2::int * interval '1 minute' WHERE user_id = (SELECT id::text FROM users WHERE email = $1)`,
      [email, minutes],
    )
  const add = (browser: Browser, path: string) => browser.send('POST', path, path === '/auth/keys' ? { name: 'x' } : undefined)

  test.each(ways)('needs a sign-in of the last ten minutes: POST %s', async (path) => {
    const email = `open-${path.replaceAll('/', '-')}@example.com`
    const browser = await browserOf(app, email)
    await ageBy(email, 11)
    // By hand: known within a second, because `data` is written, too.
    await until(async () => (await add(browser, path)).status === 403)
    expect((await add(browser, path)).body.code).toBe('AUTH_SIGN_IN_AGAIN')
    expect((await browser.signIn(email)).status).toBe(200)
    expect((await add(browser, path)).status).toBeLessThan(300)
  })

  test('a session that another site opened is not enough for who has a password', async () => {
    const id = await newUser(app, 'both@example.com')
    const browser = await new Browser(app).enter('both@example.com')
    await app.app.auth?.parts.sessions.update(browser.cookies.get('session') ?? '', { provider: 'acme' })
    for (const path of ways) expect((await add(browser, path)).body.code).toBe('AUTH_SIGN_IN_AGAIN')
    await app.app.db.query('DELETE FROM plinth.credentials WHERE user_id = $1', [id])
    for (const path of ways) expect((await add(browser, path)).status).toBeLessThan(300)
  })

  test('is told to the owner by mail', async () => {
    const browser = await browserOf(app, 'told@example.com')
    await add(browser, '/auth/keys')
    expect((await mailTo(app, 'told@example.com', /API key/)).text).toContain('If it was not you')
    const phone = new PasskeyDevice({ origin: 'https://shop.example', rpId: 'shop.example' })
    const options = await add(browser, '/auth/passkeys/options')
    await browser.send('POST', '/auth/passkeys', { name: 'x', credential: phone.register(options.body.data) })
    await mailTo(app, 'told@example.com', /passkey/)
    const { secret } = (await add(browser, '/auth/second-factor')).body.data
    await browser.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret, -1) })
    await mailTo(app, 'told@example.com', /switched on/)
    await browser.send('POST', '/auth/second-factor/disable', { code: codeOf(secret) })
    await mailTo(app, 'told@example.com', /switched off/)
  })
})

test('with a reset of the password go keys, passkeys and other sites, and the second factor stays', async () => {
  const email = 'taken@example.com'
  const id = await newUser(app, email)
  const thief = await new Browser(app).enter(email)
  const { key } = (await thief.send('POST', '/auth/keys', { name: 'x' })).body.data
  const phone = new PasskeyDevice({ origin: 'https://shop.example', rpId: 'shop.example' })
  const options = await thief.send('POST', '/auth/passkeys/options')
  await thief.send('POST', '/auth/passkeys', { name: 'x', credential: phone.register(options.body.data) })
  await connect(app.app.db, { issuer: 'https://acme.example', subject: 'thief' }, id, 'acme')
  const { secret } = (await thief.send('POST', '/auth/second-factor')).body.data
  await thief.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret) })
  await thief.send('POST', '/auth/request-password-reset', { email })
  const token = tokenIn(await mailTo(app, email, /new password/))
  expect((await new Browser(app).send('POST', '/auth/reset-password', { token, password: 'another horse' })).status).toBe(204)
  expect((await app.get('/api/notes', bearer(key))).status).toBe(401)
  const ways = app.app.auth?.ways
  expect([await ways?.passkeys.list(id), await ways?.oauth.list(id), await ways?.factors.isOn(id)]).toEqual([[], [], true])
})

test('who is invited looks at the invitation, accepts it and signs in', async () => {
  const email = 'guest@example.com'
  await app.app.auth?.ways.invitations.send({ email, roles: ['editor'] })
  const token = tokenIn(await mailTo(app, email, /invited/))
  const browser = new Browser(app)
  expect((await browser.send('POST', '/auth/invitation', { token })).body.data).toEqual({ email, needs_password: true })
  expect(await browser.send('POST', '/auth/accept-invitation', { token })).toMatchObject({
    status: 422,
    body: { code: 'AUTH_PASSWORD_NEEDED' },
  })
  expect((await browser.send('POST', '/auth/accept-invitation', { token, password, roles: ['admin'] })).status).toBe(400)
  expect((await browser.send('POST', '/auth/accept-invitation', { token, password, display_name: 'Guest' })).status).toBe(204)
  expect(await browser.send('POST', '/auth/accept-invitation', { token, password })).toMatchObject({
    status: 400,
    body: { code: 'AUTH_INVALID_LINK' },
  })
  expect((await browser.signIn(email)).body.data.user).toMatchObject({ email, email_verified: true, roles: ['editor'] })
})

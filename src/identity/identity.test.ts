// Accounts as browsers and programs use them, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenIn } from '../../test/support/account-bed.ts'
import { bearer, Browser, identityApp, mailTo, password, tokensOf } from '../../test/support/identity-app.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import type { TestApp } from '../testing/test-app.ts'

describe.each(testDatabases())('with $name', ({ url }) => {
  let app: TestApp
  beforeAll(async () => {
    app = await identityApp(url)
  })
  afterAll(() => app.close())

  const newUser = (email: string): Promise<string> =>
    app.app.auth?.accounts.create({ email, password }) ?? Promise.reject(new Error('no auth'))

  test('somebody signs up, confirms the address, signs in, and is known from then on', async () => {
    const browser = new Browser(app)
    const signUp = await browser.send('POST', '/auth/sign-up', { email: 'Ann@example.com', password, display_name: 'Ann' })
    expect(signUp).toMatchObject({ status: 202, body: { success: true, data: { sent: 'mail' } } })
    expect(signUp.headers['cache-control']).toBe('no-store')
    expect(await browser.signIn('ann@example.com')).toMatchObject({ status: 403, body: { code: 'AUTH_EMAIL_NOT_VERIFIED' } })
    const token = tokenIn(await mailTo(app, 'ann@example.com', /Confirm/))
    expect((await browser.send('POST', '/auth/verify-email', { token })).status).toBe(204)
    expect(await browser.send('POST', '/auth/verify-email', { token })).toMatchObject({ status: 400, body: { code: 'AUTH_INVALID_LINK' } })
    expect((await browser.send('GET', '/auth/me')).status).toBe(401)
    const signedIn = await browser.signIn('ann@example.com')
    const user = { id: expect.any(String), email: 'ann@example.com', email_verified: true, roles: [], permissions: [] }
    expect(signedIn).toMatchObject({ status: 200, body: { data: { user } } })
    expect(Object.keys(signedIn.body.data)).toEqual(['user'])
    expect((await browser.send('GET', '/auth/me')).body.data).toEqual(user)
  })

  test('the cookie of a session is for the browser alone, and says nothing', async () => {
    await newUser('bea@example.com')
    const { headers } = await new Browser(app).signIn('bea@example.com')
    const [session = '', device = ''] = [headers['set-cookie'] ?? []].flat().map(String)
    expect(session).toMatch(/^session=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/)
    expect(device).toMatch(/^device=[\w-]{22}\.[\da-z]+\.0\.[\w-]{43}; Path=\/; Max-Age=15552000; HttpOnly; SameSite=Lax$/)
  })

  test('programs sign in for tokens, which are refreshed once each', async () => {
    await newUser('cleo@example.com')
    const first = await tokensOf(app, 'cleo@example.com')
    expect(first).toMatchObject({ token_type: 'Bearer', expires_in: 600, user: { email: 'cleo@example.com' } })
    expect((await app.get('/auth/me', bearer(first.access_token))).body.data.email).toBe('cleo@example.com')
    const { body, status } = await app.post('/auth/refresh', { refresh_token: first.refresh_token })
    expect(status).toBe(200)
    expect(body.data.refresh_token).not.toBe(first.refresh_token)
    expect((await app.get('/auth/me', bearer(body.data.access_token))).status).toBe(200)
    expect((await app.post('/auth/sign-out', undefined, bearer(body.data.access_token))).status).toBe(204)
    for (const token of [first.access_token, body.data.access_token]) expect((await app.get('/auth/me', bearer(token))).status).toBe(401)
    expect((await app.post('/auth/refresh', { refresh_token: body.data.refresh_token })).status).toBe(401)
  })

  test('a token that is wrong is refused everywhere, with one answer, and how to do it right', async () => {
    await newUser('dora@example.com')
    const { access_token: token } = await tokensOf(app, 'dora@example.com')
    expect((await app.get('/api/notes', bearer(token))).status).toBe(200)
    for (const wrong of [`${token}x`, 'x', '', 'x'.repeat(9_000)]) {
      const reply = await app.get('/api/notes', bearer(wrong))
      expect(reply).toMatchObject({
        status: 401,
        body: { code: 'AUTH_INVALID_TOKEN', error: 'The token that was shown is not accepted.', details: [] },
      })
      expect(reply.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    }
    const nobody = await app.get('/auth/me')
    expect(nobody).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
    expect(nobody.headers['www-authenticate']).toBe('Bearer')
  })

  test('sessions are listed, one is ended, then all are', async () => {
    const id = await newUser('eve@example.com')
    const [laptop, phone] = [new Browser(app), new Browser(app)]
    await laptop.signIn('eve@example.com')
    await phone.send('POST', '/auth/sign-in', { email: 'eve@example.com', password }, { 'user-agent': 'Phone' })
    const { body } = await laptop.send('GET', '/auth/sessions')
    expect(body.data).toMatchObject([
      { current: false, agent: 'Phone', address: phone.address },
      { current: true, address: laptop.address },
    ])
    const [{ handle }] = body.data
    expect(await phone.send('DELETE', `/auth/sessions/${'0'.repeat(64)}`)).toMatchObject({
      status: 404,
      body: { code: 'AUTH_UNKNOWN_SESSION' },
    })
    expect((await laptop.send('DELETE', `/auth/sessions/${handle}`)).status).toBe(204)
    expect((await phone.send('GET', '/auth/me')).status).toBe(401)
    expect(phone.cookies.has('session')).toBe(false)
    await phone.signIn('eve@example.com')
    const { access_token } = await tokensOf(app, 'eve@example.com')
    expect((await phone.send('POST', '/auth/sign-out-everywhere')).status).toBe(204)
    for (const browser of [laptop, phone]) expect((await browser.send('GET', '/auth/me')).status).toBe(401)
    expect((await app.get('/auth/me', bearer(access_token))).status).toBe(401)
    expect(await app.app.state.sessions.list(id)).toEqual([])
  })

  test('nobody ends a session of somebody else', async () => {
    await newUser('flo@example.com')
    await newUser('gil@example.com')
    const [flo, gil] = [new Browser(app), new Browser(app)]
    await flo.signIn('flo@example.com')
    await gil.signIn('gil@example.com')
    const [{ handle }] = (await flo.send('GET', '/auth/sessions')).body.data
    expect((await gil.send('DELETE', `/auth/sessions/${handle}`)).status).toBe(404)
    expect((await flo.send('GET', '/auth/me')).status).toBe(200)
  })

  test('a change of the password ends all sessions, and the one that asked goes on with a new id', async () => {
    await newUser('hal@example.com')
    const [here, there] = [new Browser(app), new Browser(app)]
    await here.signIn('hal@example.com')
    await there.signIn('hal@example.com')
    const before = here.cookies.get('session')
    const change = { current_password: password, password: 'battery staple' }
    expect((await here.send('POST', '/auth/change-password', { ...change, current_password: 'wrong' })).body.code).toBe(
      'AUTH_WRONG_PASSWORD',
    )
    expect((await here.send('POST', '/auth/change-password', { ...change, password: 'password' })).body.code).toBe('AUTH_WEAK_PASSWORD')
    expect((await here.send('POST', '/auth/change-password', change)).status).toBe(200)
    expect(here.cookies.get('session')).not.toBe(before)
    expect((await here.send('GET', '/auth/me')).status).toBe(200)
    expect((await there.send('GET', '/auth/me')).status).toBe(401)
    expect((await here.signIn('hal@example.com')).body.code).toBe('AUTH_WRONG_CREDENTIALS')
  })

  test('a password is reset by mail, once, and the link is worth nothing after that', async () => {
    await newUser('ida@example.com')
    const browser = new Browser(app)
    await browser.signIn('ida@example.com')
    expect((await browser.send('POST', '/auth/request-password-reset', { email: 'ida@example.com' })).status).toBe(202)
    const token = tokenIn(await mailTo(app, 'ida@example.com', /Set a new/))
    expect((await browser.send('POST', '/auth/reset-password', { token, password: 'battery staple' })).status).toBe(204)
    const replayed = await browser.send('POST', '/auth/reset-password', { token, password: 'stable battery' })
    expect(replayed).toMatchObject({ status: 400, body: { code: 'AUTH_INVALID_LINK' } })
    expect((await browser.send('GET', '/auth/me')).status).toBe(401)
    expect((await browser.signIn('ida@example.com', 'battery staple')).status).toBe(200)
  })

  test('an address is changed by its new owner, and an account is deleted by its own', async () => {
    await newUser('jon@example.com')
    const browser = new Browser(app)
    await browser.signIn('jon@example.com')
    expect((await browser.send('POST', '/auth/change-email', { current_password: password, email: 'jon@other.example' })).status).toBe(202)
    const token = tokenIn(await mailTo(app, 'jon@other.example', /new address/))
    expect((await new Browser(app).send('POST', '/auth/verify-email', { token })).status).toBe(204)
    expect((await browser.send('GET', '/auth/me')).body.data.email).toBe('jon@other.example')
    expect((await browser.send('DELETE', '/auth/me', { current_password: 'wrong' })).status).toBe(403)
    expect((await browser.send('DELETE', '/auth/me', { current_password: password })).status).toBe(204)
    expect((await browser.send('GET', '/auth/me')).status).toBe(401)
    expect((await browser.signIn('jon@other.example')).body.code).toBe('AUTH_WRONG_CREDENTIALS')
  })

  test('what nobody asked for is refused by name: roles and flags cannot be given to oneself', async () => {
    const body = { email: 'kim@example.com', password }
    for (const extra of [{ roles: ['editor'] }, { email_verified_at: '2020-01-01' }, { id: '1' }, { is_admin: true }]) {
      const reply = await new Browser(app).send('POST', '/auth/sign-up', { ...body, ...extra })
      expect(reply).toMatchObject({ status: 400, body: { code: 'HTTP_INVALID_INPUT', details: [{ field: Object.keys(extra)[0] }] } })
    }
    const long = await new Browser(app).send('POST', '/auth/sign-up', { ...body, display_name: 'x'.repeat(21) })
    expect(long.status).toBe(400)
    expect(await app.app.db.query(`select 1 from users where email = 'kim@example.com'`)).toEqual([])
  })

  test('roles are those of the moment, also for tokens that were issued before', async () => {
    const id = await newUser('leo@example.com')
    const { access_token } = await tokensOf(app, 'leo@example.com')
    const roles = async (): Promise<unknown> => (await app.get('/auth/me', bearer(access_token))).body.data?.roles
    expect(await roles()).toEqual([])
    await app.app.auth?.accounts.grant(id, 'editor')
    expect(await roles()).toEqual(['editor'])
    await app.app.auth?.accounts.disable(id)
    expect(await roles()).toBeUndefined()
  })

  test('public keys are there for whoever verifies tokens', async () => {
    const { status, body, headers } = await app.get('/.well-known/jwks.json')
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('public, max-age=60')
    expect(body.keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid: expect.any(String) })
    expect(JSON.stringify(body)).not.toContain('"d"')
  })

  test('mails are shown on a page while the application is developed', async () => {
    await new Browser(app).send('POST', '/auth/request-password-reset', { email: 'ann@example.com' })
    await mailTo(app, 'ann@example.com', /Set a new/)
    const { status, text } = await app.get('/dev/mail')
    expect(status).toBe(200)
    expect(text).toMatch(/<h2>Set a new password for shop<\/h2>.*<a href="[^"]+\/reset-password#token=/s)
  })
})

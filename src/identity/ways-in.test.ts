// Keys, second factors, passkeys and other sites, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestApp, TestReply } from 'plinth/testing'
import { connect } from '../auth/oauth/oauth-rows.ts'
import { tokenIn } from '../../test/support/account-bed.ts'
import { bearer, Browser, identityApp, mailTo, password, tokensOf, users } from '../../test/support/identity-app.ts'
import { client, type OidcServer, startOidcServer } from '../../test/support/oidc-server.ts'
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

async function newUser(email: string): Promise<string> {
  const id = await app.app.auth?.accounts.create({ email, password })
  if (id === undefined) throw new Error('The application has no accounts.')
  return id
}

/** Somebody who is signed in. */
async function browserOf(email: string): Promise<Browser> {
  await newUser(email)
  return new Browser(app).enter(email)
}

describe('API keys', () => {
  test('a program asks with a key in the name of its user, until it is revoked', async () => {
    const browser = await browserOf('ann@example.com')
    const made = await browser.send('POST', '/auth/keys', { name: 'backup', scopes: ['notes:read'], expires_in: 3_600 })
    expect(made).toMatchObject({ status: 201, body: { data: { name: 'backup', scopes: ['notes:read'], used_at: null } } })
    const { key, id } = made.body.data
    expect(key).toMatch(/^plinth_/)
    expect((await app.get('/api/notes', bearer(key))).status).toBe(200)
    const list = await browser.send('GET', '/auth/keys')
    expect(list.body.data).toMatchObject([{ id, name: 'backup' }])
    expect(list.text).not.toContain(key)
    await until(async () => (await browser.send('GET', '/auth/keys')).body.data[0].used_at !== null)
    expect((await browser.send('DELETE', `/auth/keys/${id}`)).status).toBe(204)
    expect(await app.get('/api/notes', bearer(key))).toMatchObject({ status: 401, body: { code: 'AUTH_INVALID_TOKEN' } })
    const audited = () =>
      app.app.db.query<{ action: string }>(`SELECT action FROM plinth.audit WHERE details->>'key' = $1 ORDER BY id`, [id])
    await until(async () => (await audited()).length === 3)
    expect((await audited()).map(({ action }) => action)).toEqual(['key.created', 'key.used', 'key.revoked'])
  })

  test('with a key nobody gets the account: it makes no keys, lists no sessions, changes nothing', async () => {
    const browser = await browserOf('bob@example.com')
    const { key } = (await browser.send('POST', '/auth/keys', { name: 'all' })).body.data
    for (const [method, path] of [
      ['GET', '/auth/keys'],
      ['GET', '/auth/sessions'],
      ['POST', '/auth/sign-out-everywhere'],
      ['GET', '/auth/me'],
    ] as const)
      expect(await new Browser(app).send(method, path, undefined, bearer(key))).toMatchObject({
        status: 403,
        body: { code: 'AUTH_FORBIDDEN' },
      })
    expect(await new Browser(app).send('POST', '/auth/keys', { name: 'more' }, bearer(key))).toMatchObject({ status: 403 })
  })

  test('keys of others are not there, and what is no name or scope is refused', async () => {
    const [ann, eve] = [await browserOf('cid@example.com'), await browserOf('dan@example.com')]
    const { id } = (await ann.send('POST', '/auth/keys', { name: 'mine' })).body.data
    expect(await eve.send('DELETE', `/auth/keys/${id}`)).toMatchObject({ status: 404, body: { code: 'AUTH_UNKNOWN_CREDENTIAL' } })
    for (const body of [
      {},
      { name: '' },
      { name: 'x', scopes: ['a b'] },
      { name: 'x', scopes: 'all' },
      { name: 'x', expires_in: 0 },
      { name: 'x', owner: 'y' },
    ])
      expect((await eve.send('POST', '/auth/keys', body)).status).toBe(400)
    expect((await new Browser(app).send('GET', '/auth/keys')).status).toBe(401)
    expect((await eve.send('POST', '/auth/keys', { name: 'x' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  })

  test('a key of a user who was disabled is worth nothing, and with the account its keys are gone', async () => {
    const id = await newUser('eve@example.com')
    const browser = await new Browser(app).enter('eve@example.com')
    const { key } = (await browser.send('POST', '/auth/keys', { name: 'x' })).body.data
    await app.app.auth?.accounts.disable(id)
    expect((await app.get('/api/notes', bearer(key))).status).toBe(401)
    await app.app.auth?.accounts.enable(id)
    expect((await app.get('/api/notes', bearer(key))).status).toBe(200)
    const again = await new Browser(app).enter('eve@example.com')
    expect((await again.send('DELETE', '/auth/me', { current_password: password })).status).toBe(204)
    expect((await app.get('/api/notes', bearer(key))).status).toBe(401)
    expect(await app.app.db.query('SELECT FROM plinth.api_keys WHERE owner_id = $1', [id])).toEqual([])
  })

  test('a user has at most a hundred keys', async () => {
    const browser = await browserOf('many@example.com')
    const { id } = (await browser.send('POST', '/auth/keys', { name: 'x' })).body.data
    await app.app.db.query(
      `INSERT INTO plinth.api_keys (id, hash, owner_kind, owner_id, name, scopes) SELECT 'k' || n, hash, owner_kind, owner_id, name, scopes
       FROM plinth.api_keys, generate_series(2, 100) n WHERE id = $1`,
      [id],
    )
    expect(await browser.send('POST', '/auth/keys', { name: 'x' })).toMatchObject({ status: 409, body: { code: 'AUTH_TOO_MANY_KEYS' } })
    await browser.send('DELETE', `/auth/keys/${id}`)
    expect((await browser.send('POST', '/auth/keys', { name: 'x' })).status).toBe(201)
  })

  test('a service asks with a key of its own', async () => {
    const { key } = (await app.app.auth?.ways.apiKeys.create({
      owner: { kind: 'service', id: 'billing' },
      name: 'nightly',
      scopes: ['notes:read'],
    })) ?? { key: '' }
    expect((await app.get('/api/notes', bearer(key))).status).toBe(200)
    expect((await new Browser(app).send('GET', '/auth/keys', undefined, bearer(key))).status).toBe(401)
  })
})

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
    const browser = await browserOf(email)
    await ageBy(email, 11)
    // By hand: known within a second, because `data` is written, too.
    await until(async () => (await add(browser, path)).status === 403)
    expect((await add(browser, path)).body.code).toBe('AUTH_SIGN_IN_AGAIN')
    expect((await browser.signIn(email)).status).toBe(200)
    expect((await add(browser, path)).status).toBeLessThan(300)
  })

  test('a session that another site opened is not enough for who has a password', async () => {
    const id = await newUser('both@example.com')
    const browser = await new Browser(app).enter('both@example.com')
    await app.app.auth?.parts.sessions.update(browser.cookies.get('session') ?? '', { provider: 'acme' })
    for (const path of ways) expect((await add(browser, path)).body.code).toBe('AUTH_SIGN_IN_AGAIN')
    await app.app.db.query('DELETE FROM plinth.credentials WHERE user_id = $1', [id])
    for (const path of ways) expect((await add(browser, path)).status).toBeLessThan(300)
  })

  test('is told to the owner by mail', async () => {
    const browser = await browserOf('told@example.com')
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
  const id = await newUser(email)
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

describe('a second factor', () => {
  /** Confirmed with the code of the half minute before, so that the one of now is still good. */
  async function withFactor(email: string): Promise<{ browser: Browser; secret: string; codes: string[] }> {
    const browser = await browserOf(email)
    const { status, body } = await browser.send('POST', '/auth/second-factor')
    expect(status).toBe(201)
    const { secret } = body.data
    expect(body.data.uri).toContain(`otpauth://totp/shop:${encodeURIComponent(email)}`)
    const confirmed = await browser.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret, -1) })
    expect(confirmed.status).toBe(200)
    return { browser, secret, codes: confirmed.body.data.recovery_codes }
  }
  const signIn = (email: string, more: object = {}, secret = password) =>
    new Browser(app).send('POST', '/auth/sign-in', { email, password: secret, ...more })

  test('is asked for after the password, and not before', async () => {
    const email = 'fay@example.com'
    const { browser, secret, codes } = await withFactor(email)
    expect((await browser.send('GET', '/auth/second-factor')).body.data).toEqual({ on: true, recovery_codes: 10 })
    expect(await signIn(email, { code: codeOf(secret) }, 'wrong horse')).toMatchObject({
      status: 401,
      body: { code: 'AUTH_WRONG_CREDENTIALS' },
    })
    const asked = await signIn(email)
    expect(asked).toMatchObject({ status: 403, body: { code: 'AUTH_CODE_REQUIRED' } })
    expect(asked.headers['set-cookie']).toBeUndefined()
    const wrong = await signIn(email, { code: '000000', mode: 'token' })
    expect(wrong).toMatchObject({ status: 403, body: { code: 'AUTH_WRONG_CODE' } })
    expect(wrong.text).not.toContain('token')
    expect((await signIn(email, { code: codeOf(secret), mode: 'token' })).body.data.access_token).toBeTypeOf('string')
    expect((await signIn(email, { code: codeOf(secret) })).status).toBe(403)
    expect((await signIn(email, { code: codes[0] })).status).toBe(200)
    expect((await browser.send('GET', '/auth/second-factor')).body.data).toEqual({ on: true, recovery_codes: 9 })
  })

  test('of who has lost telephone and recovery codes is removed by code of the application, which is written down and told', async () => {
    const email = 'lost@example.com'
    await withFactor(email)
    expect((await signIn(email)).body.code).toBe('AUTH_CODE_REQUIRED')
    const accounts = app.app.auth?.accounts
    const id = (await accounts?.findByEmail(email))?.id ?? ''
    expect(await accounts?.removeSecondFactor(id)).toBe(true)
    expect((await signIn(email)).status).toBe(200)
    await mailTo(app, email, /second factor was removed/)
    expect(await app.app.db.query(`SELECT FROM plinth.audit WHERE action = 'factor.disabled' AND subject = $1`, [id])).toHaveLength(1)
    expect(await accounts?.removeSecondFactor(id)).toBe(false)
  })

  test('ends the sessions of who got in without it', async () => {
    const [browser, other] = [await browserOf('lea@example.com'), await new Browser(app).enter('lea@example.com')]
    expect((await other.send('GET', '/auth/me')).status).toBe(200)
    const { secret } = (await browser.send('POST', '/auth/second-factor')).body.data
    await browser.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret) })
    expect((await other.send('GET', '/auth/me')).status).toBe(401)
    expect((await browser.send('GET', '/auth/me')).status).toBe(200)
  })

  test('is switched off and renewed with a code only', async () => {
    const { browser, secret, codes } = await withFactor('gus@example.com')
    for (const path of ['/auth/second-factor/disable', '/auth/second-factor/recovery-codes']) {
      expect((await browser.send('POST', path, {})).status).toBe(400)
      expect((await browser.send('POST', path, { code: '000000' })).body.code).toBe('AUTH_WRONG_CODE')
    }
    expect(await browser.send('POST', '/auth/second-factor')).toMatchObject({ status: 409, body: { code: 'AUTH_FACTOR_IS_ON' } })
    const renewed = (await browser.send('POST', '/auth/second-factor/recovery-codes', { code: codeOf(secret) })).body.data.recovery_codes
    expect((await browser.send('POST', '/auth/second-factor/disable', { code: codes[0] })).status).toBe(403)
    expect((await browser.send('POST', '/auth/second-factor/disable', { code: renewed[0] })).status).toBe(204)
    expect((await signIn('gus@example.com')).status).toBe(200)
    const actions = await app.app.db.query<{ action: string }>(
      `SELECT DISTINCT action FROM plinth.audit WHERE action ~ '^(factor|recovery)' ORDER BY 1`,
    )
    expect(actions.map(({ action }) => action)).toEqual(['factor.disabled', 'factor.enabled', 'recovery_code.used'])
  })
})

describe('passkeys', () => {
  const device = () => new PasskeyDevice({ origin: 'https://shop.example', rpId: 'shop.example' })

  async function withPasskey(email: string): Promise<{ browser: Browser; phone: PasskeyDevice; id: string }> {
    const [browser, phone] = [await browserOf(email), device()]
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
    const other = await browserOf('kim@example.com')
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

describe('other sites', () => {
  let shop: TestApp
  let server: OidcServer
  beforeAll(async () => {
    server = await startOidcServer(['https://api.shop.example/auth/oauth/acme/callback'])
    const auth = { users, tokens: { refreshGrace: '0' }, providers: { acme: { issuer: server.issuer, ...client } } }
    shop = await identityApp(testDatabase().url, { auth }, { environment: { ...environment, API_URL: 'https://api.shop.example' } })
  })
  afterAll(async () => {
    await shop.close()
    await server.close()
  })

  /** Goes to the other site and comes back. */
  async function away(browser: Browser, path: string): Promise<TestReply> {
    const left = await browser.send('GET', path)
    expect(left.status).toBe(302)
    const back = await server.visit(String(left.headers['location']))
    expect(`${back.origin}${back.pathname}`).toBe('https://api.shop.example/auth/oauth/acme/callback')
    return browser.send('GET', `${back.pathname}${back.search}`, undefined, { 'sec-fetch-site': 'cross-site' })
  }

  test('somebody signs in by another site and is where he wanted to be', async () => {
    server.account = { sub: 'ann', email: 'ann@acme.example', email_verified: true }
    const browser = new Browser(shop)
    const back = await away(browser, '/auth/oauth/acme?return_to=/notes?page=2')
    expect(back).toMatchObject({ status: 302, headers: { location: 'https://shop.example/notes?page=2' } })
    expect((await browser.send('GET', '/auth/me')).body.data).toMatchObject({ email: 'ann@acme.example', email_verified: true })
    expect((await browser.send('GET', '/auth/oauth')).body.data).toMatchObject([{ provider: 'acme' }])
    expect(browser.cookies.has('away')).toBe(false)
  })

  test('who begins in one browser does not come back in another', async () => {
    server.account = { sub: 'thief', email: 'thief@acme.example', email_verified: true }
    const [thief, victim] = [new Browser(shop), new Browser(shop)]
    const left = await thief.send('GET', '/auth/oauth/acme')
    const back = await server.visit(String(left.headers['location']))
    const reply = await victim.send('GET', `${back.pathname}${back.search}`)
    expect(reply).toMatchObject({ status: 403, body: { code: 'AUTH_PROVIDER_REFUSED', details: [] } })
    expect((await victim.send('GET', '/auth/me')).status).toBe(401)
    const written = `SELECT details->>'provider' AS provider FROM plinth.audit WHERE action = 'sign_in.failed' AND address = $1::inet`
    expect(await shop.app.db.query(written, [victim.address])).toEqual([{ provider: 'acme' }])
  })

  test.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/\t/evil.example', 'evil'])(
    'nobody is sent to %j in the end',
    async (path) => {
      const reply = await new Browser(shop).send('GET', `/auth/oauth/acme?return_to=${encodeURIComponent(path)}`)
      expect(reply.status).toBe(400)
    },
  )

  test('a user connects another site from a page of this one, and from no other', async () => {
    await shop.app.auth?.accounts.create({ email: 'owner@example.com', password })
    const browser = await new Browser(shop).enter('owner@example.com')
    const elsewhere = { origin: 'https://evil.example.net', 'sec-fetch-site': 'cross-site' }
    expect((await browser.send('POST', '/auth/oauth/acme/connect', undefined, elsewhere)).status).toBe(403)
    const { body } = await browser.send('POST', '/auth/oauth/acme/connect')
    server.account = { sub: 'owner', email: 'elsewhere@acme.example', email_verified: false }
    const back = await server.visit(body.data.url)
    expect((await browser.send('GET', `${back.pathname}${back.search}`)).status).toBe(302)
    const other = new Browser(shop)
    await away(other, '/auth/oauth/acme')
    expect((await other.send('GET', '/auth/me')).body.data.email).toBe('owner@example.com')
    expect((await other.send('DELETE', '/auth/oauth/acme')).status).toBe(204)
    expect((await other.send('DELETE', '/auth/oauth/acme')).status).toBe(404)
    expect(await away(new Browser(shop), '/auth/oauth/acme')).toMatchObject({ status: 403, body: { code: 'AUTH_ADDRESS_NOT_CONFIRMED' } })
  })

  test('what a thief has begun to connect is worth nothing once the owner has signed out everywhere', async () => {
    await shop.app.auth?.accounts.create({ email: 'robbed@example.com', password })
    const [thief, owner] = [await new Browser(shop).enter('robbed@example.com'), await new Browser(shop).enter('robbed@example.com')]
    const { body } = await thief.send('POST', '/auth/oauth/acme/connect')
    expect((await owner.send('POST', '/auth/sign-out-everywhere')).status).toBe(204)
    server.account = { sub: 'robber', email: 'robber@acme.example', email_verified: true }
    const back = await server.visit(body.data.url)
    expect(await thief.send('GET', `${back.pathname}${back.search}`)).toMatchObject({
      status: 403,
      body: { code: 'AUTH_PROVIDER_REFUSED' },
    })
    expect((await thief.send('GET', '/auth/me')).status).toBe(401)
    expect((await (await owner.enter('robbed@example.com')).send('GET', '/auth/oauth')).body.data).toEqual([])
  })

  test('who has a second factor and comes back from another site is asked for a code before there is a session', async () => {
    server.account = { sub: 'careful', email: 'careful@acme.example', email_verified: true }
    const first = new Browser(shop)
    await away(first, '/auth/oauth/acme')
    const { secret } = (await first.send('POST', '/auth/second-factor')).body.data
    expect((await first.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret, -1) })).status).toBe(200)
    const browser = new Browser(shop)
    const back = await away(browser, '/auth/oauth/acme?return_to=/notes?page=2')
    expect(back.headers['location']).toBe('https://shop.example/second-factor?return_to=%2Fnotes%3Fpage%3D2')
    expect((await browser.send('GET', '/auth/me')).status).toBe(401)
    const send = (code: string, headers?: Record<string, string>) => browser.send('POST', '/auth/sign-in/oauth', { code }, headers)
    expect(await send('000000')).toMatchObject({ status: 403, body: { code: 'AUTH_WRONG_CODE' } })
    expect((await send(codeOf(secret), { 'sec-fetch-site': 'cross-site' })).body.code).toBe('AUTH_CROSS_SITE')
    const pending = browser.cookies.get('away') ?? ''
    expect(await send(codeOf(secret))).toMatchObject({ status: 200, body: { data: { user: { email: 'careful@acme.example' } } } })
    expect((await browser.send('GET', '/auth/me')).status).toBe(200)
    browser.cookies.set('away', pending)
    expect((await send(codeOf(secret, 1))).body.code).toBe('AUTH_PROVIDER_REFUSED')
  })

  test('a code opens nothing for who has not come back from another site, or was signed out or disabled meanwhile', async () => {
    const browser = new Browser(shop)
    expect((await browser.send('POST', '/auth/sign-in/oauth', { code: '123456' })).body.code).toBe('AUTH_PROVIDER_REFUSED')
    server.account = { sub: 'careful', email: 'careful@acme.example', email_verified: true }
    const user = await shop.app.auth?.accounts.findByEmail('careful@acme.example')
    for (const end of ['signOutEverywhere', 'disable'] as const) {
      await away(browser, '/auth/oauth/acme')
      expect((await browser.send('POST', '/auth/sign-in/oauth', { code: '123456' })).body.code).toBe('AUTH_WRONG_CODE')
      await shop.app.auth?.accounts[end](user?.id ?? '')
      expect((await browser.send('POST', '/auth/sign-in/oauth', { code: '123456' })).body.code).toBe('AUTH_PROVIDER_REFUSED')
    }
  })

  test('to connect a site opens no session: the one that was there goes on', async () => {
    await shop.app.auth?.accounts.create({ email: 'stays@example.com', password })
    const browser = await new Browser(shop).enter('stays@example.com')
    const session = browser.cookies.get('session')
    const { body } = await browser.send('POST', '/auth/oauth/acme/connect')
    server.account = { sub: 'stays', email: 'stays@acme.example', email_verified: true }
    const back = await server.visit(body.data.url)
    expect((await browser.send('GET', `${back.pathname}${back.search}`)).status).toBe(302)
    expect(browser.cookies.get('session')).toBe(session)
    await mailTo(shop, 'stays@example.com', /"acme" can sign in/)
    const another = new Browser(shop)
    await away(another, '/auth/oauth/acme')
    expect((await another.send('POST', '/auth/oauth/acme/connect')).body.code).toBe('AUTH_SIGN_IN_AGAIN')
    expect((await another.send('POST', '/auth/sign-out')).status).toBe(204)
    expect((await browser.send('GET', '/auth/sessions')).body.data).toHaveLength(1)
  })

  test('without a grace period a refresh token that comes twice ends its session at once', async () => {
    await shop.app.auth?.accounts.create({ email: 'twice@example.com', password })
    const { refresh_token: token } = await tokensOf(shop, 'twice@example.com')
    const next = await shop.post('/auth/refresh', { refresh_token: token })
    expect((await shop.get('/auth/me', bearer(next.body.data.access_token))).status).toBe(200)
    expect(await shop.post('/auth/refresh', { refresh_token: token })).toMatchObject({ status: 401, body: { code: 'AUTH_INVALID_TOKEN' } })
    expect((await shop.get('/auth/me', bearer(next.body.data.access_token))).status).toBe(401)
    expect((await shop.post('/auth/refresh', { refresh_token: next.body.data.refresh_token })).status).toBe(401)
    expect(await shop.app.db.query(`SELECT FROM plinth.audit WHERE action = 'token.reused'`)).toHaveLength(1)
  })

  test('a provider that is not named is not there, and an application without providers has no such addresses', async () => {
    expect(await new Browser(shop).send('GET', '/auth/oauth/nobody')).toMatchObject({
      status: 404,
      body: { code: 'AUTH_UNKNOWN_PROVIDER' },
    })
    expect((await new Browser(app).send('GET', '/auth/oauth/acme')).status).toBe(404)
  })
})

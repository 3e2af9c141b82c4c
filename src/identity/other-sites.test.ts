// Signing in by other sites, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestApp, TestReply } from 'plinth/testing'
import { connect } from '../auth/oauth/oauth-rows.ts'
import { keepPending } from '../auth/oauth/pending-sign-in.ts'
import {
  bearer,
  Browser,
  browserOf,
  identityApp,
  mailTo,
  password,
  tokensOf,
  users,
  whileFactorIsAsked,
} from '../../test/support/identity-app.ts'
import { client, type OidcServer, startOidcServer } from '../../test/support/oidc-server.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { codeOf } from '../../test/support/totp.ts'

const environment = { APP_URL: 'https://shop.example' }
let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url, {}, { environment })
})
afterAll(() => app.close())

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

  test.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/\t/evil.example',
    'evil',
    '/.//evil.example',
    '/a/%2e%2e//evil.example',
  ])('nobody is sent to %j in the end', async (path) => {
    const reply = await new Browser(shop).send('GET', `/auth/oauth/acme?return_to=${encodeURIComponent(path)}`)
    expect(reply.status).toBe(400)
  })

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

  test('codes that are refused because there were too many are in the audit a few times, and an address sends a hundred', async () => {
    const { db, auth } = shop.app
    const id = (await auth?.accounts.create({ email: 'guessed@example.com', password })) ?? ''
    const user = (await auth?.accounts.find(id)) ?? expect.fail('There is no such user.')
    const { secret = '' } = (await auth?.ways.factors.enrol(id, user.email)) ?? {}
    await auth?.ways.factors.confirm(id, codeOf(secret))
    const browser = new Browser(shop)
    browser.cookies.set('away', await keepPending(db, user))
    const found: Record<string, number> = {}
    for (let n = 0; n < 110; n += 1) {
      const { code } = (await browser.send('POST', '/auth/sign-in/oauth', { code: '000000' })).body
      found[code] = (found[code] ?? 0) + 1
    }
    expect(Object.keys(found).toSorted()).toEqual(['AUTH_TOO_MANY_TRIES', 'AUTH_WRONG_CODE'])
    const written = `SELECT action, count(*)::int AS rows FROM plinth.audit WHERE address = $1::inet GROUP BY 1 ORDER BY 1`
    expect(await db.query(written, [browser.address])).toEqual([
      { action: 'sign_in.failed', rows: found['AUTH_WRONG_CODE'] },
      { action: 'sign_in.limited', rows: 5 },
    ])
    expect((await browser.send('POST', '/auth/sign-in/oauth', { code: '000000' })).headers['retry-after']).toBeDefined()
    browser.cookies.delete('away')
    expect((await browser.send('POST', '/auth/sign-in/oauth', { code: '000000' })).body.code).toBe('AUTH_TOO_MANY_TRIES')
  })

  test('a page of somebody else begins no sign-in of whoever looks at it, and takes none from others at the address', async () => {
    const elsewhere = { origin: 'https://evil.example.net', 'sec-fetch-site': 'cross-site' }
    const [visitor, colleague] = [new Browser(shop), new Browser(shop)]
    Object.assign(colleague, { address: visitor.address })
    const begin = (how: Record<string, string>) => visitor.send('GET', '/auth/oauth/acme', undefined, { ...elsewhere, ...how })
    const refused = { status: 403, body: { code: 'AUTH_CROSS_SITE' } }
    for (let n = 0; n < 101; n += 1) expect(await begin({ 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' })).toMatchObject(refused)
    expect(await begin({ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' })).toMatchObject(refused)
    expect(visitor.cookies.has('away')).toBe(false)
    for (let n = 0; n < 101; n += 1)
      expect(await visitor.send('POST', '/auth/sign-in/passkey/options', undefined, elsewhere)).toMatchObject(refused)
    for (let n = 0; n < 101; n += 1) await visitor.send('GET', '/auth/oauth/acme/callback', undefined, elsewhere)
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect((await colleague.send('GET', '/auth/oauth/acme', undefined, link)).status).toBe(302)
    expect((await colleague.send('POST', '/auth/sign-in/passkey/options')).status).toBe(200)
    // The pages of the application, where the API has an address of its own.
    const own = { origin: 'https://shop.example', 'sec-fetch-site': 'same-site' }
    expect((await colleague.send('POST', '/auth/sign-in/passkey/options', undefined, own)).status).toBe(200)
    for (let n = 0; n < 100; n += 1) await colleague.send('POST', '/auth/sign-in/passkey/options')
    expect((await colleague.send('POST', '/auth/sign-in/passkey/options')).status).toBe(429)
    expect((await colleague.send('GET', '/auth/oauth/acme', undefined, link)).status).toBe(302)
  })

  test('who comes back from another site in the moment in which a second factor is switched on is not let in without it', async () => {
    server.account = { sub: 'hasty', email: 'hasty@acme.example', email_verified: true }
    const owner = new Browser(shop)
    await away(owner, '/auth/oauth/acme')
    const { secret } = (await owner.send('POST', '/auth/second-factor')).body.data
    whileFactorIsAsked(shop, async () => {
      expect((await owner.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret, -1) })).status).toBe(200)
    })
    const thief = new Browser(shop)
    expect(await away(thief, '/auth/oauth/acme')).toMatchObject({ status: 401, body: { code: 'AUTH_WRONG_CREDENTIALS' } })
    expect((await thief.send('GET', '/auth/me')).status).toBe(401)
  })

  test('in the moment in which a reset is not yet known nobody connects a site, nor signs in by one that was connected', async () => {
    const email = 'moment@example.com'
    const browser = await browserOf(shop, email)
    const { users: found, sessions, db } = shop.app.auth?.parts ?? expect.fail('There is no identity.')
    const { id = '' } = (await shop.app.auth?.accounts.findByEmail(email)) ?? {}
    server.account = { sub: 'moment', email: 'moment@acme.example', email_verified: true }
    const find = found.find.bind(found)
    /** When the user is read the next time, a reset is done first, as far as this is concerned. */
    const onceRead = (reset: () => Promise<unknown>): void => {
      found.find = async (user) => {
        found.find = find
        await reset()
        return find(user)
      }
    }
    const { body } = await browser.send('POST', '/auth/oauth/acme/connect')
    const back = await server.visit(body.data.url)
    onceRead(() => sessions.deleteAllOf(id))
    const connected = await browser.send('GET', `${back.pathname}${back.search}`)
    expect(connected).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
    expect(await shop.app.auth?.ways.oauth.list(id)).toEqual([])

    await connect(db, { issuer: server.issuer, subject: 'moment' }, id, 'acme')
    const thief = new Browser(shop)
    onceRead(() => shop.app.auth?.ways.oauth.disconnect(id) ?? Promise.resolve())
    expect(await away(thief, '/auth/oauth/acme')).toMatchObject({ status: 403, body: { code: 'AUTH_PROVIDER_REFUSED' } })
    expect((await thief.send('GET', '/auth/me')).status).toBe(401)
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

// What an application may say about signing in, and what its configuration changes.

import { expect, onTestFinished, test } from 'vitest'
import type { AppOptions } from 'plinth'
import { bearer, Browser, identityApp, password, tokensOf, users } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { AuthOptions } from '../auth/options.ts'

async function made(auth: Partial<AuthOptions>, environment: Record<string, string> = {}, options: Partial<AppOptions> = {}) {
  const app = await identityApp(testDatabase().url, { auth: { users, ...auth }, ...options }, { environment })
  onTestFinished(() => app.close())
  return app
}

test('where sign-up is closed there is no such route, and code makes accounts', async () => {
  const app = await made({ signUp: 'closed' })
  expect((await new Browser(app).send('POST', '/auth/sign-up', { email: 'ann@example.com', password })).status).toBe(404)
  await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
  expect((await new Browser(app).signIn('ann@example.com')).status).toBe(200)
})

test('where it is allowed somebody signs in before the address is confirmed, and is known not to have confirmed it', async () => {
  const app = await made({ unverified: 'allowed' })
  const browser = new Browser(app)
  await browser.send('POST', '/auth/sign-up', { email: 'ann@example.com', password })
  expect((await browser.signIn('ann@example.com')).body.data.user.email_verified).toBe(false)
})

test('tokens that only the application verifies have no public keys, and live as long as it says', async () => {
  const app = await made({ tokens: { algorithm: 'HS256', lifetime: '2m' } })
  await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
  const reply = await tokensOf(app, 'ann@example.com')
  expect(reply).toMatchObject({ expires_in: 120 })
  expect((await app.get('/auth/me', bearer(reply.access_token))).status).toBe(200)
  expect((await app.get('/.well-known/jwks.json')).body).toEqual({ keys: [] })
})

test('a session lives as long as the application says', async () => {
  const app = await made({ session: { idle: '10m', lifetime: '1h' } })
  await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
  const { headers } = await new Browser(app).signIn('ann@example.com')
  expect(String(headers['set-cookie'])).toContain('Max-Age=3600;')
  const [row] = await app.app.db.query(
    'select idle_ms::int as idle, round(extract(epoch from expires_at - created_at))::int as lifetime from plinth.sessions',
  )
  expect(row).toEqual({ idle: 600_000, lifetime: 3_600 })
})

test('pages of listed origins may use the cookie, when they may have it at all', async () => {
  const listed = 'https://app.shop.example'
  const changed = async (environment: Record<string, string>, origin: string): Promise<number> => {
    const app = await made({}, environment)
    await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
    const browser = await new Browser(app).enter('ann@example.com')
    return (await browser.send('POST', '/api/notes', { body: 'x' }, { origin, 'sec-fetch-site': 'same-site' })).status
  }
  expect(await changed({ CORS_ORIGINS: listed, CORS_CREDENTIALS: 'true' }, listed)).toBe(201)
  expect(await changed({ CORS_ORIGINS: listed, CORS_CREDENTIALS: 'true' }, 'https://evil.shop.example')).toBe(403)
  expect(await changed({ CORS_ORIGINS: listed }, listed)).toBe(403)
  expect(await changed({ API_URL: listed }, listed)).toBe(201)
})

test('in production an application whose users sign in does not start without a mail server', async () => {
  const environment = {
    APP_ENV: 'production',
    LOG_DIR: '',
    SECRET_KEY: 'uq8CmzT0b7kXeJw3Rn5VfYs1Lh9PgAd2',
    JWT_SECRET_KEY: 'Zt4Nk8Wq2Yv6Br0Mx3Hc7Jf1Ls5Gp9De',
  }
  await expect(made({}, environment)).rejects.toThrow('MAIL_URL is missing')
})

test.each(['bare', 'problem'] as const)('with replies that are %s, so are those of identity', async (replies) => {
  const app = await made({}, {}, { replies })
  await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
  expect((await new Browser(app).signIn('ann@example.com')).body).toMatchObject({ user: { email: 'ann@example.com' } })
  const refused = await new Browser(app).signIn('ann@example.com', 'wrong horse')
  expect(refused.body).toMatchObject({ status: 401, code: 'AUTH_WRONG_CREDENTIALS' })
})

test('when sessions cannot be asked for, a signed-in request is told to come again, and is not taken for one of nobody', async () => {
  const app = await made({})
  await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
  const { access_token } = await tokensOf(app, 'ann@example.com')
  const browser = await new Browser(app).enter('ann@example.com')
  const rename = (table: string, to: string) => app.app.db.query(`alter table plinth.${table} rename to ${to}`)
  await rename('session_changes', 'away_changes')
  await rename('sessions', 'away')
  await expect.poll(async () => (await browser.send('GET', '/auth/me')).status, { timeout: 3_000 }).toBeGreaterThanOrEqual(500)
  expect(browser.cookies.has('session')).toBe(true)
  expect((await app.get('/auth/me', bearer(access_token))).status).toBeGreaterThanOrEqual(500)
  await rename('away', 'sessions')
  await rename('away_changes', 'session_changes')
  expect((await browser.send('GET', '/auth/me')).status).toBe(200)
})

test('whoever develops an application signs in as often as he likes, nearly', async () => {
  // Passwords are as cheap as in tests: eight wait for each other, and none for longer than may be.
  const settings = { SECRET_KEY: 'a secret', JWT_SECRET_KEY: 'another', PASSWORD_MEMORY: '64KB', PASSWORD_PASSES: '1' }
  const signIns = async (environment: Record<string, string>): Promise<string[]> => {
    const app = await made({}, { ...settings, ...environment })
    await app.app.auth?.accounts.create({ email: 'ann@example.com', password })
    const program = new Browser(app)
    const body = { email: 'ann@example.com', password, mode: 'token' }
    const replies = await Promise.all(Array.from({ length: 8 }, () => program.send('POST', '/auth/sign-in', body, {})))
    return replies.map((reply) => `${reply.status} ${reply.body.code ?? ''}`).toSorted()
  }
  const [good, over] = ['200 ', '429 AUTH_TOO_MANY_TRIES']
  expect(await signIns({ APP_ENV: 'development' })).toEqual([good, good, good, good, good, good, good, good])
  expect(await signIns({})).toEqual([good, good, good, good, good, over, over, over])
})

// S11 of the guarantees: what other pages make a browser send changes nothing. Each route that changes something is tried, as the
// application lists them, so that no new one is forgotten.

import type { RoutePlugin } from 'plinth'
import type { TestApp } from 'plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, Browser, browserOf, identityApp, newUser, password, samePage, tokensOf, users } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { tenantApp } from '../../test/support/tenant-app.ts'
import type { RegisteredRoute } from '../http/route.ts'

/** One of the application's own, which asks nothing of who calls it. */
const own: RoutePlugin = (fastify, { app }) => {
  fastify.post('/own', async () => app.db.query(`insert into notes (body) values ('by a route of its own')`))
}
const auth = { users, providers: { acme: { issuer: 'http://127.0.0.1:9', clientId: 'shop', clientSecret: 'of the shop' } } }
const shop = (environment: Record<string, string> = {}): Promise<TestApp> =>
  identityApp(testDatabase().url, { auth, routes: [own] }, { environment })

const evil = 'https://evil.example'
const elsewhere: Readonly<Record<string, Record<string, string>>> = {
  'says nothing of where it comes from': {},
  'comes from another origin': { origin: evil },
  'comes from an origin that looks alike': { origin: 'http://localhost:80.evil.example' },
  'comes from a sub-domain': { origin: 'http://evil.localhost', 'sec-fetch-site': 'same-site' },
  'comes from another site': { 'sec-fetch-site': 'cross-site' },
  'comes from another site, with an origin that somebody claims': { origin: 'http://localhost:80', 'sec-fetch-site': 'cross-site' },
  'comes from a sandbox': { origin: 'null' },
  'has no page behind it': { 'sec-fetch-site': 'none' },
  'is a text': { origin: evil, 'content-type': 'text/plain' },
  'is a form': { origin: evil, 'content-type': 'application/x-www-form-urlencoded' },
  'is a form with files': { origin: evil, 'content-type': 'multipart/form-data; boundary=x' },
  'says that it is another method': { origin: evil, 'x-http-method-override': 'GET' },
}

const harmless = new Set(['GET', 'HEAD', 'OPTIONS'])
const changing = ({ app }: TestApp): RegisteredRoute[] => app.routes.filter(({ method }) => !harmless.has(method))
const pathOf = ({ path }: RegisteredRoute): string => path.replaceAll(/:\w+/g, '1')

/** What an attacker would have a browser send, as far as one body suits all routes: every field that any of them has. */
const fields = {
  email: 'evil@example.com',
  password: 'words of a thief',
  current_password: password,
  token: 'A'.repeat(43),
  body: 'forged',
  name: 'forged',
  code: '123456',
}
const bodies: Readonly<Record<string, string>> = {
  'text/plain': JSON.stringify(fields),
  'application/x-www-form-urlencoded': new URLSearchParams(fields).toString(),
  'multipart/form-data; boundary=x': '--x\r\ncontent-disposition: form-data; name="body"\r\n\r\nforged\r\n--x--\r\n',
}

/** Everything but when a session was seen, and what was refused. */
async function print({ app }: TestApp): Promise<unknown> {
  const tables = await app.db.query<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
     where schemaname in ('public', 'plinth') and tablename not in ('audit', 'rate_counters', 'session_changes') order by 1`,
  )
  const prints = tables.map(
    ({ name }) =>
      `select '${name}' as name, md5(string_agg((to_jsonb(t) - 'seen_at')::text, ',' order by t::text)) as print from ${name} t`,
  )
  return app.db.query(prints.join(' union all '))
}

/** Sends one forged request to each route, with the cookie of somebody who is signed in. @returns those that were not refused */
async function notRefused(made: TestApp, signedIn: Browser | (() => Promise<Browser>), headers: Record<string, string>): Promise<string[]> {
  const found: string[] = []
  for (const route of changing(made)) {
    const browser = typeof signedIn === 'function' ? await signedIn() : signedIn
    const type = headers['content-type'] ?? 'application/json'
    const all = { cookie: `session=${browser.cookies.get('session')}`, 'content-type': type, ...headers }
    const raw = bodies[type] ?? JSON.stringify(fields)
    const { status, body } = await made.request({ method: route.method as 'POST', path: pathOf(route), headers: all, raw })
    if (status !== 403 || body?.code !== 'AUTH_CROSS_SITE') found.push(`${route.method} ${route.path}`)
  }
  return found
}

describe.each([
  ['keys, passkeys and other sites', () => shop(), 30],
  ['tenants', () => tenantApp(testDatabase().url), 20],
] as const)('of an application with %s', (_what, make, least) => {
  let app: TestApp
  let browser: Browser
  beforeAll(async () => {
    app = await make()
    await newUser(app, 'ann@example.com')
    browser = await new Browser(app).enter('ann@example.com')
  })
  afterAll(() => app.close())

  test.each(Object.entries(elsewhere))(
    'every route refuses a request with a session that %s, and nothing is changed',
    async (_how, headers) => {
      const before = await print(app)
      expect(await notRefused(app, browser, headers)).toEqual([])
      expect(changing(app).length).toBeGreaterThanOrEqual(least)
      expect(await print(app)).toEqual(before)
      expect((await browser.send('GET', '/auth/me')).status).toBe(200)
    },
  )

  test('nothing is changed by GET, nor is any other method taken from a header or the query', async () => {
    const before = await print(app)
    for (const route of changing(app)) {
      const override = { 'x-http-method-override': route.method, 'x-method-override': route.method }
      const reply = await browser.send('GET', `${pathOf(route)}?_method=${route.method}`, undefined, override)
      expect([200, 400, 403, 404, 405], `${route.method} ${route.path}`).toContain(reply.status)
    }
    expect(await print(app)).toEqual(before)
  })
})

describe('the controls:', () => {
  test('where a foreign origin may use the cookie, the same requests get through to every route, and change something', async () => {
    const app = await shop({ CORS_ORIGINS: evil, CORS_CREDENTIALS: 'true', PASSWORD_MEMORY: '64KB', PASSWORD_PASSES: '1' })
    try {
      let people = 0
      const before = await print(app)
      // Some of them end the session, or the account: each is tried by somebody else.
      const somebody = () => browserOf(app, `ann-${(people += 1)}@example.com`)
      expect(await notRefused(app, somebody, { origin: evil })).toEqual(changing(app).map(({ method, path }) => `${method} ${path}`))
      expect(await print(app)).not.toEqual(before)
      const again = await browserOf(app, 'ann@example.com')
      expect((await again.send('POST', '/own', undefined, { origin: evil })).status).toBe(200)
      expect((await again.send('POST', '/api/notes', { body: 'forged' }, { origin: evil })).status).toBe(201)
    } finally {
      await app.close()
    }
  })

  test('a page of ours may, and so may a program with a token, which no browser adds', async () => {
    const app = await shop()
    try {
      const browser = await browserOf(app, 'ann@example.com')
      for (const headers of [samePage, { origin: 'http://localhost:80' }, { ...samePage, origin: 'http://localhost:80' }])
        expect((await browser.send('POST', '/api/notes', { body: 'mine' }, headers)).status).toBe(201)
      const { access_token } = await tokensOf(app, 'ann@example.com')
      expect((await app.post('/api/notes', { body: 'by a program' }, { ...bearer(access_token), origin: evil })).status).toBe(201)
      const form = { cookie: `session=${browser.cookies.get('session')}`, 'content-type': 'text/plain', ...samePage }
      expect((await app.request({ method: 'POST', path: '/api/notes', headers: form, raw: '{"body":"x"}' })).status).toBe(415)
      expect((await browser.send('POST', '/auth/sign-out')).status).toBe(204)
    } finally {
      await app.close()
    }
  })

  test('nobody is signed in to another account by another page, with whatever way in sets a cookie', async () => {
    const app = await shop()
    try {
      await newUser(app, 'bob@example.com')
      for (const headers of Object.values(elsewhere).filter((said) => Object.keys(said).length > 0 && said['content-type'] === undefined)) {
        const reply = await new Browser(app).send('POST', '/auth/sign-in', { email: 'bob@example.com', password }, headers)
        expect(reply).toMatchObject({ status: 403, body: { code: 'AUTH_CROSS_SITE' } })
        expect(reply.headers['set-cookie']).toBeUndefined()
      }
    } finally {
      await app.close()
    }
  })
})

// S3 of the guarantees: sessions that are planted or kept. What other pages make a browser send is in forged-requests.test.ts.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Browser, identityApp, password } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { TestApp } from '../testing/test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url)
  for (const name of ['ann', 'bob']) await app.app.auth?.accounts.create({ email: `${name}@example.com`, password })
})
afterAll(() => app.close())

const signedIn = (email = 'ann@example.com'): Promise<Browser> => new Browser(app).enter(email)

describe('a session', () => {
  test('that was planted before its victim signs in is worth nothing afterwards', async () => {
    const victim = new Browser(app)
    for (const planted of ['A'.repeat(43), (await signedIn('bob@example.com')).cookies.get('session') ?? '']) {
      victim.cookies.set('session', planted)
      await victim.signIn('ann@example.com')
      expect(victim.cookies.get('session')).not.toBe(planted)
      const attacker = new Browser(app)
      attacker.cookies.set('session', planted)
      expect((await attacker.send('GET', '/auth/me')).status).toBe(401)
      expect((await victim.send('GET', '/auth/me')).body.data.email).toBe('ann@example.com')
      victim.cookies.delete('session')
    }
  })

  test('has an id of 256 bits, of which the database keeps the hash', async () => {
    const browser = await signedIn()
    const id = browser.cookies.get('session') ?? ''
    expect(Buffer.from(id, 'base64url')).toHaveLength(32)
    const [row] = await app.app.db.query<{ dump: string }>('select json_agg(s)::text as dump from plinth.sessions s')
    expect(row?.dump).toContain('\\\\x')
    expect(row?.dump).not.toContain(id)
    expect(row?.dump).not.toContain(Buffer.from(id, 'base64url').toString('hex'))
  })

  test('that its owner left is over for whoever has kept its cookie', async () => {
    const browser = await signedIn()
    const kept = new Browser(app)
    kept.cookies.set('session', browser.cookies.get('session') ?? '')
    expect((await kept.send('GET', '/auth/me')).status).toBe(200)
    await browser.send('POST', '/auth/sign-out')
    expect((await kept.send('GET', '/auth/me')).status).toBe(401)
  })

  test('is over when it was not used for long, and when it is old', async () => {
    const browser = await signedIn()
    const set = (sql: string): Promise<unknown> =>
      app.app.db.query(`update plinth.sessions set ${sql} where id in (select id from plinth.sessions order by created_at desc limit 1)`)
    await set(`idle_ms = 1`)
    await expect.poll(async () => (await browser.send('GET', '/auth/me')).status, { timeout: 2_000 }).toBe(401)
    const again = await signedIn()
    await set(`expires_at = now() - interval '1 second'`)
    await expect.poll(async () => (await again.send('GET', '/auth/me')).status, { timeout: 2_000 }).toBe(401)
  })

  test('goes on while it is used', async () => {
    const browser = await signedIn()
    const newest = 'id in (select id from plinth.sessions order by created_at desc limit 1)'
    await app.app.db.query(`update plinth.sessions set seen_at = now() - interval '5 minutes', idle_ms = idle_ms where ${newest}`)
    const seen = async () => {
      await browser.send('GET', '/auth/me')
      const [row] = await app.app.db.query<{ recent: boolean }>(
        `select seen_at > now() - interval '1 minute' as recent from plinth.sessions where ${newest}`,
      )
      return row?.recent
    }
    await expect.poll(seen, { timeout: 3_000 }).toBe(true)
  })

  test('is not taken from a cookie that was sent twice', async () => {
    const browser = await signedIn()
    const cookie = `session=${browser.cookies.get('session')}`
    const asking = async (header: string) => (await app.get('/auth/me', { cookie: header })).status
    expect(await asking(cookie)).toBe(200)
    expect(await asking(`${cookie}; session=${'A'.repeat(43)}`)).toBe(401)
    expect(await asking(`xsession=1; ${cookie}`)).toBe(200)
  })

  test('cookie is Secure and bound to its host in production', async () => {
    const environment = {
      APP_ENV: 'production',
      LOG_LEVEL: 'silent',
      LOG_DIR: '',
      SECRET_KEY: 'uq8CmzT0b7kXeJw3Rn5VfYs1Lh9PgAd2',
      JWT_SECRET_KEY: 'Zt4Nk8Wq2Yv6Br0Mx3Hc7Jf1Ls5Gp9De',
      MAIL_URL: 'smtp://127.0.0.1:1',
      MAIL_FROM: 'no-reply@shop.example',
    }
    const production = await identityApp(testDatabase().url, {}, { environment })
    try {
      await production.app.auth?.accounts.create({ email: 'ann@example.com', password })
      const { headers } = await new Browser(production).signIn('ann@example.com')
      for (const line of [headers['set-cookie'] ?? []].flat().map(String))
        expect(line).toMatch(/^__Host-\w+=[\w.-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/)
      expect((await production.get('/dev/mail')).status).toBe(404)
    } finally {
      await production.close()
    }
  })
})

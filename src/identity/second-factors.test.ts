// Second factors, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestApp } from 'plinth/testing'
import { Browser, browserOf, identityApp, mailTo, password, whileFactorIsAsked } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { codeOf } from '../../test/support/totp.ts'

const environment = { APP_URL: 'https://shop.example' }
let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url, {}, { environment })
})
afterAll(() => app.close())

describe('a second factor', () => {
  /** Confirmed with the code of the half minute before, so that the one of now is still good. */
  async function withFactor(email: string): Promise<{ browser: Browser; secret: string; codes: string[] }> {
    const browser = await browserOf(app, email)
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

  test('that is switched on in the moment in which somebody signs in lets him in without it no more', async () => {
    const email = 'gwen@example.com'
    const owner = await browserOf(app, email)
    const elsewhere = await new Browser(app).enter(email)
    const { secret } = (await owner.send('POST', '/auth/second-factor')).body.data
    whileFactorIsAsked(app, async () => {
      expect((await owner.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret, -1) })).status).toBe(200)
    })
    const thief = new Browser(app)
    expect(await thief.signIn(email)).toMatchObject({ status: 401, body: { code: 'AUTH_WRONG_CREDENTIALS' } })
    expect((await thief.send('GET', '/auth/me')).status).toBe(401)
    expect((await elsewhere.send('GET', '/auth/me')).status).toBe(401)
    expect((await owner.send('GET', '/auth/sessions')).body.data).toHaveLength(1)
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
    const [browser, other] = [await browserOf(app, 'lea@example.com'), await new Browser(app).enter('lea@example.com')]
    expect((await other.send('GET', '/auth/me')).status).toBe(200)
    const { secret } = (await browser.send('POST', '/auth/second-factor')).body.data
    await browser.send('POST', '/auth/second-factor/confirm', { code: codeOf(secret) })
    expect((await other.send('GET', '/auth/me')).status).toBe(401)
    expect((await browser.send('GET', '/auth/me')).status).toBe(200)
  })

  test('is guessed at by a stolen session a few times, which is in the audit and keeps its owner from nothing', async () => {
    const email = 'hugo@example.com'
    const { browser, secret } = await withFactor(email)
    const thief = await new Browser(app).enter(email)
    const guessed: (string | undefined)[] = []
    for (let n = 0; n < 10; n += 1)
      guessed.push((await thief.send('POST', '/auth/second-factor/disable', { code: 'AAAA-AAAA-AAAA-AAAA' })).body.code)
    expect(guessed).toEqual([...Array(5).fill('AUTH_WRONG_CODE'), ...Array(5).fill('AUTH_TOO_MANY_TRIES')])
    const written = `SELECT action FROM plinth.audit WHERE address = $1::inet AND details->>'second_factor' = 'true'`
    expect(await app.app.db.query(written, [thief.address])).toEqual(
      Array.from(guessed.slice(5), () => ({ action: 'reauthentication.failed' })),
    )
    expect((await browser.send('POST', '/auth/second-factor/recovery-codes', { code: codeOf(secret) })).status).toBe(200)
    expect((await signIn(email, { code: codeOf(secret, 1) })).status).toBe(200)
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
    // The session of before has tried five.
    const other = await new Browser(app).enter('gus@example.com')
    expect((await other.send('POST', '/auth/second-factor/disable', { code: renewed[0] })).status).toBe(204)
    expect((await signIn('gus@example.com')).status).toBe(200)
    const actions = await app.app.db.query<{ action: string }>(
      `SELECT DISTINCT action FROM plinth.audit WHERE action ~ '^(factor|recovery)' ORDER BY 1`,
    )
    expect(actions.map(({ action }) => action)).toEqual(['factor.disabled', 'factor.enabled', 'recovery_code.used'])
  })
})

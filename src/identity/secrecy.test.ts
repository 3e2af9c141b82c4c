// S5, S10 and O1 of the guarantees: nobody learns who has an account, and no secret is in an answer or in the log.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenIn } from '../../test/support/account-bed.ts'
import { bearer, Browser, identityApp, mailTo, password, tokensOf } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { temporaryFolder } from '../../test/support/temporary.ts'
import type { TestApp, TestReply } from 'plinth/testing'

describe('an address that is known and one that is not', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await identityApp(testDatabase().url)
    await app.app.auth?.accounts.create({ email: 'known@example.com', password })
  })
  afterAll(() => app.close())

  const shown = ({ status, headers, body }: TestReply): unknown => {
    const { 'x-request-id': _id, date: _date, 'retry-after': _wait, ...rest } = headers
    return { status, headers: rest, body }
  }
  const asks = {
    'sign in': (email: string) => new Browser(app).send('POST', '/auth/sign-in', { email, password: 'wrong horse' }),
    'sign up': (email: string) => new Browser(app).send('POST', '/auth/sign-up', { email, password }),
    'reset the password': (email: string) => new Browser(app).send('POST', '/auth/request-password-reset', { email }),
  }

  test.each(Object.entries(asks))('get the same status, headers and body when they %s', async (_what, ask) => {
    const [known, unknown] = [await ask('known@example.com'), await ask(`unknown-${Math.random()}@example.com`)]
    expect(shown(known)).toEqual(shown(unknown))
  })

  test('are refused after as many tries, in the same words', async () => {
    const codes = async (email: string) => {
      const replies = []
      for (let n = 0; n < 12; n += 1) replies.push((await asks['sign in'](email)).body.code)
      return replies
    }
    const unknown = await codes('never@example.com')
    expect(unknown).toEqual([...Array.from({ length: 10 }, () => 'AUTH_WRONG_CREDENTIALS'), 'AUTH_TOO_MANY_TRIES', 'AUTH_TOO_MANY_TRIES'])
    await app.app.auth?.accounts.create({ email: 'known-too@example.com', password })
    expect(await codes('known-too@example.com')).toEqual(unknown)
  })
})

test('no secret is in an answer that is not its own, nor in the log, at its most talkative', async () => {
  const folder = temporaryFolder('identity-logs')
  const app = await identityApp(testDatabase().url, {}, { environment: { LOG_LEVEL: 'trace', LOG_DIR: folder, LOG_FORMAT: 'json' } })
  const secrets = ['canary-horse-7391', 'canary-staple-2846', 'canary-wrong-5512']
  const [first = '', second = '', wrong = ''] = secrets
  const browser = new Browser(app)
  const answers: string[] = []
  const ask = async (...args: Parameters<Browser['send']>): Promise<TestReply> => {
    const reply = await browser.send(...args)
    answers.push(reply.text)
    return reply
  }
  try {
    const email = 'ann@example.com'
    await ask('POST', '/auth/sign-up', { email, password: first })
    const verification = tokenIn(await mailTo(app, email, /Confirm/))
    await ask('POST', '/auth/verify-email', { token: verification })
    await ask('POST', '/auth/sign-in', { email, password: wrong })
    await ask('POST', '/auth/sign-in', { email, password: first })
    secrets.push(verification, browser.cookies.get('session') ?? '', browser.cookies.get('device') ?? '')
    await ask('POST', '/auth/change-password', { current_password: wrong, password: second })
    await ask('POST', '/auth/request-password-reset', { email })
    const reset = tokenIn(await mailTo(app, email, /Set a new/))
    await ask('POST', '/auth/reset-password', { token: reset, password: second })
    const { body } = await browser.send('POST', '/auth/sign-in', { email, password: second, mode: 'token' }, {})
    secrets.push(reset, body.data.access_token, body.data.refresh_token)
    for (const path of [
      '/auth/me',
      '/auth/sessions',
      '/api/users',
      '/api/users?include=roles',
      '/openapi.json',
      '/health/details',
      '/metrics',
    ])
      await ask('GET', path, undefined, bearer(body.data.access_token))
    await ask('GET', '/auth/me', undefined, bearer(`${body.data.access_token}x`))
    await ask('POST', '/auth/refresh', { refresh_token: `${body.data.refresh_token}x` })
    await ask('POST', '/auth/sign-in', { email, password: { secret: wrong } })
    const hashes = await app.app.db.query<{ password: string }>('select password from plinth.credentials')
    secrets.push(...hashes.map(({ password: phc }) => phc))
    app.app.log.debug({ password: 'canary-control', note: 'the control' }, 'canary-seen')
  } finally {
    await app.close()
  }
  const log = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('')
  rmSync(folder, { recursive: true })
  expect(log).toContain('canary-seen')
  expect(log).toContain('security: sign_in.failed')
  expect(answers.join('')).toContain('ann@example.com')
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(12)
    expect(log).not.toContain(secret)
    expect(answers.join('')).not.toContain(secret)
  }
})

test('a token ends with its session in another process within a second, also when Redis is gone', async () => {
  const one = await identityApp(testDatabase().url, {}, { environment: { REDIS_URL: 'redis://127.0.0.1:1' } })
  const { createApp } = await import('../app/create.ts')
  const other = await createApp(one.app.definition, one.app.config)
  try {
    await one.app.auth?.accounts.create({ email: 'ann@example.com', password })
    const { access_token: token } = await tokensOf(one, 'ann@example.com')
    const seen = async () => (await other.inject({ method: 'GET', url: '/auth/me', headers: bearer(token) })).statusCode
    // Often enough that copies are in use.
    for (let n = 0; n < 30; n += 1) expect(await seen()).toBe(200)
    expect((await one.post('/auth/sign-out', undefined, bearer(token))).status).toBe(204)
    const left = performance.now()
    await expect.poll(seen, { timeout: 1_500, interval: 20 }).toBe(401)
    expect(performance.now() - left).toBeLessThan(1_500)
    expect((await one.get('/auth/me', bearer(token))).status).toBe(401)
  } finally {
    await other.stop()
    await one.close()
  }
})

// S5, S10 and O1 of the guarantees: nobody learns who has an account, and no secret is in an answer or in the log.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenIn } from '../../test/support/account-bed.ts'
import { bearer, Browser, identityApp, mailTo, password, samePage } from '../../test/support/identity-app.ts'
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
  // A server that trusts everybody takes any password.
  const url = Object.assign(new URL(testDatabase().url), { password: 'canary-database-6620' }).href
  const app = await identityApp(url, {}, { environment: { LOG_LEVEL: 'trace', LOG_DIR: folder, LOG_FORMAT: 'json' } })
  const card = '4111 1111 1111 1111'
  const secrets = [
    'canary-horse-7391',
    'canary-staple-2846',
    'canary-wrong-5512',
    'canary-database-6620',
    'canary-cookie-1174',
    'canary-control',
    card,
  ]
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
    browser.cookies.set('basket', 'canary-cookie-1174')
    await ask('POST', '/auth/sign-up', { email, password: first, display_name: card, card })
    await ask('POST', '/api/notes', { body: card, card: [card] }, { ...samePage, 'x-card': card })
    await app.app.db.query('select wrong from nowhere').catch((err: unknown) => app.app.log.error({ err }, 'a statement failed'))
    await app.app.db
      .query(`insert into notes (id, body) values (1, $1), (1, $1)`, [card])
      .catch((err: unknown) => app.app.log.error({ err }, 'another failed'))
    const hashes = await app.app.db.query<{ password: string }>('select password from plinth.credentials')
    secrets.push(...hashes.map(({ password: phc }) => phc))
    app.app.log.debug({ password: 'canary-control', note: 'the control' }, 'control-seen')
  } finally {
    await app.close()
  }
  const log = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('')
  rmSync(folder, { recursive: true })
  expect(log).toContain('control-seen')
  expect(log).toContain('security: sign_in.failed')
  expect(answers.join('')).toContain('ann@example.com')
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(12)
    expect(log).not.toContain(secret)
    expect(answers.join('')).not.toContain(secret)
  }
})

// Whoever is turned away is a security event in the log: who, from where, from what and in which request.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { factorErrors } from '../auth/factor-errors.ts'
import { coreErrors } from '../core/errors.ts'
import { reasonOf } from './denials.ts'
import { bearer, Browser, browserOf, identityApp, users } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/redis.ts'
import { temporaryFolder } from '../../test/support/temporary.ts'

test('a denial is logged with the caller, the address, the route and the id of the request, and nothing else is', async () => {
  const folder = temporaryFolder('denials')
  const environment = { LOG_LEVEL: 'warn', LOG_DIR: folder, LOG_FORMAT: 'json', PASSWORD_MEMORY: '64KB', PASSWORD_PASSES: '1' }
  const auth = { users, providers: { acme: { issuer: 'http://localhost:1', clientId: 'shop' } } }
  const app = await identityApp(testDatabase().url, { auth }, { environment })
  try {
    const ann = await browserOf(app, 'ann@example.com')
    const stranger = new Browser(app)
    const { id } = (await ann.send('GET', '/auth/me')).body.data
    const replies = [
      await ann.send('POST', '/auth/keys', { name: 'forged' }, { origin: 'https://evil.example' }),
      await stranger.send('GET', '/auth/me'),
      await stranger.send('GET', '/api/notes', undefined, bearer('wrong')),
    ]
    expect(replies.map(({ status }) => status)).toEqual([403, 401, 401])
    expect((await ann.send('GET', '/api/notes/77')).status).toBe(404)
    const { key } = (await ann.send('POST', '/auth/keys', { name: 'program' })).body.data
    const byKey = await stranger.send('GET', '/auth/sessions', undefined, bearer(key))
    expect(byKey.status).toBe(403)
    const unexplained = [
      await stranger.send('GET', '/auth/me', undefined, bearer(`canary.${'x'.repeat(9_000)}.z`)),
      await stranger.send('GET', '/auth/oauth/acme/callback?state=canary&code=canary'),
      await stranger.send('POST', '/auth/sign-in/passkey', { credential: { id: 'canary' } }),
      await stranger.send('POST', '/auth/sign-in/oauth', { code: '123456' }),
    ]
    await app.app.auth?.accounts.disable(id)
    expect((await stranger.send('GET', '/api/notes', undefined, bearer(key))).status).toBe(401)
    expect(unexplained[0]).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
    for (const { text } of unexplained) expect(text).not.toMatch(/too long|another browser|no reply/)
    await until(async () => (await app.app.db.query(`select from plinth.audit where action = 'key.used'`)).length === 1)
    await app.app.stop()
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'))
    const denied = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'access.denied')
    const entry = { level: 'warn', message: 'security: access denied', method: 'GET', address: stranger.address }
    expect(denied).toMatchObject([
      { ...entry, status: 403, method: 'POST', route: '/auth/keys', address: ann.address, requestId: replies[0]?.headers['x-request-id'] },
      { ...entry, status: 401, route: '/auth/me', requestId: replies[1]?.headers['x-request-id'] },
      { ...entry, status: 401, route: expect.stringContaining('/api/notes'), requestId: replies[2]?.headers['x-request-id'] },
      { ...entry, status: 403, route: '/auth/sessions', caller: id, requestId: byKey.headers['x-request-id'] },
      { ...entry, route: '/auth/me' },
      { ...entry, route: '/auth/oauth/:provider/callback' },
      { ...entry, method: 'POST', route: '/auth/sign-in/passkey' },
      { ...entry, method: 'POST', route: '/auth/sign-in/oauth' },
      { ...entry, status: 401, route: expect.stringContaining('/api/notes') },
    ])
    // What the client was not told.
    expect(denied.map(({ code, reason }) => [code, reason])).toEqual([
      ['AUTH_CROSS_SITE', undefined],
      [expect.any(String), undefined],
      ['AUTH_INVALID_TOKEN', 'is not three parts in base64url'],
      [expect.any(String), undefined],
      ['AUTH_INVALID_TOKEN', 'is too long'],
      ['AUTH_PROVIDER_REFUSED', 'came back to another browser'],
      ['AUTH_WRONG_PASSKEY', 'is no reply of a passkey'],
      ['AUTH_PROVIDER_REFUSED', 'waits for no code, or its user was changed or disabled'],
      ['AUTH_INVALID_TOKEN', 'is of a user who is gone, disabled, or in its tenant no more'],
    ])
    expect(JSON.stringify(denied)).not.toContain('canary')
  } finally {
    await app.close()
    rmSync(folder, { recursive: true })
  }
})

test('a reason says what lies behind a refusal of ours, is short, and repeats no answer of another site', () => {
  const because = (cause: unknown) => reasonOf(factorErrors.PROVIDER_REFUSED().with({ cause }))
  const unreadable = (): unknown => {
    try {
      return JSON.parse('{"access_token": canary}')
    } catch (error) {
      return error
    }
  }
  expect(because(new Error('unexpected claim', { cause: new Error('the issuer', { cause: { claims: 'canary' } }) }))).toBe(
    'unexpected claim: the issuer',
  )
  expect(because(new Error('no answer', { cause: unreadable() }))).toBe('no answer: is not JSON')
  expect(because(Object.assign(new Error('an error'), { error: 'invalid_client' }))).toBe('an error (invalid_client)')
  expect(because(new Error('x'.repeat(100_000)))).toHaveLength(300)
  expect([because(undefined), because('canary')]).toEqual([undefined, undefined])
  expect(reasonOf(coreErrors.INTERNAL().with({ cause: new Error('canary') }))).toBeUndefined()
})

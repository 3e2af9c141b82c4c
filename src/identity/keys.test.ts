// API keys, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anonymousCaller } from 'plinth'
import type { TestApp } from 'plinth/testing'
import { bearer, Browser, browserOf, identityApp, newUser, password } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { until } from '../../test/support/redis.ts'
import { runInContext } from '../core/context.ts'

const environment = { APP_URL: 'https://shop.example' }
let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url, {}, { environment })
})
afterAll(() => app.close())

describe('API keys', () => {
  test('a program asks with a key in the name of its user, until it is revoked', async () => {
    const browser = await browserOf(app, 'ann@example.com')
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
      app.app.db.query(
        `SELECT action, actor = u.id::text AS by_owner, host(address) AS address, request_id IS NOT NULL AS of_request
         FROM plinth.audit, users u WHERE details->>'key' = $1 AND u.email = 'ann@example.com' ORDER BY 1`,
        [id],
      )
    await until(async () => (await audited()).length === 3)
    const entry = { by_owner: true, address: browser.address, of_request: true }
    expect(await audited()).toEqual([
      { ...entry, action: 'key.created' },
      { ...entry, action: 'key.revoked' },
      { ...entry, action: 'key.used', address: '127.0.0.1' },
    ])
  })

  test('what code of the application does for a request is in the audit with the actor, the address and the id of the request', async () => {
    const id = await newUser(app, 'gil@example.com')
    const caller = { ...anonymousCaller, kind: 'user', id: 'boss' } as const
    const context = { requestId: 'r-77', address: '10.9.9.9', startedAt: 0, deadline: Infinity, caller }
    const { accounts, audit } = app.app.auth ?? expect.fail('There is no identity.')
    await runInContext(context, async () => {
      await accounts.grant(id, 'editor')
      await accounts.signOutEverywhere(id)
      await accounts.disable(id)
      await audit.record({ action: 'sign_in.failed', subject: id, address: '10.8.8.8', requestId: 'r-76' })
    })
    const rows = await app.app.db.query(
      'SELECT action, actor, host(address) AS address, request_id FROM plinth.audit WHERE subject = $1 AND actor IS NOT NULL ORDER BY id',
      [id],
    )
    const entry = { actor: 'boss', address: '10.9.9.9', request_id: 'r-77' }
    expect(rows).toEqual([
      { ...entry, action: 'role.granted' },
      { ...entry, action: 'account.disabled' },
      { ...entry, action: 'sign_in.failed', address: '10.8.8.8', request_id: 'r-76' },
    ])
  })

  test('with a key nobody gets the account: it makes no keys, lists no sessions, changes nothing', async () => {
    const browser = await browserOf(app, 'bob@example.com')
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
    const [ann, eve] = [await browserOf(app, 'cid@example.com'), await browserOf(app, 'dan@example.com')]
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
    const id = await newUser(app, 'eve@example.com')
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
    const browser = await browserOf(app, 'many@example.com')
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

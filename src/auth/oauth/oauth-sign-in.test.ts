// Guarantee S14. The provider of most tests is a real one; where a provider has to lie, one of our own does.

import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountBed, type AccountBed, type AccountProcess } from '../../../test/support/account-bed.ts'
import {
  challengeOf,
  client,
  idToken,
  type LyingServer,
  type OidcServer,
  startLyingServer,
  startOidcServer,
} from '../../../test/support/oidc-server.ts'
import { OAuthSignIn, type OAuthSignInOptions } from './oauth-sign-in.ts'

const redirectUri = (provider: string): string => `https://notes.example/auth/oauth/${provider}/callback`

interface Refusal {
  readonly code: string
  readonly message: string
  readonly cause?: Error
}

let bed: AccountBed
let process: AccountProcess
let server: OidcServer
let liar: LyingServer
let oauth: OAuthSignIn
let accounts = 0

beforeAll(async () => {
  ;[bed, server, liar] = await Promise.all([accountBed(), startOidcServer([redirectUri('acme')]), startLyingServer()])
  process = await bed.process()
  oauth = oauthOf()
})
afterAll(async () => {
  await Promise.all([server.close(), liar.close()])
  await bed.close()
})

function oauthOf(changes: Partial<OAuthSignInOptions> = {}): OAuthSignIn {
  const { db, users } = process.auth.parts
  const providers = {
    acme: { issuer: server.issuer, ...client, trustsEmail: true },
    liar: { issuer: liar.issuer, ...client, trustsEmail: true },
  }
  return new OAuthSignIn({ db, users, mayAdd: true, secret: 'a-secret-of-the-tests', redirectUri, providers, ...changes })
}

/** Somebody whom the provider knows and nobody else. */
function newAccount(more: Record<string, unknown> = {}): string {
  const sub = `person-${++accounts}`
  server.account = { sub, email: `${sub}@example.com`, email_verified: true, ...more }
  return `${sub}@example.com`
}

async function signIn(from = oauth, options: Parameters<OAuthSignIn['start']>[1] = {}) {
  const { url, state } = await from.start('acme', options)
  return from.finish('acme', { query: (await server.visit(url)).search, state, session: options.connecting?.session })
}

async function refusal(work: Promise<unknown>): Promise<Refusal> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown as Refusal,
  )
  if (error === undefined) throw new Error('It was accepted.')
  return error
}

async function addUser(email: string, { verified = true, withPassword = true } = {}): Promise<string> {
  const { db, users } = process.auth.parts
  const id = (await users.addVerified(email, {})) ?? ''
  if (!verified) await db.query('UPDATE users SET email_verified_at = NULL WHERE id = $1', [id])
  if (withPassword) await db.query(`INSERT INTO plinth.credentials (user_id, password) VALUES ($1, 'x')`, [id])
  return id
}

describe('whose account it is', () => {
  test('who comes for the first time gets an account, with the address that the provider has confirmed, and next time the same', async () => {
    const email = newAccount()
    const first = await signIn(oauth, { returnTo: '/notes' })
    expect(first).toMatchObject({ user: { email, verified: true }, isNew: true, returnTo: '/notes' })
    expect(await signIn()).toEqual({ user: first.user, isNew: false, returnTo: undefined, isConnected: false })
    expect(await oauth.list(first.user.id)).toMatchObject([{ provider: 'acme' }])
  })

  test('it is found by the subject, also when the address has changed at both sides', async () => {
    newAccount()
    const { user } = await signIn()
    server.account = { ...server.account, email: 'other@example.com' }
    expect((await signIn()).user.id).toBe(user.id)
    server.account = { ...server.account, email_verified: false }
    expect((await signIn()).user.id).toBe(user.id)
  })

  test('an account without a password, whose address both sides have confirmed, is found by the address', async () => {
    const email = newAccount()
    const id = await addUser(email, { withPassword: false })
    expect(await signIn()).toMatchObject({ user: { id }, isNew: false })
  })

  test('a site that the application does not trust with addresses finds no account by them', async () => {
    const email = newAccount()
    const id = await addUser(email, { withPassword: false })
    const untrusted = oauthOf({ providers: { acme: { issuer: server.issuer, ...client } } })
    expect(await refusal(signIn(untrusted))).toMatchObject({ code: 'AUTH_ACCOUNT_EXISTS', status: 409 })
    expect(await oauth.list(id)).toEqual([])
  })

  test.each([
    [
      'another site',
      `INSERT INTO plinth.oauth_accounts (issuer, subject, user_id, provider) VALUES ('https://first.example', $1, $1, 'first')`,
    ],
    [
      'a passkey',
      `INSERT INTO plinth.passkeys (id, user_id, public_key, sign_count, transports, name) VALUES ($1, $1, '', 0, '[]', 'Phone')`,
    ],
  ])('an account that has %s is not taken over by a second site with the same address', async (_, insert) => {
    const email = newAccount()
    const id = await addUser(email, { withPassword: false })
    await process.db.query(insert, [id])
    expect(await refusal(signIn())).toMatchObject({ code: 'AUTH_ACCOUNT_EXISTS', status: 409 })
    expect(await oauth.list(id)).not.toContainEqual(expect.objectContaining({ provider: 'acme' }))
  })

  test.each([
    ['with a password', {}],
    ['whose address nobody has confirmed', { verified: false, withPassword: false }],
    ['with a password and without a confirmed address', { verified: false }],
  ])('an account %s is never handed over because of its address', async (_, account) => {
    const email = newAccount()
    const id = await addUser(email, account)
    expect(await refusal(signIn())).toMatchObject({ code: 'AUTH_ACCOUNT_EXISTS', status: 409 })
    expect(await oauth.list(id)).toEqual([])
  })

  test.each([false, 'true', 1, undefined, null])(
    'without a confirmed address (%j) no account is found and none is made',
    async (verified) => {
      const email = newAccount({ email_verified: verified })
      await addUser(email, { withPassword: false })
      expect(await refusal(signIn())).toMatchObject({ code: 'AUTH_ADDRESS_NOT_CONFIRMED', status: 403 })
    },
  )

  test('a user who is signed in connects another site, whatever its address, and can take it away', async () => {
    const id = await addUser('owner@example.com')
    newAccount({ email: 'elsewhere@example.com', email_verified: false })
    expect(await signIn(oauth, { connecting: { user: id, session: 'of the owner' } })).toMatchObject({
      user: { id },
      isNew: false,
      isConnected: true,
    })
    expect((await signIn()).user.id).toBe(id)
    const other = await addUser('another@example.com')
    expect(await refusal(signIn(oauth, { connecting: { user: other, session: 'of another' } }))).toMatchObject({
      code: 'AUTH_ACCOUNT_EXISTS',
    })
    expect(await oauth.disconnect(other, 'acme')).toBe(false)
    expect(await oauth.disconnect(id, 'acme')).toBe(true)
    expect(await refusal(signIn())).toMatchObject({ code: 'AUTH_ADDRESS_NOT_CONFIRMED' })
  })

  test.each([undefined, 'of somebody else'])(
    'what a user began to connect ends with the session: with %j it is refused',
    async (session) => {
      const user = await addUser(`gone-${session}@example.com`)
      newAccount()
      const { url, state } = await oauth.start('acme', { connecting: { user, session: 'of the owner' } })
      const { search: query } = await server.visit(url)
      expect(await refusal(oauth.finish('acme', { query, state, session }))).toMatchObject({
        code: 'AUTH_PROVIDER_REFUSED',
        cause: { message: expect.stringContaining('session') as string },
      })
      expect(await oauth.list(user)).toEqual([])
    },
  )

  test('a user who was disabled does not come in by another site', async () => {
    newAccount()
    const { user } = await signIn()
    await process.auth.parts.users.setDisabled(user.id, true)
    expect(await refusal(signIn())).toMatchObject({
      code: 'AUTH_PROVIDER_REFUSED',
      cause: { message: expect.stringContaining('disabled') as string },
    })
  })

  test('where sign-up is closed nobody gets an account', async () => {
    newAccount()
    expect(await refusal(signIn(oauthOf({ mayAdd: false })))).toMatchObject({ code: 'AUTH_SIGN_UP_CLOSED', status: 403 })
    expect((await signIn()).isNew).toBe(true)
  })
})

describe('what comes back', () => {
  const back = async (from = oauth): Promise<{ query: string; state: string }> => {
    newAccount()
    const { url, state } = await from.start('acme')
    return { query: (await server.visit(url)).search, state }
  }
  const changed = (query: string, change: (params: URLSearchParams) => void): string => {
    const params = new URLSearchParams(query)
    change(params)
    return `?${params}`
  }

  test('it is good once, and not when it failed', async () => {
    const good = await back()
    await oauth.finish('acme', good)
    expect(await refusal(oauth.finish('acme', good))).toMatchObject({
      code: 'AUTH_PROVIDER_REFUSED',
      cause: { message: expect.stringContaining('before') as string },
    })
    const broken = await back()
    const query = changed(broken.query, (params) => params.set('code', 'x'))
    expect((await refusal(oauth.finish('acme', { ...broken, query }))).code).toBe('AUTH_PROVIDER_REFUSED')
    expect((await refusal(oauth.finish('acme', broken))).code).toBe('AUTH_PROVIDER_REFUSED')
  })

  test('a code that was stolen or used is worth nothing in a flow of somebody else', async () => {
    const [victim, thief] = [await back(), await back()]
    const code = new URLSearchParams(victim.query).get('code') ?? ''
    const query = changed(thief.query, (params) => params.set('code', code))
    expect((await refusal(oauth.finish('acme', { ...thief, query }))).code).toBe('AUTH_PROVIDER_REFUSED')
    const used = await back()
    await oauth.finish('acme', used)
    const again = await back()
    const replayed = changed(again.query, (params) => params.set('code', new URLSearchParams(used.query).get('code') ?? ''))
    expect((await refusal(oauth.finish('acme', { ...again, query: replayed }))).code).toBe('AUTH_PROVIDER_REFUSED')
  })

  test.each([
    ['no state', (params: URLSearchParams) => params.delete('state')],
    ['an empty state', (params: URLSearchParams) => params.set('state', '')],
    ['two states', (params: URLSearchParams) => params.append('state', params.get('state') ?? '')],
    ['another state', (params: URLSearchParams) => params.set('state', 'A'.repeat(43))],
    ['no code', (params: URLSearchParams) => params.delete('code')],
    ['two codes', (params: URLSearchParams) => params.append('code', 'x')],
    ['no issuer', (params: URLSearchParams) => params.delete('iss')],
    ['another issuer', (params: URLSearchParams) => params.set('iss', liar.issuer)],
    ['an error', (params: URLSearchParams) => params.set('error', 'access_denied')],
    ['an ID token in the address', (params: URLSearchParams) => params.set('id_token', 'x')],
  ])('with %s it is refused', async (_, change) => {
    const good = await back()
    expect((await refusal(oauth.finish('acme', { ...good, query: changed(good.query, change) }))).code).toBe('AUTH_PROVIDER_REFUSED')
  })

  test('it counts in the browser that began, and in no other', async () => {
    const [one, other] = [await back(), await back()]
    for (const state of [undefined, '', other.state])
      expect((await refusal(oauth.finish('acme', { ...one, state }))).code).toBe('AUTH_PROVIDER_REFUSED')
    await oauth.finish('acme', one)
  })

  test('after ten minutes it is too late', async () => {
    const late = await back()
    await process.db.query(`UPDATE plinth.one_time_tokens SET expires_at = clock_timestamp()`)
    expect((await refusal(oauth.finish('acme', late))).code).toBe('AUTH_PROVIDER_REFUSED')
  })

  test('what was begun with one provider does not end with another', async () => {
    const mixed = await back()
    expect(await refusal(oauth.finish('liar', mixed))).toMatchObject({
      code: 'AUTH_PROVIDER_REFUSED',
      cause: { message: 'was begun with another provider' },
    })
    expect(liar.asked).toEqual([])
  })

  test('it is used also when a transaction around it is rolled back', async () => {
    const good = await back()
    const undone = process.db.transaction(async () => {
      await oauth.finish('acme', good)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect((await refusal(oauth.finish('acme', good))).code).toBe('AUTH_PROVIDER_REFUSED')
  })
})

describe('what is sent', () => {
  test('the address to come back to is always the same, and the provider takes no other', async () => {
    const { url } = await oauth.start('acme')
    const params = new URL(url).searchParams
    expect(params.get('redirect_uri')).toBe(redirectUri('acme'))
    expect(params.get('code_challenge_method')).toBe('S256')
    newAccount()
    const right = redirectUri('acme')
    for (const wrong of [
      `${right}/`,
      `${right}?x=1`,
      right.replace('notes.', 'evil.'),
      right.replace('https', 'http'),
      `${right}/../x`,
      `${right}%2f`,
      `${right}#x`,
    ]) {
      const other = new URL(url)
      other.searchParams.set('redirect_uri', wrong)
      await expect(server.visit(other.href)).rejects.toThrow('400')
    }
  })

  test('state, nonce and verifier are different each time, and none of them is in the database', async () => {
    const flows = await Promise.all(Array.from({ length: 20 }, () => oauth.start('liar')))
    const texts = flows.flatMap(({ url }) => ['state', 'nonce', 'code_challenge'].map((name) => new URL(url).searchParams.get(name) ?? ''))
    expect(new Set(texts).size).toBe(60)
    const [{ all } = { all: '' }] = await process.db.query<{ all: string }>(
      `SELECT string_agg(t::text, '') AS all FROM plinth.one_time_tokens t`,
    )
    for (const text of texts) expect(all).not.toContain(text)
    for (const text of texts) expect(all).not.toContain(Buffer.from(text, 'base64url').toString('hex'))
  })

  test('a provider that is not named or does not answer is said to be so', async () => {
    expect(await refusal(oauth.start('nobody'))).toMatchObject({ code: 'AUTH_UNKNOWN_PROVIDER', status: 404 })
    const gone = oauthOf({ providers: { gone: { issuer: 'http://127.0.0.1:9', ...client } } })
    expect(await refusal(gone.start('gone'))).toMatchObject({ code: 'AUTH_PROVIDER_UNAVAILABLE', status: 503 })
    const pretender = await startLyingServer({ issuer: server.issuer })
    const other = oauthOf({ providers: { other: { issuer: pretender.issuer, ...client } } })
    expect(await refusal(other.start('other'))).toMatchObject({ code: 'AUTH_PROVIDER_UNAVAILABLE' })
    await pretender.close()
  })
})

describe('a provider that lies', () => {
  const seconds = Math.floor(Date.now() / 1_000)
  const { privateKey: otherKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

  /** What it says about who came, with changes. */
  async function told(changes: object, header: object = {}, key?: 'other' | 'none'): Promise<unknown> {
    const { url, state } = await oauth.start('liar')
    const params = new URL(url).searchParams
    const sub = `liar-${++accounts}`
    const claims = {
      iss: liar.issuer,
      aud: client.clientId,
      sub,
      nonce: params.get('nonce'),
      iat: seconds,
      exp: seconds + 300,
      email: `${sub}@example.com`,
      email_verified: true,
      ...changes,
    }
    liar.answer = (own) =>
      idToken({ alg: 'RS256', kid: own.kid, ...header }, claims, key === undefined ? own.key : key === 'other' ? otherKey : undefined)
    const query = `?${new URLSearchParams({ code: 'a-code', state, iss: liar.issuer })}`
    const found = await oauth.finish('liar', { query, state })
    expect(challengeOf(liar.asked.at(-1)?.get('code_verifier') ?? '')).toBe(params.get('code_challenge'))
    return found
  }

  test('is believed when it does not', async () => {
    expect(await told({})).toMatchObject({ isNew: true })
  })

  test.each([
    ['no nonce', { nonce: undefined }],
    ['another nonce', { nonce: 'x' }],
    ['another issuer', { iss: 'https://accounts.google.com' }],
    ['another audience', { aud: 'somebody' }],
    ['several audiences and no word of whom it is for', { aud: [client.clientId, 'somebody'] }],
    ['no subject', { sub: undefined }],
    ['an end that is over', { exp: seconds - 600 }],
    ['no end', { exp: undefined }],
    ['a beginning that is to come', { nbf: seconds + 6_000 }],
  ])('is refused for %s', async (_, changes) => {
    expect((await refusal(told(changes))).code).toBe('AUTH_PROVIDER_REFUSED')
  })

  test.each([
    ['none', { alg: 'none' }, 'none'],
    ['of another key', {}, 'other'],
    ['of another algorithm', { alg: 'HS256' }, undefined],
    ['of a key that it brings along', { jwk: {}, kid: 'x' }, 'other'],
    ['empty', {}, 'none'],
  ] as const)('is refused when its signature is %s', async (_, header, key) => {
    expect((await refusal(told({}, header, key))).code).toBe('AUTH_PROVIDER_REFUSED')
  })

  test('is refused when it does not say who it is', async () => {
    const { state } = await oauth.start('liar')
    liar.answer = () => undefined
    const query = `?${new URLSearchParams({ code: 'a-code', state, iss: liar.issuer })}`
    expect((await refusal(oauth.finish('liar', { query, state }))).code).toBe('AUTH_PROVIDER_REFUSED')
  })
})

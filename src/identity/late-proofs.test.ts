// S3: what was shown before everything was ended counts no more, however long the hash waited in line.

import { AsyncLocalStorage } from 'node:async_hooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenIn } from '../../test/support/account-bed.ts'
import { Browser, browserOf, identityApp, mailTo, password } from '../../test/support/identity-app.ts'
import { PasskeyDevice } from '../../test/support/passkey-device.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { codeOf } from '../../test/support/totp.ts'
import type { TestApp } from '../testing/test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await identityApp(testDatabase().url)
})
afterAll(() => app.close())

const auth = () => app.app.auth ?? expect.fail('There is no identity.')
const newUser = (email: string): Promise<string> => auth().accounts.create({ email, password })

async function linkTo(email: string): Promise<string> {
  await new Browser(app).send('POST', '/auth/request-password-reset', { email })
  return /token=([\w-]+)/.exec((await mailTo(app, email, /Set a new password/)).text)?.[1] ?? ''
}

/** Does `meanwhile` when the password of `asking` has been found to be right, and not yet been told to be. */
async function whileItIsChecked<result>(asking: () => Promise<result>, meanwhile: () => Promise<unknown>): Promise<result> {
  const { passwords } = auth().parts
  const held = Promise.withResolvers<void>()
  const checked = Promise.withResolvers<void>()
  const verify = passwords.verify.bind(passwords)
  passwords.verify = async (...given) => {
    passwords.verify = verify
    const verdict = await verify(...given)
    checked.resolve()
    await held.promise
    return verdict
  }
  const asked = asking()
  await checked.promise
  await meanwhile().finally(held.resolve)
  return asked
}

const ends: readonly [string, (email: string, id: string) => Promise<unknown>][] = [
  [
    'a reset',
    async (email) =>
      expect(
        await new Browser(app).send('POST', '/auth/reset-password', { token: await linkTo(email), password: 'battery staple' }),
      ).toMatchObject({
        status: 204,
      }),
  ],
  [
    'a change of the password',
    async (email) => {
      const body = { current_password: password, password: 'battery staple' }
      expect((await (await new Browser(app).enter(email)).send('POST', '/auth/change-password', body)).status).toBe(200)
    },
  ],
  ['signing out everywhere', async (email) => (await new Browser(app).enter(email)).send('POST', '/auth/sign-out-everywhere')],
  [
    'disabling and enabling the account',
    async (_email, id) => {
      await auth().accounts.disable(id)
      await auth().accounts.enable(id)
    },
  ],
]

test.each(ends)('a sign-in whose password was checked before %s is refused', async (what, end) => {
  for (const mode of ['cookie', 'token']) {
    const email = `${mode}-${what.replaceAll(' ', '-')}@example.com`
    const id = await newUser(email)
    const thief = new Browser(app)
    const reply = await whileItIsChecked(
      () => thief.send('POST', '/auth/sign-in', { email, password, mode }),
      () => end(email, id),
    )
    expect(reply).toMatchObject({ status: 401, body: { code: 'AUTH_WRONG_CREDENTIALS' } })
    expect((await thief.send('GET', '/auth/me')).status).toBe(401)
  }
})

test.each([
  ['POST', '/auth/change-password', { password: 'words of a thief' }],
  ['POST', '/auth/change-email', { email: 'thief@example.com' }],
  ['DELETE', '/auth/me', {}],
] as const)('%s %s with a password that was reset meanwhile is refused, and changes nothing', async (method, path, body) => {
  const email = `${method}${path.replaceAll('/', '-')}@example.com`.toLowerCase()
  const id = await newUser(email)
  const thief = await new Browser(app).enter(email)
  const token = await linkTo(email)
  const reply = await whileItIsChecked(
    () => thief.send(method, path, { current_password: password, ...body }),
    () => new Browser(app).send('POST', '/auth/reset-password', { token, password: 'battery staple' }),
  )
  expect(reply).toMatchObject({ status: 403, body: { code: 'AUTH_WRONG_PASSWORD' } })
  const links = await app.app.db.query('select 1 from plinth.one_time_tokens where user_id = $1', [id])
  expect(links).toEqual([])
  expect((await new Browser(app).signIn(email, 'battery staple')).status).toBe(200)
})

test('of sessions that are opened while everything is ended, none is left', async () => {
  const id = await newUser('race@example.com')
  const user = (await auth().accounts.find(id)) ?? expect.fail('There is no such user.')
  const opening = Array.from({ length: 8 }, () => auth().signedIn.open(user, { address: '10.0.0.1', agent: undefined }))
  const [, ...opened] = await Promise.allSettled([auth().accounts.signOutEverywhere(id), ...opening])
  expect(await auth().parts.sessions.list(id)).toEqual([])
  for (const result of opened) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'AUTH_WRONG_CREDENTIALS' })
})

const site = { APP_URL: 'https://shop.example' }
/** What is done meanwhile is no part of the transaction that it comes into. */
const outside = AsyncLocalStorage.snapshot()

/** Makes a method wait for `meanwhile` once: before it does anything, after it has, or before it demands that the session lives. */
function onceWith<on extends object>(
  on: on,
  name: keyof on,
  place: 'before' | 'after' | 'demand',
  meanwhile: () => Promise<unknown>,
): void {
  const method = on[name] as (...given: unknown[]) => Promise<unknown>
  const once = async (...given: unknown[]): Promise<unknown> => {
    on[name] = method as on[keyof on]
    if (place === 'before') await outside(meanwhile)
    const demand = given.at(-1) as () => Promise<void>
    const late = async (): Promise<void> => {
      await outside(meanwhile)
      await demand()
    }
    const result = await method.apply(on, place === 'demand' ? [...given.slice(0, -1), late] : given)
    if (place === 'after') await outside(meanwhile)
    return result
  }
  on[name] = once as on[keyof on]
}

describe('in the moment in which a reset is not yet known', () => {
  let shop: TestApp
  beforeAll(async () => {
    shop = await identityApp(testDatabase().url, {}, { environment: site })
  })
  afterAll(() => shop.close())

  const phone = () => new PasskeyDevice({ origin: site.APP_URL, rpId: 'shop.example' })
  const ways = () => shop.app.auth?.ways ?? expect.fail('There is no identity.')

  async function attacked(email: string): Promise<{ id: string; thief: Browser; reset: () => Promise<void> }> {
    const thief = await browserOf(shop, email)
    const { id = '' } = (await shop.app.auth?.accounts.findByEmail(email)) ?? {}
    await new Browser(shop).send('POST', '/auth/request-password-reset', { email })
    const token = tokenIn(await mailTo(shop, email, /Set a new/))
    const reset = async () =>
      expect((await new Browser(shop).send('POST', '/auth/reset-password', { token, password: 'battery staple' })).status).toBe(204)
    return { id, thief, reset }
  }

  test('no passkey is kept, and none signs in that was checked before', async () => {
    const { id, thief, reset } = await attacked('passkey@example.com')
    const device = phone()
    const keep = async () => {
      const { body } = await thief.send('POST', '/auth/passkeys/options')
      return thief.send('POST', '/auth/passkeys', { name: 'Phone', credential: device.register(body.data) })
    }
    onceWith(ways().passkeys, 'finishRegistration', 'demand', reset)
    expect(await keep()).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
    expect(await ways().passkeys.list(id)).toEqual([])

    const again = await attacked('passkeys@example.com')
    const options = await again.thief.send('POST', '/auth/passkeys/options')
    const kept = await again.thief.send('POST', '/auth/passkeys', { name: 'Phone', credential: device.register(options.body.data) })
    expect(kept.status).toBe(201)
    const { body } = await new Browser(shop).send('POST', '/auth/sign-in/passkey/options')
    const late = new Browser(shop)
    onceWith(ways().passkeys, 'finishSignIn', 'after', again.reset)
    const credential = device.signIn(body.data)
    expect(await late.send('POST', '/auth/sign-in/passkey', { credential })).toMatchObject({
      status: 403,
      body: { code: 'AUTH_WRONG_PASSKEY' },
    })
    expect((await late.send('GET', '/auth/me')).status).toBe(401)
  })

  test('no API key is made', async () => {
    const { id, thief, reset } = await attacked('key@example.com')
    onceWith(shop.app.auth?.parts.sessions ?? expect.fail('There are no sessions.'), 'getByHandle', 'after', reset)
    expect(await thief.send('POST', '/auth/keys', { name: 'x' })).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
    expect(await ways().apiKeys.list({ kind: 'user', id })).toEqual([])
  })

  test('no second factor is switched on, which would keep the owner out', async () => {
    const { id, thief, reset } = await attacked('factor@example.com')
    const { body } = await thief.send('POST', '/auth/second-factor')
    onceWith(ways().factors, 'confirm', 'demand', reset)
    const confirmed = await thief.send('POST', '/auth/second-factor/confirm', { code: codeOf(body.data.secret) })
    expect(confirmed).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
    expect(await ways().factors.isOn(id)).toBe(false)
  })
})

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthBed, authBed } from '../../../test/support/auth-bed.ts'
import { PasskeyDevice } from '../../../test/support/passkey-device.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import type { Database } from '../../db/database.ts'
import { removePasskeys } from './passkey-rows.ts'
import { Passkeys } from './passkeys.ts'

const [rpId, origin] = ['example.com', 'https://app.example.com']

/** Why it is refused: for the log. The client hears one thing. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string; cause: Error },
  )
  expect(error).toMatchObject({ code: 'AUTH_WRONG_PASSKEY', status: 403, message: 'The passkey is not accepted.' })
  return error?.cause.message ?? ''
}

describe.each(testDatabases())('passkeys on $name', ({ url }) => {
  let bed: AuthBed
  let db: Database
  let passkeys: Passkeys

  beforeAll(async () => {
    bed = await authBed(url)
    ;({ db } = await bed.process())
    passkeys = new Passkeys({ db, rpId, rpName: 'Notes', origins: [origin, 'https://example.com'] })
  })
  afterAll(() => bed.close())

  const userOf = (id: string) => ({ id, email: `${id}@example.com` })
  const newDevice = (): PasskeyDevice => new PasskeyDevice({ origin, rpId })
  const nothingAsked = 'signed what was not asked for, or was signed before'

  async function registered(user: string, device = newDevice(), name = 'Phone'): Promise<PasskeyDevice> {
    await passkeys.finishRegistration(user, device.register(await passkeys.startRegistration(userOf(user))), name)
    return device
  }

  test('a user signs in by a passkey without saying who it is', async () => {
    const device = await registered('ann')
    device.counter = 1
    const options = await passkeys.startSignIn()
    expect(options).toMatchObject({ rpId, userVerification: 'required', allowCredentials: [] })
    const { user, passkey } = await passkeys.finishSignIn(device.signIn(options))
    expect(user).toBe('ann')
    expect(passkey.name).toBe('Phone')
    expect(await passkeys.list('ann')).toMatchObject([{ id: passkey.id, name: 'Phone', usedAt: expect.any(Date) }])
  })

  test('a user has several, is offered none twice, and can take one away', async () => {
    const [phone, stick] = [await registered('bob'), await registered('bob', newDevice(), 'Stick')]
    const { excludeCredentials = [] } = await passkeys.startRegistration(userOf('bob'))
    expect(excludeCredentials).toHaveLength(2)
    for (const device of [phone, stick]) expect((await passkeys.finishSignIn(device.signIn(await passkeys.startSignIn()))).user).toBe('bob')
    const [lost] = await passkeys.list('bob')
    expect(await passkeys.remove('ann', lost?.id ?? '')).toBe(false)
    expect(await passkeys.remove('bob', lost?.id ?? '')).toBe(true)
    expect(await refusal(passkeys.finishSignIn(stick.signIn(await passkeys.startSignIn())))).toBe('is not known')
    expect((await passkeys.finishSignIn(phone.signIn(await passkeys.startSignIn()))).user).toBe('bob')
    expect(await removePasskeys(db, 'bob')).toBe(1)
  })

  test('a user has twenty at most, also of several that are kept at once', async () => {
    for (let n = 0; n < 18; n += 1) await registered('max')
    const kept = await Promise.allSettled(Array.from({ length: 5 }, () => registered('max')))
    const refused = kept.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []))
    expect(refused).toEqual(['AUTH_TOO_MANY_PASSKEYS', 'AUTH_TOO_MANY_PASSKEYS', 'AUTH_TOO_MANY_PASSKEYS'])
    expect(await passkeys.list('max')).toHaveLength(20)
    expect(await removePasskeys(db, 'max')).toBe(20)
  })

  test.each([
    ['another page', { origin: 'https://evil.example.net', rpId }],
    ['a page whose name only begins the same', { origin: `${origin}.evil.net`, rpId }],
    ['a page without TLS', { origin: 'http://app.example.com', rpId }],
    ['another port', { origin: `${origin}:8443`, rpId }],
    ['another domain', { origin, rpId: 'evil.example.net' }],
    ['a domain below', { origin, rpId: 'app.example.com' }],
    ['a device that has not checked who holds it', { origin, rpId, verifies: false }],
  ])('what was signed for %s is refused', async (_, options) => {
    const device = await registered('cid')
    const good = device.options
    device.options = options
    expect(await refusal(passkeys.finishSignIn(device.signIn(await passkeys.startSignIn())))).not.toBe(nothingAsked)
    const other = new PasskeyDevice(options)
    expect(
      await refusal(passkeys.finishRegistration('cid', other.register(await passkeys.startRegistration(userOf('cid'))), 'x')),
    ).not.toBe(nothingAsked)
    device.options = good
    expect((await passkeys.finishSignIn(device.signIn(await passkeys.startSignIn()))).user).toBe('cid')
  })

  test('what is to be signed is good once, also for twenty that come at the same time', async () => {
    const device = await registered('dan')
    const reply = device.signIn(await passkeys.startSignIn())
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => passkeys.finishSignIn(reply)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await refusal(passkeys.finishSignIn(reply))).toBe(nothingAsked)
    const create = newDevice().register(await passkeys.startRegistration(userOf('dan')))
    await passkeys.finishRegistration('dan', create, 'once')
    expect(await refusal(passkeys.finishRegistration('dan', create, 'twice'))).toBe(nothingAsked)
  })

  test('it is used up by a try that fails, and by one in a transaction that is rolled back', async () => {
    const device = await registered('eve')
    const options = await passkeys.startSignIn()
    const broken = device.signIn(options)
    broken.response['signature'] = device.signIn({ challenge: 'another' }).response['signature'] ?? ''
    expect(await refusal(passkeys.finishSignIn(broken))).toBe('has a wrong signature')
    expect(await refusal(passkeys.finishSignIn(device.signIn(options)))).toBe(nothingAsked)
    const reply = device.signIn(await passkeys.startSignIn())
    const undone = db.transaction(async () => {
      await passkeys.finishSignIn(reply)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await refusal(passkeys.finishSignIn(reply))).toBe(nothingAsked)
  })

  test('what was asked for something else, for somebody else, by nobody or long ago is refused', async () => {
    const device = await registered('fay')
    const registration = await passkeys.startRegistration(userOf('fay'))
    expect(await refusal(passkeys.finishSignIn(device.signIn(registration)))).toBe(nothingAsked)
    const create = newDevice().register({ challenge: (await passkeys.startSignIn()).challenge, user: { id: 'ZmF5' } })
    expect(await refusal(passkeys.finishRegistration('fay', create, 'x'))).toBe(nothingAsked)
    const others = newDevice().register(await passkeys.startRegistration(userOf('gus')))
    expect(await refusal(passkeys.finishRegistration('fay', others, 'x'))).toBe(nothingAsked)
    expect(await refusal(passkeys.finishSignIn(device.signIn({ challenge: randomBytes(32).toString('base64url') })))).toBe(nothingAsked)
    const old = await passkeys.startSignIn()
    await db.query(`UPDATE plinth.one_time_tokens SET expires_at = clock_timestamp()`)
    expect(await refusal(passkeys.finishSignIn(device.signIn(old)))).toBe(nothingAsked)
    expect((await passkeys.finishSignIn(device.signIn(await passkeys.startSignIn()))).user).toBe('fay')
  })

  test('a counter that stands or goes back means that there are two of it', async () => {
    const device = await registered('hal')
    const signInAt = async (counter: number): Promise<unknown> => {
      device.counter = counter
      return passkeys.finishSignIn(device.signIn(await passkeys.startSignIn()))
    }
    await signInAt(0)
    await signInAt(7)
    for (const counter of [7, 6, 0]) expect(await refusal(signInAt(counter))).toMatch(/counter/i)
    await signInAt(8)
    device.counter = 9
    const options = await Promise.all(Array.from({ length: 20 }, () => passkeys.startSignIn()))
    const replies = options.map((option) => device.signIn(option))
    const all = await Promise.allSettled(replies.map((reply) => passkeys.finishSignIn(reply)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('a signature of another key, of another passkey or for another user is refused', async () => {
    const [device, thief] = [await registered('ida'), await registered('jan')]
    const reply = thief.signIn(await passkeys.startSignIn())
    const own = device.signIn({ challenge: 'x' }).id
    expect(await refusal(passkeys.finishSignIn({ ...reply, id: own, rawId: own }))).toBeDefined()
    const named = thief.signIn(await passkeys.startSignIn())
    named.response['userHandle'] = Buffer.from('ida').toString('base64url')
    expect(await refusal(passkeys.finishSignIn(named))).toBe('says that it is of somebody else')
    const same = new PasskeyDevice({ origin, rpId })
    const create = same.register(await passkeys.startRegistration(userOf('ida')))
    await passkeys.finishRegistration('ida', create, 'mine')
    // The id of a passkey of somebody else is not taken over.
    const id = Buffer.from(create.id, 'base64url')
    const copy = newDevice().register(await passkeys.startRegistration(userOf('jan')), { id })
    expect(await refusal(passkeys.finishRegistration('jan', copy, 'stolen'))).toBe('is known already')
    const two = newDevice().register(await passkeys.startRegistration(userOf('jan')))
    expect(await refusal(passkeys.finishRegistration('jan', { ...two, id: create.id, rawId: create.id }, 'stolen'))).toBe('has two ids')
  })

  test('no certificates are looked at: their addresses would be asked', async () => {
    const device = newDevice()
    const statement = new Map<string, string | Buffer | Buffer[] | number>([
      ['alg', -7],
      ['sig', Buffer.alloc(70)],
      ['x5c', [Buffer.alloc(10)]],
    ])
    for (const format of ['packed', 'fido-u2f', 'tpm', 'android-key', 'apple', 'android-safetynet']) {
      const create = device.register(await passkeys.startRegistration(userOf('kim')), { attestation: statement, format })
      expect(await refusal(passkeys.finishRegistration('kim', create, 'x'))).toBe('comes with a certificate that nobody asked for')
    }
  })

  test.each([
    [undefined],
    [null],
    ['text'],
    [[]],
    [{}],
    [{ id: 'x', rawId: 'x', type: 'public-key' }],
    [{ id: 'x', rawId: 'x', type: 'public-key', response: {} }],
  ])('%j is no reply of a passkey', async (reply) => {
    expect(await refusal(passkeys.finishSignIn(reply))).toBe('is no reply of a passkey')
    expect(await refusal(passkeys.finishRegistration('ann', reply, 'x'))).toBe('is no reply of a passkey')
  })

  test('whatever is changed in a reply, it is refused', async () => {
    const device = await registered('lea')
    for (const name of ['clientDataJSON', 'authenticatorData', 'signature']) {
      const reply = device.signIn(await passkeys.startSignIn())
      const bytes = Buffer.from(reply.response[name] ?? '', 'base64url')
      bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1
      reply.response[name] = bytes.toString('base64url')
      expect(await refusal(passkeys.finishSignIn(reply))).toBeTypeOf('string')
      await refusal(passkeys.finishSignIn({ ...reply, response: { ...reply.response, [name]: 'x'.repeat(20_000) } }))
    }
  })
})

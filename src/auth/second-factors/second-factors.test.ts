import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthBed, authBed } from '../../../test/support/auth-bed.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { bytesOf, codeOf } from '../../../test/support/totp.ts'
import type { Database } from '../../db/database.ts'
import { TryLimits } from '../accounts/try-limits.ts'
import { SecondFactors } from './second-factors.ts'

const free = { code: async () => undefined }
const wrongCode = { code: 'AUTH_WRONG_CODE', status: 403 }

describe.each(testDatabases())('second factors on $name', ({ url }) => {
  let bed: AuthBed
  let db: Database
  let factors: SecondFactors

  beforeAll(async () => {
    bed = await authBed(url)
    ;({ db } = await bed.process())
    factors = factorsOf()
  })
  afterAll(() => bed.close())

  const factorsOf = (changes: { limits?: Pick<TryLimits, 'code'>; secret?: string } = {}): SecondFactors =>
    new SecondFactors({ db, limits: free, secret: 'a-secret-of-the-tests', issuer: 'Notes', ...changes })

  /** Confirmed with the code of the half minute before, so that the one of now is still good. */
  async function withFactor(user: string): Promise<{ secret: string; codes: string[] }> {
    const { secret } = await factors.enrol(user, `${user}@example.com`)
    return { secret, codes: await factors.confirm(user, codeOf(secret, -1)) }
  }

  test('a secret is shown once, as text and as the address of a QR code, and counts when a code of it has confirmed it', async () => {
    const { secret, uri } = await factors.enrol('ann', 'ann@example.com')
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(uri).toBe(`otpauth://totp/Notes:ann%40example.com?issuer=Notes&secret=${secret}&algorithm=SHA1&digits=6&period=30`)
    expect(await factors.status('ann')).toEqual({ on: false, recoveryCodes: 0 })
    await expect(factors.verify('ann', codeOf(secret))).rejects.toMatchObject(wrongCode)
    await expect(factors.confirm('ann', codeOf(secret, 5))).rejects.toMatchObject(wrongCode)
    const codes = await factors.confirm('ann', codeOf(secret))
    expect(new Set(codes).size).toBe(10)
    expect(await factors.status('ann')).toEqual({ on: true, recoveryCodes: 10 })
  })

  test('a secret that was not confirmed is replaced by the next, and one that was is not', async () => {
    const { secret: first } = await factors.enrol('bob', 'bob@example.com')
    const { secret } = await factors.enrol('bob', 'bob@example.com')
    await expect(factors.confirm('bob', codeOf(first))).rejects.toMatchObject(wrongCode)
    await factors.confirm('bob', codeOf(secret, -1))
    await expect(factors.enrol('bob', 'bob@example.com')).rejects.toMatchObject({ code: 'AUTH_FACTOR_IS_ON', status: 409 })
    await expect(factors.confirm('bob', codeOf(secret))).rejects.toMatchObject({ code: 'AUTH_FACTOR_IS_ON' })
    await factors.verify('bob', codeOf(secret))
  })

  test('codes of the half minutes before and after are taken, and no others', async () => {
    const { secret } = await withFactor('cid')
    for (const steps of [-3, 3, 100]) await expect(factors.verify('cid', codeOf(secret, steps))).rejects.toMatchObject(wrongCode)
    for (const code of ['', '000', '12345a', ` ${codeOf(secret)}`, `${codeOf(secret)}0`])
      await expect(factors.verify('cid', code)).rejects.toMatchObject(wrongCode)
    await factors.verify('cid', codeOf(secret))
    await factors.verify('cid', codeOf(secret, 1))
  })

  test('no code is used twice, nor one of before: of 20 that come with the same one at once, one is let in', async () => {
    const { secret } = await withFactor('dan')
    const code = codeOf(secret)
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => factors.verify('dan', code)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const steps of [0, -1]) await expect(factors.verify('dan', codeOf(secret, steps))).rejects.toMatchObject(wrongCode)
  })

  test('it is used also when a transaction around it is rolled back', async () => {
    const { secret, codes } = await withFactor('eve')
    const code = codeOf(secret)
    const undone = db.transaction(async () => {
      await factors.verify('eve', code)
      await factors.recover('eve', codes[0] ?? '')
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await expect(factors.verify('eve', code)).rejects.toMatchObject(wrongCode)
    await expect(factors.recover('eve', codes[0] ?? '')).rejects.toMatchObject(wrongCode)
  })

  test('a recovery code is good once, however it is written, for its user only', async () => {
    const { codes } = await withFactor('fay')
    await withFactor('gus')
    const [first = '', second = ''] = codes
    expect(first).toMatch(/^(?:[A-HJ-NP-Z2-9]{4}-){3}[A-HJ-NP-Z2-9]{4}$/)
    await expect(factors.recover('gus', first)).rejects.toMatchObject(wrongCode)
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => factors.recover('fay', first)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await factors.recover('fay', second.toLowerCase().replaceAll('-', ' '))).toBe(8)
    for (const code of ['', first, 'AAAA-AAAA-AAAA-AAAA']) await expect(factors.recover('fay', code)).rejects.toMatchObject(wrongCode)
  })

  test('new recovery codes take the place of the old ones, and need a second factor', async () => {
    const { codes } = await withFactor('hal')
    const renewed = await factors.renewRecoveryCodes('hal')
    await expect(factors.recover('hal', codes[0] ?? '')).rejects.toMatchObject(wrongCode)
    expect(await factors.recover('hal', renewed[0] ?? '')).toBe(9)
    await expect(factors.renewRecoveryCodes('nobody')).rejects.toMatchObject(wrongCode)
  })

  test('switched off, neither its codes nor its recovery codes count, and another can be set up', async () => {
    const { secret, codes } = await withFactor('ida')
    expect(await factors.disable('ida')).toBe(true)
    expect(await factors.disable('ida')).toBe(false)
    expect(await factors.status('ida')).toEqual({ on: false, recoveryCodes: 0 })
    await expect(factors.verify('ida', codeOf(secret))).rejects.toMatchObject(wrongCode)
    await expect(factors.recover('ida', codes[0] ?? '')).rejects.toMatchObject(wrongCode)
    await withFactor('ida')
  })

  test('who reads or writes the table has no code: secrets are encrypted, each for its user', async () => {
    const { secret, codes } = await withFactor('jan')
    const [row] = await db.query<{ all: string }>(
      `SELECT concat(f, string_agg(c::text, '')) AS all FROM plinth.second_factors f JOIN plinth.recovery_codes c USING (user_id) WHERE user_id = 'jan' GROUP BY f`,
    )
    expect(row?.all).not.toContain(bytesOf(secret).toString('hex'))
    for (const code of codes) expect(row?.all).not.toContain(code.replaceAll('-', ''))
    await withFactor('kim')
    await db.query(
      `UPDATE plinth.second_factors SET secret = (SELECT secret FROM plinth.second_factors WHERE user_id = 'jan') WHERE user_id = 'kim'`,
    )
    await expect(factors.verify('kim', codeOf(secret))).rejects.toThrow('encrypted with another SECRET_KEY')
    await expect(factorsOf({ secret: 'another' }).verify('jan', codeOf(secret))).rejects.toThrow('encrypted with another SECRET_KEY')
  })

  test('after ten tries in a quarter of an hour no code is looked at any more, also not the right one', async () => {
    const limits = new TryLimits((await bed.process()).rates, 'x')
    const guarded = factorsOf({ limits })
    const { secret, codes } = await withFactor('lea')
    for (let time = 0; time < 5; time += 1) {
      await expect(guarded.verify('lea', '000000')).rejects.toMatchObject(wrongCode)
      await expect(guarded.recover('lea', 'AAAA')).rejects.toMatchObject(wrongCode)
    }
    await expect(guarded.verify('lea', codeOf(secret))).rejects.toMatchObject({ code: 'AUTH_TOO_MANY_TRIES', status: 429 })
    await expect(guarded.recover('lea', codes[0] ?? '')).rejects.toMatchObject({ code: 'AUTH_TOO_MANY_TRIES' })
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AuthBed, authBed } from '../../../test/support/auth-bed.ts'
import { partsOf, refusal, signedIn, tokenProcess, type TokenProcess, type TokenProcessOptions } from '../../../test/support/auth-tokens.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { until } from '../../../test/support/redis.ts'
import type { Database } from '../../db/database.ts'
import { KeyRing } from './key-ring.ts'

const kidOf = (token: string): unknown => partsOf(token).header['kid']
/** No process waits for another. */
const timing = { freshMs: 0, believedMs: 0, settleMs: 0, handoverMs: 60_000 }

describe.each(testDatabases())('signing keys on $name', ({ url }) => {
  let bed: AuthBed
  let one: TokenProcess

  beforeAll(async () => {
    bed = await authBed(url)
  })
  afterAll(() => bed.close())
  beforeEach(async () => {
    one = await start()
    await one.db.query('TRUNCATE plinth.signing_keys')
  })
  const start = (options: TokenProcessOptions = {}): Promise<TokenProcess> => tokenProcess(bed, { timing, ...options })
  const keysIn = (db: Database) =>
    db.query<{ kid: string; ends_at: Date | null }>('SELECT kid, ends_at FROM plinth.signing_keys ORDER BY created_at')

  test('processes that need the first key at the same time make one', async () => {
    const processes = [one, await start(), await start()]
    const kids = await Promise.all(processes.flatMap(({ keys }) => [keys.signer(), keys.signer()]).map(async (key) => (await key).kid))
    expect(new Set(kids).size).toBe(1)
    expect(await keysIn(one.db)).toHaveLength(1)
  })

  test('processes that replace a key at the same time replace it once', async () => {
    const processes = [one, await start(), await start()]
    await Promise.all(processes.map(({ keys }) => keys.signer()))
    await Promise.all(processes.map(({ keys }) => keys.rotate()))
    expect(await keysIn(one.db)).toEqual([
      expect.objectContaining({ ends_at: expect.any(Date) }),
      expect.objectContaining({ ends_at: null }),
    ])
  })

  test('a process that has not asked for keys yet replaces and ends those that there are', async () => {
    const { kid } = await one.keys.signer()
    await (await start()).keys.rotate()
    expect(await keysIn(one.db)).toEqual([
      { kid, ends_at: expect.any(Date) },
      { kid: expect.any(String), ends_at: null },
    ])
    const current = (await (await start()).keys.list())[0]?.kid ?? ''
    expect(await (await start()).keys.end(current)).toBe(true)
    expect((await (await start()).keys.list()).map((key) => [key.kid === current, key.signs])).toEqual([
      [false, true],
      [false, false],
    ])
  })

  test('after a change of keys the new one signs, and what the old one signed is accepted, by every process', async () => {
    const other = await start()
    const { token: old } = await signedIn(one)
    expect(await refusal(other.tokens, old)).toBeUndefined()
    await one.keys.rotate()
    const { token: young } = await signedIn(one)
    expect(kidOf(young)).not.toBe(kidOf(old))
    for (const { tokens } of [one, other, await start()])
      for (const token of [old, young]) expect(await refusal(tokens, token)).toBeUndefined()
    expect((await one.keys.jwks()).keys.map(({ kid }) => kid)).toEqual([kidOf(young), kidOf(old)])
  })

  test('a key that has signed for long enough is replaced', async () => {
    const { kid } = await one.keys.signer()
    await one.db.query(`UPDATE plinth.signing_keys SET created_at = created_at - interval '91 days'`)
    expect((await one.keys.signer()).kid).not.toBe(kid)
    expect(await keysIn(one.db)).toHaveLength(2)
  })

  test('when the time of a key is over nothing that it signed is accepted, also not from memory', async () => {
    const { token } = await signedIn(one)
    await one.keys.rotate()
    expect(await refusal(one.tokens, token)).toBeUndefined()
    await one.db.query('UPDATE plinth.signing_keys SET ends_at = clock_timestamp() WHERE kid = $1', [kidOf(token)])
    await until(async () => (await refusal(one.tokens, token)) === 'names a key that is not known')
    expect(await refusal((await start()).tokens, token)).toBe('names a key that is not known')
  })

  test('a key that somebody else has is ended at once', async () => {
    const { token } = await signedIn(one)
    expect(await refusal(one.tokens, token)).toBeUndefined()
    expect(await one.keys.end(String(kidOf(token)))).toBe(true)
    expect(await refusal(one.tokens, token)).toBe('names a key that is not known')
    expect(await refusal(one.tokens, (await signedIn(one)).token)).toBeUndefined()
    expect(await one.keys.end('AAAAAAAAAAAAAAAA')).toBe(false)
  })

  test('with another secret a new key signs, and what was signed before is still accepted', async () => {
    const { token } = await signedIn(one)
    const other = await start({ secret: 'another-secret-that-was-put-in-its-place' })
    expect(await refusal(other.tokens, token)).toBeUndefined()
    const { token: young } = await signedIn(other)
    expect(kidOf(young)).not.toBe(kidOf(token))
    expect(await refusal(one.tokens, young)).toBeUndefined()
    // While both secrets are in use, nobody replaces the key of the other over and over.
    for (let turn = 0; turn < 3; turn += 1) for (const process of [one, other]) await process.keys.signer()
    expect(await keysIn(one.db)).toHaveLength(2)
  })

  test('HS256 by configuration: it signs and verifies, and no key is shown', async () => {
    const hmac = await start({ algorithm: 'HS256' })
    const { token } = await signedIn(hmac)
    expect(partsOf(token).header).toMatchObject({ alg: 'HS256' })
    expect(await refusal(one.tokens, token)).toBeUndefined()
    expect(await refusal((await start({ secret: 'another-secret-that-was-put-in-its-place' })).tokens, token)).toBe('has a wrong signature')
    expect((await hmac.keys.jwks()).keys).toEqual([])
  })

  test('who reads the table cannot sign', async () => {
    await one.keys.signer()
    const [row] = await one.db.query<{ key: Buffer; public: Buffer }>(
      'SELECT private_key AS key, public_key AS public FROM plinth.signing_keys',
    )
    // PKCS#8 of Ed25519 begins like that; the seed of 32 bytes follows.
    expect(row?.key.includes(Buffer.from('302e020100300506032b6570', 'hex'))).toBe(false)
    await one.db.query(`UPDATE plinth.signing_keys SET kid = 'AAAAAAAAAAAAAAAA'`)
    const { kid } = await (await start()).keys.signer()
    expect(kid).not.toBe('AAAAAAAAAAAAAAAA')
  })

  test('a key that was made in a transaction outlives it', async () => {
    const undone = one.db.transaction(async () => {
      await one.keys.signer()
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await keysIn(one.db)).toHaveLength(1)
  })
})

describe('how often the database is asked', () => {
  let bed: AuthBed
  beforeAll(async () => {
    bed = await authBed()
  })
  afterAll(() => bed.close())

  test('however many unknown keys are named, once in a while; and a new key that signs at once is known all the same', async () => {
    // The other process does not ask by itself in this time, so what it finds it was asked for.
    const rarely = { freshMs: 60_000, believedMs: 60_000, settleMs: 0, handoverMs: 60_000 }
    const [one, other] = [await tokenProcess(bed), await tokenProcess(bed, { timing: rarely })]
    const { token } = await signedIn(one)
    expect(await refusal(other.tokens, token)).toBeUndefined()
    let asked = 0
    let underWay = 0
    let atOnce = 0
    const { read } = other.db
    const counted: Database['read'] = async (...given) => {
      if (given[0].name !== 'plinth_signing_keys') return read.apply(other.db, given)
      asked += 1
      atOnce = Math.max(atOnce, ++underWay)
      return read.apply(other.db, given).finally(() => (underWay -= 1))
    }
    Object.assign(other.db, { read: counted })
    await sleep(60)
    const began = performance.now()
    const unknown = Array.from({ length: 200 }, (_, index) => other.keys.find(String(index).padStart(16, 'A')))
    expect((await Promise.all(unknown)).filter((key) => key !== undefined)).toEqual([])
    for (let index = 0; index < 2_000; index += 1) await other.keys.find(String(index).padStart(16, 'B'))
    expect(atOnce).toBeLessThanOrEqual(1)
    expect(asked).toBeLessThanOrEqual(1 + (performance.now() - began) / 50)
    await one.keys.end(String(kidOf(token)))
    const { kid } = await one.keys.signer()
    await sleep(60)
    expect((await other.keys.find(kid))?.kid).toBe(kid)
    expect(other.keys.known(String(kidOf(token)))).toBeUndefined()
  })

  test('a key that was ended neither counts nor signs a second later, also in a process that had nothing to do', async () => {
    const [one, busy, idle] = [await tokenProcess(bed), await tokenProcess(bed), await tokenProcess(bed)]
    const { token } = await signedIn(one)
    const kid = String(kidOf(token))
    for (const { tokens } of [busy, idle]) expect(await refusal(tokens, token)).toBeUndefined()
    await until(async () => (await refusal(busy.tokens, token)) === undefined && busy.tokens.near(token) !== undefined)
    await one.keys.end(kid)
    const endedAt = performance.now()
    while (performance.now() - endedAt < 1_000) {
      await busy.keys.find(kid)
      await sleep(20)
    }
    for (const { tokens, keys } of [busy, idle]) {
      expect(keys.known(kid)).toBeUndefined()
      expect(tokens.near(token)).toBeUndefined()
      expect((await keys.signer()).kid).not.toBe(kid)
      expect(await refusal(tokens, token)).toBe('names a key that is not known')
    }
  })

  test('a new key signs only when others had the time to hear of it', async () => {
    const one = await tokenProcess(bed, { timing: { freshMs: 0, believedMs: 0, settleMs: 300, handoverMs: 60_000 } })
    await one.db.query('TRUNCATE plinth.signing_keys')
    const { kid } = await one.keys.signer()
    await sleep(310)
    await one.keys.rotate()
    expect((await one.keys.signer()).kid).toBe(kid)
    await until(async () => (await one.keys.signer()).kid !== kid)
  })
})

test('no key is called unknown while PostgreSQL cannot be asked, however often one asks', async () => {
  const away = new Error('away')
  const answer = { error: away as Error | undefined }
  const db = {
    read: () => (answer.error === undefined ? Promise.resolve({ count: 0 }) : Promise.reject(answer.error)),
  } as unknown as Database
  const options = { db, secret: 'x'.repeat(32), algorithm: 'EdDSA', tokenMs: 1_000, replaceAfterMs: 1_000_000 } as const
  const ring = new KeyRing({ ...options, timing: { ...timing, freshMs: 60_000, believedMs: 60_000 } })
  for (let i = 0; i < 3; i += 1) await expect(ring.find('a'.repeat(16))).rejects.toBe(away)
  answer.error = undefined
  const again = new KeyRing({ ...options, timing })
  expect(await again.find('a'.repeat(16))).toBeUndefined()
})

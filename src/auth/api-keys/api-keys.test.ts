import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AuthBed, authBed } from '../../../test/support/auth-bed.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { until } from '../../../test/support/redis.ts'
import type { Database } from '../../db/database.ts'
import { ApiKeys } from './api-keys.ts'

/** From the end of a key to the last process that knows it. */
const promiseMs = 1_000

/** Why a key is refused; undefined when it is accepted. */
async function refusal(keys: ApiKeys, key: string): Promise<string | undefined> {
  try {
    await keys.verify(key)
    return undefined
  } catch (error) {
    expect(error).toMatchObject({ code: 'AUTH_INVALID_TOKEN', message: 'The token that was shown is not accepted.' })
    return ((error as Error).cause as Error).message
  }
}

describe.each(testDatabases())('API keys on $name', ({ url }) => {
  let bed: AuthBed
  let db: Database
  let [one, other]: ApiKeys[] = []

  beforeAll(async () => {
    bed = await authBed(url)
    const processes = [await bed.process(), await bed.process()] as const
    ;({ db } = processes[0])
    ;[one, other] = processes.map((process) => new ApiKeys(process.db)) as [ApiKeys, ApiKeys]
  })
  afterAll(async () => {
    one?.close()
    other?.close()
    await bed.close()
  })
  const keysOf = (): { here: ApiKeys; there: ApiKeys } => {
    if (one === undefined || other === undefined) throw new Error('Not started.')
    return { here: one, there: other }
  }
  const ann = { kind: 'user', id: 'ann' } as const

  test('a key is shown once, and says whose it is and what it is for', async () => {
    const { here, there } = keysOf()
    const { key, apiKey } = await here.create({ owner: ann, name: 'backup', scopes: ['notes:read'], lifetimeMs: 60_000 })
    expect(key).toMatch(/^plinth_[\da-f]{16}_[\w-]{43}$/)
    for (const keys of [here, there])
      expect(await keys.verify(key)).toMatchObject({ id: apiKey.id, owner: ann, name: 'backup', scopes: ['notes:read'] })
    const [stored] = await db.query<{ row: string }>('SELECT k::text AS row FROM plinth.api_keys k WHERE id = $1', [apiKey.id])
    expect(stored?.row).toContain(apiKey.id)
    expect(stored?.row).not.toContain(key.slice(24))
    expect(stored?.row).not.toContain(Buffer.from(key.slice(24), 'base64url').toString('hex'))
  })

  test('an owner has a hundred keys, also when the last ones are made at once by several processes', async () => {
    const { here, there } = keysOf()
    const owner = { kind: 'user', id: 'collector' } as const
    await db.query(
      `insert into plinth.api_keys (id, hash, owner_kind, owner_id, name, scopes)
       select 'collected' || n, '', 'user', 'collector', 'x', 'null' from generate_series(1, 98) n`,
    )
    const made = await Promise.allSettled(
      Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? here : there).create({ owner, name: 'x', scopes: undefined })),
    )
    const refusals = made.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []))
    expect(refusals).toEqual(Array.from({ length: 10 }, () => 'AUTH_TOO_MANY_KEYS'))
    expect(await here.list(owner)).toHaveLength(100)
  })

  test('a service has keys of its own', async () => {
    const { here, there } = keysOf()
    const { key } = await here.create({ owner: { kind: 'service', id: 'billing' }, name: 'nightly', scopes: undefined })
    expect(await there.verify(key)).toMatchObject({ owner: { kind: 'service', id: 'billing' }, scopes: undefined, expiresAt: undefined })
    expect(await here.list({ kind: 'user', id: 'billing' })).toEqual([])
  })

  test('no part of a key, no changed key and no hash of it is one', async () => {
    const { here } = keysOf()
    const { key, apiKey } = await here.create({ owner: ann, name: 'x', scopes: undefined })
    const other = await here.create({ owner: ann, name: 'y', scopes: undefined })
    const [, id = '', secret = ''] = key.split('_')
    const swapped = `plinth_${id}_${other.key.slice(24)}`
    const wrong = [
      '',
      apiKey.id,
      secret,
      key.slice(0, -1),
      `${key}A`,
      key.toUpperCase(),
      `${key} `,
      swapped,
      `plinth_${'0'.repeat(16)}_${secret}`,
    ]
    const last = key.at(-1) === 'A' ? 'B' : 'A'
    for (const text of [...wrong, key.slice(0, -1) + last]) expect(await refusal(here, text)).toMatch(/is no API key/)
    expect(await refusal(here, key)).toBeUndefined()
  })

  test('it is over when it expires, also where it was used a moment ago', async () => {
    const { here, there } = keysOf()
    const { key } = await here.create({ owner: ann, name: 'short', scopes: undefined, lifetimeMs: 400 })
    for (const keys of [here, there]) expect(await refusal(keys, key)).toBeUndefined()
    await sleep(410)
    for (const keys of [here, there]) expect(await refusal(keys, key)).toBe('is an API key that has expired')
  })

  test('revoked by its owner it is over here at once, and in every process within a second', async () => {
    const { here, there } = keysOf()
    const { key, apiKey } = await here.create({ owner: ann, name: 'lost', scopes: undefined })
    for (let time = 0; time < 3; time += 1) for (const keys of [here, there]) expect(await refusal(keys, key)).toBeUndefined()
    expect(await here.revoke({ kind: 'user', id: 'bob' }, apiKey.id)).toBe(false)
    expect(await here.revoke({ kind: 'service', id: 'ann' }, apiKey.id)).toBe(false)
    expect(await refusal(here, key)).toBeUndefined()
    expect(await here.revoke(ann, apiKey.id)).toBe(true)
    expect(await refusal(here, key)).toBe('is no API key that there is')
    const start = performance.now()
    await until(async () => (await refusal(there, key)) !== undefined)
    expect(performance.now() - start).toBeLessThan(promiseMs)
  })

  test('all keys of an owner can be revoked, and nobody else loses any', async () => {
    const { here } = keysOf()
    const bob = { kind: 'user', id: 'bob' } as const
    const keys = [await here.create({ owner: bob, name: '1', scopes: [] }), await here.create({ owner: bob, name: '2', scopes: [] })]
    const kept = await here.create({ owner: { kind: 'user', id: 'cid' }, name: '3', scopes: [] })
    expect((await here.list(bob)).map(({ name }) => name)).toEqual(['2', '1'])
    expect(await here.revokeAllOf(bob)).toBe(2)
    for (const { key } of keys) expect(await refusal(here, key)).toBeDefined()
    expect(await refusal(here, kept.key)).toBeUndefined()
  })

  test('the last use is written down at most once a minute, by all processes together', async () => {
    const { here, there } = keysOf()
    const owner = { kind: 'user', id: 'dan' } as const
    const { key, apiKey } = await here.create({ owner, name: 'busy', scopes: undefined })
    expect((await here.list(owner))[0]?.usedAt).toBeUndefined()
    for (let time = 0; time < 20; time += 1) for (const keys of [here, there]) await keys.verify(key)
    await until(async () => (await here.list(owner))[0]?.usedAt !== undefined)
    const usedAt = (await here.list(owner))[0]?.usedAt
    for (let time = 0; time < 20; time += 1) for (const keys of [here, there]) await keys.verify(key)
    await sleep(50)
    expect((await here.list(owner))[0]?.usedAt).toEqual(usedAt)
    await db.query(`UPDATE plinth.api_key_uses SET used_at = used_at - interval '2 minutes' WHERE id = $1`, [apiKey.id])
    const third = new ApiKeys(db)
    await third.verify(key)
    await until(async () => Number((await here.list(owner))[0]?.usedAt) >= Number(usedAt))
    third.close()
  })

  test('a key of a transaction that is rolled back is none', async () => {
    const { here } = keysOf()
    let key = ''
    const undone = db.transaction(async () => {
      ;({ key } = await here.create({ owner: ann, name: 'never', scopes: undefined }))
      expect(await refusal(here, key)).toBeUndefined()
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await refusal(here, key)).toBe('is no API key that there is')
  })
})

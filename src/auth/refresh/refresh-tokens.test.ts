// Guarantee S4: a refresh token is exchanged once, and what two have is worth nothing to either.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuthBed, authBed, type AuthProcess } from '../../../test/support/auth-bed.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { until } from '../../../test/support/redis.ts'
import { forgetExpired } from '../../state/forget-expired.ts'
import { rotateRefresh } from './refresh-rows.ts'
import { newSalt, readSecret } from './refresh-secret.ts'
import { RefreshTokens, type RefreshTokensOptions, ReusedToken } from './refresh-tokens.ts'

type RefreshProcess = AuthProcess & { readonly refreshes: RefreshTokens }

const dayMs = 86_400_000
/** Far longer and shorter than anything here takes. */
const [longMs, shortMs] = [60_000, 1]

async function refreshProcess(bed: AuthBed, options: Partial<RefreshTokensOptions> = {}): Promise<RefreshProcess> {
  const process = await bed.process()
  return { ...process, refreshes: refreshesOf(process, options) }
}

function refreshesOf({ db, sessions }: AuthProcess, options: Partial<RefreshTokensOptions> = {}): RefreshTokens {
  return new RefreshTokens({ db, sessions, secret: 'one-secret', graceMs: longMs, idleMs: 14 * dayMs, lifetimeMs: 90 * dayMs, ...options })
}

/** Why it is refused: for the log. The client hears one thing. */
async function refusal(refreshes: RefreshTokens, token: string): Promise<Error | undefined> {
  const error = await refreshes.refresh(token).then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string; message: string; cause: Error },
  )
  if (error !== undefined) expect(error).toMatchObject({ code: 'AUTH_INVALID_TOKEN', message: 'The token that was shown is not accepted.' })
  return error?.cause
}

describe.each(testDatabases())('refresh tokens on $name', ({ url }) => {
  let bed: AuthBed
  let one: RefreshProcess
  let other: RefreshProcess

  beforeAll(async () => {
    bed = await authBed(url)
    ;[one, other] = [await refreshProcess(bed), await refreshProcess(bed)]
  })
  afterAll(() => bed.close())

  const isOver = async (handle: string): Promise<boolean> => (await one.sessions.getByHandle(handle)) === undefined
  /** Another process may have ended it: this one hears of it within a second. */
  const ends = (handle: string): Promise<void> => until(() => isOver(handle), 1_000)
  const strict = (process: AuthProcess): RefreshTokens => refreshesOf(process, { graceMs: 0 })

  test('a token is exchanged for the next one, over and over, and all of them are one session', async () => {
    const { token, session } = await one.refreshes.begin({ user: 'ann', data: { agent: 'curl' } })
    const texts = new Set([token])
    let current = token
    for (let time = 0; time < 5; time += 1) {
      const next = await (time % 2 === 0 ? one : other).refreshes.refresh(current)
      expect(next).toMatchObject({ session: session.handle, user: 'ann' })
      texts.add((current = next.token))
    }
    expect(texts.size).toBe(6)
    expect(await one.sessions.list('ann')).toMatchObject([{ handle: session.handle, data: { agent: 'curl' } }])
  })

  test('a token that was used before ends its session for whoever has it, and no other session', async () => {
    const { token, session } = await one.refreshes.begin({ user: 'bob' })
    const kept = await one.refreshes.begin({ user: 'bob' })
    const { token: next } = await strict(one).refresh(token)
    const cause = await refusal(strict(other), token)
    expect(cause).toBeInstanceOf(ReusedToken)
    expect(cause).toMatchObject({ user: 'bob', session: session.handle })
    await ends(session.handle)
    for (const text of [next, token]) expect((await refusal(one.refreshes, text))?.message).toMatch(/belongs to no session/)
    expect(await refusal(one.refreshes, kept.token)).toBeUndefined()
  })

  test('that holds for a token of long ago, too, of which nothing is kept', async () => {
    const { token, session } = await one.refreshes.begin({ user: 'bob' })
    let current = token
    for (let time = 0; time < 4; time += 1) {
      current = (await refreshesOf(one, { graceMs: shortMs }).refresh(current)).token
      await sleep(5)
    }
    const rows = await one.db.query(`SELECT FROM plinth.refresh_tokens WHERE session_id = decode($1, 'hex')`, [session.handle])
    expect(rows.length).toBeLessThanOrEqual(2)
    expect(await refusal(one.refreshes, token)).toBeInstanceOf(ReusedToken)
    await ends(session.handle)
  })

  test('of 50 that come with one token at once, within the grace period, all get the same next one', async () => {
    const { token, session } = await one.refreshes.begin({ user: 'cid' })
    const all = await Promise.all(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one : other).refreshes.refresh(token)))
    expect(new Set(all.map((refreshed) => refreshed.token)).size).toBe(1)
    const open = `SELECT FROM plinth.refresh_tokens WHERE session_id = decode($1, 'hex') AND used_at IS NULL`
    expect(await one.db.query(open, [session.handle])).toHaveLength(1)
    expect((await one.refreshes.refresh(all[0]?.token ?? '')).session).toBe(session.handle)
  })

  test('of 50 that come with one token at once, without a grace period, one gets the next one, and the session is over', async () => {
    const { token, session } = await one.refreshes.begin({ user: 'cid' })
    const all = await Promise.allSettled(Array.from({ length: 50 }, (_, index) => strict(index % 2 === 0 ? one : other).refresh(token)))
    const next = all.flatMap((result) => (result.status === 'fulfilled' ? [result.value.token] : []))
    expect(next).toHaveLength(1)
    const reasons = all.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : []))
    expect(new Set(reasons)).toEqual(new Set(['AUTH_INVALID_TOKEN']))
    await ends(session.handle)
    expect((await refusal(one.refreshes, next[0] ?? ''))?.message).toMatch(/belongs to no session/)
  })

  test('within the grace period a tab that is two exchanges behind catches up', async () => {
    const { token } = await one.refreshes.begin({ user: 'dan' })
    const first = await one.refreshes.refresh(token)
    const second = await one.refreshes.refresh(first.token)
    expect(await other.refreshes.refresh(token)).toEqual(first)
    expect(await other.refreshes.refresh(first.token)).toEqual(second)
  })

  test('after the grace period the same token ends the session', async () => {
    const refreshes = refreshesOf(one, { graceMs: 150 })
    const { token, session } = await refreshes.begin({ user: 'dan' })
    const next = await refreshes.refresh(token)
    expect(await refreshes.refresh(token)).toEqual(next)
    await sleep(160)
    expect(await refusal(refreshes, token)).toBeInstanceOf(ReusedToken)
    await ends(session.handle)
  })

  test('it is used, and its session ended, also when a transaction around it is rolled back', async () => {
    const { token, session } = await one.refreshes.begin({ user: 'eve' })
    const inUndone = (work: () => Promise<unknown>): Promise<unknown> =>
      one.db.transaction(async () => {
        await work()
        throw new Error('undone')
      })
    const refreshes = strict(one)
    await expect(inUndone(() => refreshes.refresh(token))).rejects.toThrow('undone')
    await expect(inUndone(() => refreshes.refresh(token))).rejects.toMatchObject({ code: 'AUTH_INVALID_TOKEN' })
    await ends(session.handle)
  })

  test('a family is over when it was not used for too long, and at the end of its life however much it is used', async () => {
    const idle = await refreshesOf(one, { idleMs: 100 }).begin({ user: 'fay' })
    const old = await refreshesOf(one, { lifetimeMs: 100 }).begin({ user: 'fay' })
    const used = await refreshesOf(one, { idleMs: 400 }).begin({ user: 'fay' })
    let current = used.token
    for (let time = 0; time < 3; time += 1) {
      await sleep(200)
      current = (await one.refreshes.refresh(current)).token
    }
    for (const { token } of [idle, old]) expect((await refusal(one.refreshes, token))?.message).toMatch(/over/)
  })

  test('with the session, or all of a user, the tokens end', async () => {
    const [first, second] = [await one.refreshes.begin({ user: 'hal' }), await one.refreshes.begin({ user: 'hal' })]
    expect(await other.sessions.deleteHandle('hal', first.session.handle)).toBe(true)
    expect(await refusal(one.refreshes, first.token)).toBeDefined()
    expect((await one.refreshes.refresh(second.token)).user).toBe('hal')
    expect(await other.sessions.deleteAllOf('hal')).toBe(1)
    expect(await refusal(one.refreshes, second.token)).toBeDefined()
  })

  test('who reads the database has no token, and cannot make the next one from an old one', async () => {
    const { token } = await one.refreshes.begin({ user: 'ida' })
    const { token: next } = await one.refreshes.refresh(token)
    const [{ all } = { all: '' }] = await one.db.query<{ all: string }>(
      'SELECT string_agg(t::text, chr(10)) AS all FROM plinth.refresh_tokens t',
    )
    const halves = [token, next].flatMap((text) => [
      Buffer.from(text, 'base64url').subarray(0, 32),
      Buffer.from(text, 'base64url').subarray(32),
    ])
    for (const half of halves) expect(all).not.toContain(half.toString('hex'))
    const thief = refreshesOf(other, { secret: 'another-secret' })
    expect((await refusal(thief, token))?.message).toMatch(/another secret/)
    // Nothing was ended for it: during a change of the secret processes have two.
    expect((await one.refreshes.refresh(next)).user).toBe('ida')
  })

  test('no half of a token, no changed token and nothing else is one', async () => {
    const { token, session } = await one.refreshes.begin({ user: 'jan' })
    const wrong = [
      token.slice(0, 43),
      token.slice(1),
      `${token}A`,
      `${token.slice(0, -1)}/`,
      session.handle,
      '',
      'A'.repeat(86),
      token.toLowerCase(),
    ]
    for (const text of wrong) expect(await refusal(one.refreshes, text)).toBeDefined()
    expect(await one.sessions.get(token.slice(0, 43))).toBeUndefined()
    expect(await one.sessions.get(token.slice(43))).toBeUndefined()
    expect(await isOver(session.handle)).toBe(false)
    // Somebody has the family of it: he had a token once.
    const forged = Buffer.from(token, 'base64url').fill(7, 32).toString('base64url')
    expect(await refusal(one.refreshes, forged)).toBeInstanceOf(ReusedToken)
    await ends(session.handle)
  })

  test('a token that somebody made up costs one question, which writes nothing', async () => {
    const { db, refreshes } = one
    const madeUp = (): string => randomBytes(64).toString('base64url')
    const [read, write] = [vi.spyOn(db, 'read'), vi.spyOn(db, 'write')]
    expect((await refusal(refreshes, madeUp()))?.message).toMatch(/belongs to no session/)
    expect([read.mock.calls.length, write.mock.calls.length]).toEqual([0, 1])
    vi.restoreAllMocks()
    const secret = readSecret(madeUp()) ?? expect.fail('It is well-formed.')
    const written = await db.transaction(async () => {
      await rotateRefresh(db, secret, { next: secret, salt: newSalt(), graceMs: 0 })
      return db.query('SELECT pg_current_xact_id_if_assigned()::text AS id')
    })
    expect(written).toEqual([{ id: null }])
  })

  test('a session that is over begins no family', async () => {
    const sessions = Object.assign(Object.create(one.sessions) as typeof one.sessions, {
      create: async (session: Parameters<typeof one.sessions.create>[0]) => {
        const made = await one.sessions.create(session)
        await one.sessions.deleteAllOf(session.user)
        return made
      },
    })
    await expect(refreshesOf({ ...one, sessions }).begin({ user: 'kim' })).rejects.toMatchObject({ code: 'AUTH_INVALID_TOKEN' })
  })

  test('tokens of families that are over are removed', async () => {
    await refreshesOf(one, { lifetimeMs: 1 }).begin({ user: 'lea' })
    await sleep(5)
    await until(async () => (await forgetExpired(one.db, 'refresh_tokens', 100)) > 0)
    expect(await one.db.query('SELECT FROM plinth.refresh_tokens WHERE expires_at < now()')).toEqual([])
  })
})

// S6: a password is tried ten times in a quarter of an hour, and an address tries a hundred times, in the sum of two replicas and whatever
// becomes of Redis meanwhile; and the owner is let in.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TryLimits } from '../../src/auth/accounts/try-limits.ts'
import { silentLog } from '../../src/core/log.ts'
import type { RateCounter } from '../../src/state/rate-counter.ts'
import { SharedRates } from '../../src/state/shared-rates.ts'
import { processRates } from '../../src/state/window.ts'
import { tokenIn } from '../support/account-bed.ts'
import { mailTo, password } from '../support/identity-app.ts'
import { until } from '../support/redis.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'
import { amount, report } from './support/amount.ts'
import { inLanes, type Reply } from './support/caller.ts'
import { type Replicas, startReplicas } from './support/replicas.ts'

const timeoutMs = 300_000
/** Of one address no more than ten wait for their turn; others are told to come again, which is a try that looked at nothing. */
const lanes = 8

let redis: RedisServer
let replicas: Replicas

interface Try {
  readonly email: string
  readonly address: string
  readonly secret?: string
  readonly device?: string | undefined
}

function signIn({ email, address, secret = 'wrong horse', device }: Try): Promise<Reply> {
  const shown = device === undefined ? {} : { device }
  return replicas.send({ method: 'POST', path: '/auth/sign-in', body: { email, password: secret, mode: 'token', ...shown } }, { address })
}

const account = async (email: string): Promise<void> => void (await replicas.test.app.auth?.accounts.create({ email, password }))
const addressOf = (n: number): string => `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`

/** Sends all tries, and breaks Redis in between. @returns how many there were of each status */
async function attack(tries: readonly Try[], disasters: readonly (() => Promise<unknown>)[] = []): Promise<Record<number, number>> {
  const found: Record<number, number> = {}
  const every = Math.ceil(tries.length / (disasters.length + 1))
  for (let first = 0; first < tries.length; first += every) {
    await disasters[first / every - 1]?.()
    await inLanes(tries.slice(first, first + every), lanes, async (one) => {
      const { status } = await signIn(one)
      found[status] = (found[status] ?? 0) + 1
    })
  }
  return found
}

/** As few tries between two of them as a limit allows: each must find what was counted before it. */
const few = (tries: readonly Try[], disasters: readonly (() => Promise<unknown>)[]) =>
  attack(tries.slice(0, 4 * (disasters.length + 1)), disasters)

const disasters: Readonly<Record<string, () => Promise<unknown>>> = {
  'is emptied': () => redis.command('FLUSHALL'),
  dies: () => redis.stop(),
  'comes back empty': () => redis.start(),
  freezes: async () => redis.signal('SIGSTOP'),
  'goes on': async () => redis.signal('SIGCONT'),
}

const onOneAccount = (email: string, from = 0) =>
  Array.from({ length: amount(60, 1_000) }, (_, n) => ({ email, address: addressOf(from + n) }))

describe.skipIf(!hasRedis())('S6: two replicas, with a Redis that is broken in between', () => {
  beforeAll(async () => {
    redis = await startRedis()
    replicas = await startReplicas({ REDIS_URL: redis.url, PASSWORD_MEMORY: '64KB', PASSWORD_PASSES: '1' })
  })
  afterAll(async () => {
    await replicas.close()
    await redis.destroy()
  })

  test(
    'look at ten passwords for one account from a thousand addresses, and let its owner in',
    async () => {
      await account('ann@example.com')
      const first = await signIn({ email: 'ann@example.com', address: '192.0.2.1', secret: password })
      const { device } = (first.json() as { data: { device: string } }).data
      const found = await attack(onOneAccount('ann@example.com'), Object.values(disasters))
      report(`S6: ${amount(60, 1_000)} addresses on one account: ${JSON.stringify(found)}`)
      // One was the owner's.
      expect(found).toEqual({ 401: 9, 429: amount(60, 1_000) - 9 })
      expect((await signIn({ email: 'ann@example.com', address: '192.0.2.1', secret: password, device })).status).toBe(200)
      expect((await signIn({ email: 'ann@example.com', address: '192.0.2.2', secret: password })).status).toBe(429)
    },
    timeoutMs,
  )

  test('and an owner on a new device gets in by a reset', async () => {
    const email = 'bea@example.com'
    await account(email)
    expect((await attack(onOneAccount(email, 2_000).slice(0, 20)))[429]).toBe(10)
    await replicas.send({ method: 'POST', path: '/auth/request-password-reset', body: { email } }, { address: '192.0.2.3', replica: 0 })
    const token = tokenIn(await mailTo(replicas.test, email, /Set a new/))
    const reset = await replicas.send(
      { method: 'POST', path: '/auth/reset-password', body: { token, password: 'battery staple', mode: 'token' } },
      { address: '192.0.2.3' },
    )
    const { device } = (reset.json() as { data: { device: string } }).data
    expect((await signIn({ email, address: '192.0.2.3', secret: 'battery staple', device })).status).toBe(200)
  })

  test(
    'look at a hundred passwords from one address for a thousand accounts, and at those of other addresses',
    async () => {
      await account('dan@example.com')
      const first = await signIn({ email: 'dan@example.com', address: '192.0.2.4', secret: password })
      const { device } = (first.json() as { data: { device: string } }).data
      const tries = Array.from({ length: amount(120, 1_000) }, (_, n) => ({ email: `victim-${n}@example.com`, address: '198.51.100.7' }))
      const found = await attack(tries, Object.values(disasters))
      report(`S6: one address on ${tries.length} accounts: ${JSON.stringify(found)}`)
      expect(found).toEqual({ 401: 100, 429: tries.length - 100 })
      expect((await signIn({ email: 'victim-0@example.com', address: '198.51.100.8' })).status).toBe(401)
      // An office has one address, also when a guest of it guesses: who is known there is let in.
      expect((await signIn({ email: 'dan@example.com', address: '198.51.100.7', secret: password, device })).status).toBe(200)
      expect((await signIn({ email: 'dan@example.com', address: '198.51.100.7', secret: password })).status).toBe(429)
    },
    timeoutMs,
  )

  test('lose no count when tries come just between the disasters', async () => {
    const found = await few(onOneAccount('cleo@example.com', 4_000), Object.values(disasters))
    expect(found).toEqual({ 401: 10, 429: 14 })
  })

  describe('control:', () => {
    /** As the limits would be if they were counted by `rates`. */
    async function countedBy(ratesOf: (replica: number) => RateCounter, work: () => Promise<void>): Promise<void> {
      const before = replicas.apps.map(({ auth }) => auth?.parts.limits)
      const put = (of: (replica: number) => TryLimits | undefined): void =>
        replicas.apps.forEach(({ auth }, replica) => Object.assign(auth?.parts ?? {}, { limits: of(replica) }))
      put((replica) => new TryLimits(ratesOf(replica), 'a secret of the control'))
      await work().finally(() => put((replica) => before[replica]))
    }

    test('counted in Redis, as other limits are, an account is tried more often once Redis has lost its memory', async () => {
      await until(() => replicas.apps.every((app) => app.redis?.usable))
      const forget = Array.from({ length: 5 }, () => () => redis.command('FLUSHALL'))
      await countedBy(
        (replica) => replicas.apps[replica]?.state.rates ?? expect.fail('There are two replicas.'),
        async () => expect((await few(onOneAccount('dora@example.com', 6_000), forget))[401]).toBeGreaterThan(10),
      )
    })

    test('counted by each replica for itself, it is tried twice as often', async () => {
      const own = replicas.apps.map(() => new SharedRates({ stores: [processRates()], log: silentLog(), count: () => undefined }))
      const ownRates = (replica: number): RateCounter => own[replica] ?? expect.fail('There are two replicas.')
      await countedBy(ownRates, async () => expect((await attack(onOneAccount('eve@example.com', 8_000).slice(0, 60)))[401]).toBe(20))
    })
  })
})

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { testDatabases } from '../../test/support/postgres.ts'
import { redisCluster } from '../../test/support/redis-group.ts'
import { redisServer, until } from '../../test/support/redis.ts'
import { stateBed, type StateProcess } from '../../test/support/state.ts'
import { createLog } from '../core/log.ts'
import type { Hit, RateStore } from './rate-counter.ts'
import { postgresRates } from './postgres-rates.ts'
import { SharedRates } from './shared-rates.ts'
import { processRates } from './window.ts'

const minute = 60_000

/** Hits all at once, from every process in turn; how many were allowed. */
async function rush(processes: readonly StateProcess[], hits: number, limit: number, key = 'a'): Promise<number> {
  const results = await Promise.all(
    Array.from({ length: hits }, (_, number) => processes[number % processes.length]?.rates.hit(key, limit, minute)),
  )
  return results.filter((result) => result?.allowed).length
}

async function stores({ metrics }: StateProcess): Promise<string[]> {
  return [...(await metrics.text()).matchAll(/plinth_rate_hits_total\{store="(\w+)"\}/g)].map(([, store]) => store ?? '')
}

describe.each(testDatabases())('with $name', ({ url }) => {
  describe.each(['Redis', 'the database'])('counted in %s', (where) => {
    const redisUrl = async (): Promise<string | undefined> => (where === 'Redis' ? (await redisServer()).url : undefined)

    test('two processes have one limit between them', async () => {
      const [bed, redis] = await Promise.all([stateBed(url), redisUrl()])
      const processes = [await bed.process(redis), await bed.process(redis)]
      expect(await rush(processes, 200, 50)).toBe(50)
      expect(await rush(processes, 20, 10, 'b')).toBe(10)
      expect(await processes[0]?.rates.hit('a', 50, minute)).toMatchObject({ allowed: false, remaining: 0 })
      for (const process of processes) expect(await stores(process)).toEqual([where === 'Redis' ? 'redis' : 'postgres'])
    })

    test('a hit says what is left, and is forgotten', async () => {
      const [bed, redis] = await Promise.all([stateBed(url), redisUrl()])
      const { rates } = await bed.process(redis)
      expect(await rates.hit('a', 2, 500)).toMatchObject({ allowed: true, remaining: 1 })
      expect(await rates.hit('a', 2, 500)).toMatchObject({ allowed: true, remaining: 0 })
      const refused = await rates.hit('a', 2, 500)
      expect(refused).toMatchObject({ allowed: false, remaining: 0 })
      expect(refused.resetMs).toBeGreaterThan(0)
      expect(refused.resetMs).toBeLessThanOrEqual(516)
      await sleep(refused.resetMs + 2)
      expect((await rates.hit('a', 2, 500)).allowed).toBe(true)
    })

    test('within any window there are no more hits than the limit', async () => {
      const [bed, redis] = await Promise.all([stateBed(url), redisUrl()])
      const processes = [await bed.process(redis), await bed.process(redis)]
      const allowed: { readonly from: number; readonly to: number }[] = []
      for (const end = performance.now() + 2_000; performance.now() < end; await sleep(7)) {
        const from = performance.now()
        const result = await processes[allowed.length % 2]?.rates.hit('a', 5, 400)
        if (result?.allowed) allowed.push({ from, to: performance.now() })
      }
      expect(allowed.length).toBeGreaterThan(15)
      // The sixth is counted 400 ms after the first at the earliest. Each was counted somewhere between question and answer.
      allowed.slice(5).forEach(({ to }, index) => expect(to - (allowed[index]?.from ?? 0)).toBeGreaterThanOrEqual(399))
    })

    test('several windows of a key are counted in one go, in order, up to the one that refuses', async () => {
      const [bed, redis] = await Promise.all([stateBed(url), redisUrl()])
      const processes = [await bed.process(redis), await bed.process(redis)] as const
      const windows = [
        { limit: 8, windowMs: minute },
        { limit: 5, windowMs: 2 * minute },
        { limit: 100, windowMs: 3 * minute },
      ]
      const results = await Promise.all(Array.from({ length: 20 }, (_, number) => processes[number % 2 ? 0 : 1].rates.hitAll('a', windows)))
      const allowed = (window: number) => results.filter((one) => one[window]?.allowed).length
      expect([allowed(0), allowed(1), allowed(2)]).toEqual([8, 5, 5])
      // What one has refused was not asked of those behind it.
      expect(results.filter((one) => one[2] === undefined)).toHaveLength(15)
      expect(results.map((one) => one[1]?.remaining).filter((left) => left !== undefined && left > 0)).toHaveLength(4)
      expect(await processes[0].rates.hit('a', 100, 3 * minute)).toMatchObject({ allowed: true, remaining: 94 })
    })

    test('who only looks is told what there is, and counts for nothing', async () => {
      const [bed, redis] = await Promise.all([stateBed(url), redisUrl()])
      const [one, other] = [await bed.process(redis), await bed.process(redis)]
      const windows = [2, 1].map((limit, index) => ({ limit, windowMs: (index + 1) * minute }))
      for (const { rates } of [one, other, one])
        expect(await rates.peekAll('a', windows)).toMatchObject([
          { allowed: true, remaining: 2 },
          { allowed: true, remaining: 1 },
        ])
      await one.rates.hitAll('a', windows)
      const seen = await other.rates.peekAll('a', windows)
      expect(seen).toMatchObject([
        { allowed: true, remaining: 1 },
        { allowed: false, remaining: 0, resetMs: expect.any(Number) },
      ])
      expect(seen[1]?.resetMs).toBeGreaterThan(minute)
    })

    test('a limit of nothing allows nothing, and different windows count for themselves', async () => {
      const [bed, redis] = await Promise.all([stateBed(url), redisUrl()])
      const { rates } = await bed.process(redis)
      expect(await rates.hit('a', 0, minute)).toMatchObject({ allowed: false, remaining: 0 })
      expect(await rates.hit('a', 1, minute)).toMatchObject({ allowed: true })
      expect(await rates.hit('a', 1, 2 * minute)).toMatchObject({ allowed: true })
      expect(await rates.hit('a', 1, minute)).toMatchObject({ allowed: false })
    })
  })
})

const long = randomBytes(12_000).toString('base64')

test.each([
  ['of 16 kB', (n: number) => `${long}${n}`],
  ['with a NUL in it', (n: number) => `\0${n}`],
  ['with half a character in it', (n: number) => `\ud800${n}`],
])('a key %s counts in all processes together, and apart from others', async (_what, keyOf) => {
  const bed = await stateBed()
  const [one, other] = [await bed.process(), await bed.process()]
  const [key, another] = [keyOf(1), keyOf(2)]
  expect(await rush([one, other], 20, 10, key)).toBe(10)
  expect(await rush([one, other], 20, 10, another)).toBe(10)
  for (const process of [one, other]) expect([process.lines, await stores(process)]).toEqual([[], ['postgres']])
})

test('in a cluster all windows of a key are counted on one server, whatever the key is', async () => {
  const { url } = await redisCluster()
  const bed = await stateBed()
  const process = await bed.process(url)
  await until(async () => (await process.redis?.health())?.ok)
  const windows = [minute, 2 * minute, 3 * minute].map((windowMs) => ({ limit: 3, windowMs }))
  for (const key of ['a', 'b', 'c', '}', '{}', 'a}b{c', '{x}y'])
    expect(await process.rates.hitAll(key, windows)).toMatchObject(windows.map(() => ({ allowed: true, remaining: 2 })))
  expect([process.lines, await stores(process)]).toEqual([[], ['redis']])
})

test('a process keeps nothing of the length of a key', async () => {
  const seen: Hit[] = []
  const counter = processRates()
  const store: RateStore = { ...counter, count: (hits) => (seen.push(...hits), counter.count(hits)) }
  const rates = new SharedRates({
    stores: [store],
    log: createLog({ level: 'silent', stream: { write: () => undefined } }),
    count: () => undefined,
  })
  const keys = ['a'.repeat(200), 'a'.repeat(201), 'a'.repeat(100_000)]
  for (const key of [...keys, ...keys]) await rates.hit(key, 5, minute)
  expect(seen.map(({ key }) => key.length)).toEqual([200, 50, 50, 200, 50, 50])
  expect(new Set(seen.map(({ key }) => key)).size).toBe(3)
})

test('who is over the limit asks nobody again until a hit is forgotten', async () => {
  let [now, asked] = [1_000_000, 0]
  const counter = processRates(() => now)
  const store: RateStore = { ...counter, count: (hits) => ((asked += 1), counter.count(hits)) }
  const log = createLog({ level: 'silent', stream: { write: () => undefined } })
  const rates = new SharedRates({ stores: [store], log, count: () => undefined, now: () => now })
  const hit = async () => (await rates.hit('a', 2, minute)).allowed
  expect([await hit(), await hit(), await hit(), await hit()]).toEqual([true, true, false, false])
  expect(asked).toBe(2)
  // Another limit of the same key has room.
  expect(await rates.hit('a', 3, minute)).toMatchObject({ allowed: true, remaining: 0 })
  now += 50_000
  const refused = await rates.hit('a', 2, minute)
  expect([asked, refused.allowed, refused.remaining]).toEqual([3, false, 0])
  now += refused.resetMs
  expect([await hit(), asked]).toEqual([true, 4])
})

test('when Redis goes away the database goes on from there, and when it is back it goes on in turn', async () => {
  const server = await redisServer()
  const bed = await stateBed()
  const processes = [await bed.process(server.url), await bed.process(server.url)] as const
  expect(await rush(processes, 8, 30)).toBe(8)
  server.signal('SIGSTOP')
  // Redis may count these all the same, when it goes on.
  expect(await rush(processes, 8, 30)).toBe(8)
  await until(() => processes.every(({ redis }) => redis?.usable === false))
  expect(await rush(processes, 8, 30)).toBe(8)
  // Each hears of what the other has counted, whichever was first: what it has not heard of it would allow once more.
  for (const { rates } of processes) expect(await rates.hit('a', 30, minute)).toMatchObject({ allowed: true })
  server.signal('SIGCONT')
  await until(() => processes.every(({ redis }) => redis?.usable))
  // Four are left: for each, where a Redis that is late again sends one of them to the database. Without what is carried over it is 14.
  expect(await rush(processes, 30, 30)).toBeLessThanOrEqual(9)
  expect(await stores(processes[0])).toEqual(['redis', 'postgres'])
})

test('a Redis that lost its data when it was restarted does not give everybody a new limit', async () => {
  const server = await redisServer()
  const bed = await stateBed()
  const process = await bed.process(server.url)
  expect(await rush([process], 9, 10)).toBe(9)
  await server.stop()
  await server.start()
  await until(() => process.redis?.usable)
  expect(await rush([process], 9, 10)).toBe(1)
})

/** Five hits in Redis, which then takes no more. The second process has heard of two of them, the first of all. */
async function filled(): Promise<readonly [StateProcess, StateProcess]> {
  const server = await redisServer({ 'maxmemory-policy': 'noeviction' })
  const bed = await stateBed()
  const processes = [await bed.process(server.url), await bed.process(server.url)] as const
  expect(await rush([processes[1]], 2, 10)).toBe(2)
  expect(await rush([processes[0]], 3, 10)).toBe(3)
  await server.command('CONFIG', 'SET', 'maxmemory', '1mb')
  return processes
}

test('a Redis that is full leaves it to the database, which goes on from what the first to come has heard', async () => {
  const processes = await filled()
  expect(await processes[0].rates.hit('a', 10, minute)).toMatchObject({ allowed: true, remaining: 4 })
  expect(await rush(processes, 20, 10)).toBe(4)
})

test('a process that comes first and has not heard of the last hits of others is allowed as many more', async () => {
  const processes = await filled()
  expect(await processes[1].rates.hit('a', 10, minute)).toMatchObject({ allowed: true, remaining: 7 })
  expect(await processes[0].rates.hit('a', 10, minute)).toMatchObject({ allowed: true, remaining: 4 })
  expect(await rush(processes, 20, 10)).toBe(4)
})

test('without Redis and without the table each process counts for itself, and says so once', async () => {
  const bed = await stateBed()
  const process = await bed.process()
  await bed.psql.query('ALTER TABLE plinth.rate_counters RENAME TO away')
  expect(await rush([process], 20, 10)).toBe(10)
  expect(process.lines).toEqual(['hits are counted by each process for itself'])
  await bed.psql.query('ALTER TABLE plinth.away RENAME TO rate_counters')
  expect(await rush([process], 20, 11)).toBe(1)
})

test('hits of many keys from two processes go together, and never wait for each other in a ring', async () => {
  const bed = await stateBed()
  const processes = [await bed.process(), await bed.process()] as const
  const keys = Array.from({ length: 100 }, (_, number) => `k${number}`)
  const thrice = [...keys, ...keys, ...keys]
  const hits = [thrice, thrice.toReversed()].flatMap((all, number) => all.map((key) => processes[number]?.rates.hit(key, 4, minute)))
  const results = await Promise.all(hits)
  expect(results.filter((result) => result?.allowed)).toHaveLength(4 * keys.length)
  for (const process of processes) expect([process.lines, await stores(process)]).toEqual([[], ['postgres']])
})

test('a database that does not answer is waited for once, for as long as is allowed, and asked again later', async () => {
  const bed = await stateBed()
  const { db } = await bed.process()
  const store = postgresRates(db, 100)
  const hit: Hit = { key: 'a', limit: 5, windowMs: minute, hits: 1, carried: 0, carriedMs: 0 }
  await bed.psql.query('BEGIN')
  await bed.psql.query('LOCK TABLE plinth.rate_counters')
  await expect(Promise.all([store.count([hit]), store.count([hit])])).rejects.toThrow('within 100 ms')
  expect(store.nameFor(hit)).toBeUndefined()
  await bed.psql.query('COMMIT')
  await until(() => store.nameFor(hit) === 'postgres')
  // The first of them was sent before its time was over, and may have been counted after it; the second was not.
  expect((await store.count([hit]))[0]?.used).toBeLessThanOrEqual(2)
})

test('a hit in a transaction that is rolled back counts, and holds up nobody', async () => {
  const bed = await stateBed()
  const [one, other] = [await bed.process(), await bed.process()]
  const failed = one.db.transaction(async () => {
    await one.rates.hit('a', 2, minute)
    expect(await other.rates.hit('a', 2, minute)).toMatchObject({ allowed: true, remaining: 0 })
    throw new Error('rolled back')
  })
  await expect(failed).rejects.toThrow('rolled back')
  expect(await other.rates.hit('a', 2, minute)).toMatchObject({ allowed: false })
})

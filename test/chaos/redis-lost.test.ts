import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { report } from '../guarantees/support/amount.ts'
import { ask, failures, loadOn, type Sample } from './support/load.ts'
import { fenceIsOn, testWorld } from './support/test-world.ts'
import type { World } from './support/world.ts'

const disasters: readonly { readonly name: string; strike(redis: NonNullable<World['redis']>): Promise<unknown> }[] = [
  {
    name: 'killed',
    strike: (redis) =>
      redis
        .stop()
        .then(() => sleep(300))
        .then(() => redis.start()),
  },
  { name: 'emptied', strike: (redis) => redis.command('FLUSHALL') },
  {
    name: 'restarted with what it had before',
    async strike(redis) {
      await redis.stop()
      redis.restore('before')
      await redis.start()
    },
  },
]

/** One writer who counts up, and readers who must never see less than what was acknowledged before they asked. */
class HotRow {
  readonly #path: string
  #acknowledged = 0

  constructor(path: string) {
    this.#path = path
  }

  async writeFor(world: World, ms: number): Promise<readonly Sample[]> {
    const samples: Sample[] = []
    for (const end = performance.now() + ms; performance.now() < end; await sleep(20)) {
      const views = this.#acknowledged + 1
      const sample = await ask(world.app, 'write', { method: 'PATCH', path: this.#path, body: { views } })
      samples.push(sample)
      if (sample.status === 200) this.#acknowledged = views
    }
    return samples
  }

  /** @returns what was read too old */
  async readFor(world: World, ms: number, samples: Sample[]): Promise<string[]> {
    const stale: string[] = []
    for (const end = performance.now() + ms; performance.now() < end; await sleep(2)) {
      const least = this.#acknowledged
      const sample = await ask(world.app, 'read', { path: this.#path })
      samples.push(sample)
      const views = sample.status === 200 ? (JSON.parse(sample.text) as { views: number }).views : least
      if (views < least) stale.push(`${views} after ${least}`)
    }
    return stale
  }
}

describe('A4: Redis killed, emptied, or back with old data', () => {
  test('no request fails, and nothing is stale', { timeout: 90_000 }, async () => {
    const world = await testWorld()
    const { redis } = world
    if (redis === undefined) throw new Error('There is no Redis.')
    await redis.save('before')
    const row = new HotRow('/api/cards/1')
    let requests = 0
    for (const { name, strike } of disasters) {
      await fenceIsOn(world.app)
      const samples: Sample[] = []
      const readers = Array.from({ length: 6 }, () => row.readFor(world, 3_000, samples))
      const writer = row.writeFor(world, 3_000)
      await sleep(500)
      await strike(redis)
      const stale = (await Promise.all(readers)).flat()
      expect([name, stale, failures([...samples, ...(await writer)])]).toEqual([name, [], []])
      requests += samples.length
    }
    report(`A4: ${disasters.length} disasters, ${requests} reads of a hot row, 0 failed, 0 stale`)
  })

  test('without it the database is not asked for a hot row by everybody at once', { timeout: 60_000 }, async () => {
    const world = await testWorld({ postgres: { log_statement: 'all' } })
    await world.redis?.stop()
    await expect.poll(async () => (await world.app.send({ path: '/api/cards/1' })).status).toBe(200)
    const reads = async (resource: string): Promise<{ rows: number; requests: number; writes: number }> => {
      const before = world.postgres.log().length
      const load = loadOn(world.app, { read: () => ({ path: `/api/${resource}/1` }) }, { lanes: 32, pauseMs: 1 })
      const writes = await new HotRow(`/api/${resource}/1`).writeFor(world, 2_000)
      const samples = await load.stop()
      const rows =
        world.postgres
          .log()
          .slice(before)
          .match(new RegExp(`execute .*select .*from "?(?:public"?\\."?)?${resource}"?`, 'gi')) ?? []
      return { rows: rows.length, requests: samples.length, writes: writes.length }
    }
    const [hot, control] = [await reads('cards'), await reads('notes')]
    // After each write at most two: one that began before it, and one for everybody else.
    expect(hot.rows).toBeLessThanOrEqual(2 * (hot.writes + 1))
    expect(hot.rows).toBeGreaterThan(0)
    // Control: without a cache each request is a read.
    expect(control.rows).toBeGreaterThanOrEqual(control.requests)
    report(`A4: without Redis ${hot.requests} requests for a row that was written ${hot.writes} times made ${hot.rows} reads`)
  })
})

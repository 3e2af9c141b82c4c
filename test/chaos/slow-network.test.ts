import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { countOf, failures, loadOn, percentile, type Sample } from './support/load.ts'
import { slackMs, testWorld } from './support/test-world.ts'
import type { World, WorldOptions } from './support/world.ts'

const badMs = amount(4_000, 30_000)
const cutEveryMs = 500
const cutShare = 0.05

const calls = {
  read: (count: number) => ({ path: `/api/notes/${(count % 10) + 1}` }),
  cached: () => ({ path: '/api/pages?page[size]=5' }),
  write: () => ({ method: 'POST', path: '/api/notes', body: { title: 'load' } }),
}

/** The network to PostgreSQL is late each way, and resets one connection in twenty. */
async function suffer(delayMs: number, options: WorldOptions = {}): Promise<{ world: World; samples: readonly Sample[] }> {
  const world = await testWorld(options)
  const load = loadOn(world.app, calls)
  world.proxy.delay({ ms: delayMs, jitterMs: delayMs / 3 })
  for (const end = performance.now() + badMs; performance.now() < end; await sleep(cutEveryMs)) world.proxy.cut(cutShare)
  const samples = await load.stop()
  world.proxy.delay(undefined)
  return { world, samples }
}

const overloaded = (samples: readonly Sample[]): number => samples.filter(({ text }) => text.includes('DB_OVERLOADED')).length

describe('A7: a slow network to PostgreSQL that loses connections', () => {
  test('answers come later, a few are 503, and nobody waits for a connection of the pool in vain', { timeout: 90_000 }, async () => {
    const { world, samples } = await suffer(150)
    expect(failures(samples, [200, 201, 503])).toEqual([])
    expect(overloaded(samples)).toBe(0)
    expect(countOf(samples, 503)).toBeLessThan(samples.length / 5)
    const isWell = async (): Promise<boolean> =>
      (await Promise.all(Object.values(calls).map((call) => world.app.send(call(0))))).every(({ status }) => status < 300)
    await expect.poll(isWell, { timeout: 2_000 + slackMs }).toBe(true)
    report(
      `A7: 300 ms ± 100 and resets for ${badMs / 1000} s: ${samples.length} requests, ${countOf(samples, 503)} × 503, p99 ${percentile(samples, 0.99)} ms`,
    )
  })

  test('control: with a single connection and a second each way there is a queue that has no end', { timeout: 60_000 }, async () => {
    const { samples } = await suffer(1_000, { settings: { DB_POOL_SIZE: '1' } })
    expect(overloaded(samples)).toBeGreaterThan(0)
  })
})

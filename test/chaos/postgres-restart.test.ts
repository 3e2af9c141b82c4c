import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { countOf, failures, loadOn, percentile } from './support/load.ts'
import { slackMs, testWorld } from './support/test-world.ts'

const restarts = amount(3, 10)

const calls = {
  read: (count: number) => ({ path: `/api/notes/${(count % 10) + 1}` }),
  cached: () => ({ path: '/api/pages?page[size]=5' }),
  fenced: (count: number) => ({ path: `/api/cards/${(count % 10) + 1}` }),
  write: () => ({ method: 'POST', path: '/api/notes', body: { title: 'load' } }),
  fencedWrite: (count: number) => ({ method: 'PATCH', path: `/api/cards/${(count % 10) + 11}`, body: { views: count } }),
}

describe('A5: PostgreSQL restarted', () => {
  test('under load there are answers and 503 in time, nothing else, and all is well two seconds later', { timeout: 120_000 }, async () => {
    const { app, postgres } = await testWorld()
    const load = loadOn(app, calls)
    const stock = loadOn(app, { stock: () => ({ path: '/stock' }) }, { lanes: 1, pauseMs: 50 })
    const recoveries: number[] = []
    for (let round = 0; round < restarts; round += 1) {
      await sleep(300)
      await postgres.stop()
      await sleep(200)
      await postgres.start()
      const upAt = performance.now()
      const isWell = async (): Promise<boolean> =>
        (await Promise.all(Object.values(calls).map((call) => app.send(call(round))))).every(({ status }) => status < 300)
      await expect.poll(isWell, { timeout: 2_000 + slackMs, interval: 20 }).toBe(true)
      recoveries.push(Math.round(performance.now() - upAt))
    }
    const samples = await load.stop()
    const refused = samples.filter(({ status }) => status === 503)
    expect(failures(samples, [200, 201, 503])).toEqual([])
    expect(refused.length).toBeGreaterThan(0)
    expect(percentile(refused, 1)).toBeLessThan(1_000 + slackMs)
    expect(percentile(samples, 1)).toBeLessThan(2_000 + slackMs)
    // Control: the same load on a route that uses the driver as it comes does have failures.
    expect(failures(await stock.stop(), [200, 503])).not.toEqual([])
    report(
      `A5: ${restarts} restarts, ${samples.length} requests, ${countOf(samples, 503)} × 503 (longest ${percentile(refused, 1)} ms), 0 others; back after at most ${Math.max(...recoveries)} ms`,
    )
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { ask, countOf, failures, loadOn, percentile, type Sample } from './support/load.ts'
import { slackMs, testWorld } from './support/test-world.ts'
import type { World } from './support/world.ts'

const peakMs = amount(2_000, 10_000)
const overloadMs = amount(4_000, 60_000)
const tickMs = 10
/** Ten connections, 50 ms each: 200 a second. It is the database's time that is short here, because tests share the processor with us. */
const call = { path: '/sleep/50' }

interface Overload {
  readonly world: World
  /** Answers per second at its best, and during the overload. */
  readonly peak: number
  readonly goodput: number
  readonly peakP99: number
  readonly samples: readonly Sample[]
}

async function overload(limit: number): Promise<Overload> {
  const world = await testWorld({ redis: false, connections: 2_000, settings: { IN_FLIGHT_LIMIT: String(limit) } })
  const best = loadOn(world.app, { sleep: () => call }, { lanes: 10, pauseMs: 0 })
  await sleep(peakMs)
  const atPeak = await best.stop()
  const peak = countOf(atPeak, 200) / (peakMs / 1000)
  const samples = await flood(world, peak * 5)
  return { world, peak, goodput: countOf(samples, 200) / (overloadMs / 1000), peakP99: percentile(atPeak, 0.99), samples }
}

/** They come whether others were answered or not. */
async function flood({ app }: World, perSecond: number): Promise<Sample[]> {
  const asked: Promise<Sample>[] = []
  const startedAt = performance.now()
  for (let elapsed = 0; elapsed < overloadMs; elapsed = performance.now() - startedAt) {
    while (asked.length < (perSecond * elapsed) / 1000) asked.push(ask(app, 'sleep', call))
    await sleep(tickMs)
  }
  return Promise.all(asked)
}

const admitted = (samples: readonly Sample[]): Sample[] => samples.filter(({ status }) => status === 200)

describe('A8: overload', () => {
  test(
    'five times of what can be done: as much as ever is done, in time, and the others are told at once',
    { timeout: 120_000 },
    async () => {
      const { world, peak, goodput, peakP99, samples } = await overload(20)
      const refused = samples.filter(({ status }) => status === 503)
      expect(failures(samples, [200, 503])).toEqual([])
      expect(goodput).toBeGreaterThan(0.85 * peak)
      expect(refused.length).toBeGreaterThan(samples.length / 2)
      expect(percentile(refused, 0.5)).toBeLessThan(50 + 200)
      expect(percentile(admitted(samples), 0.99)).toBeLessThan(3 * peakP99 + 200)
      await expect.poll(async () => (await world.app.send(call)).status, { timeout: 5_000 + slackMs }).toBe(200)
      report(
        `A8: peak ${Math.round(peak)}/s; 5 times that for ${overloadMs / 1000} s: ${Math.round(goodput)}/s answered, p99 ${percentile(admitted(samples), 0.99)} ms (at peak ${peakP99}), refused in ${percentile(refused, 0.5)} ms (median), ${percentile(refused, 0.99)} ms (p99)`,
      )
    },
  )

  test('control: who lets everybody in keeps everybody waiting', { timeout: 120_000 }, async () => {
    const { peakP99, samples } = await overload(100_000)
    expect(percentile(admitted(samples), 0.99)).toBeGreaterThan(3 * peakP99 + 200)
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { signalAll } from '../support/database.ts'
import { ask, failures, loadOn, percentile } from './support/load.ts'
import { slackMs, testWorld } from './support/test-world.ts'

const frozenMs = amount(7_000, 30_000)
const longestMs = 3_000
/** Of an application that goes on taking requests; V8 takes some memory whenever it likes. */
const mostGrowthBytes = 100 * 1024 * 1024

const calls = {
  read: (count: number) => ({ path: `/api/notes/${(count % 10) + 1}` }),
  cached: () => ({ path: '/api/pages?page[size]=5' }),
  fenced: (count: number) => ({ path: `/api/cards/${(count % 10) + 1}` }),
  write: () => ({ method: 'POST', path: '/api/notes', body: { title: 'load' } }),
}

describe('A6: PostgreSQL frozen', () => {
  test('every request is answered within 3 s, probes say what is so, memory is bounded', { timeout: 120_000 }, async () => {
    const { app, postgres } = await testWorld()
    const load = loadOn(app, calls, { lanes: 16 })
    await sleep(500)
    const before = app.usage()
    signalAll(postgres, 'SIGSTOP')
    const frozenAt = performance.now()
    // Control: who waits for the driver as it comes waits for longer than that.
    const stock = ask(app, 'stock', { path: '/stock' })
    await sleep(3_000)
    const probes = { live: [] as number[], ready: [] as number[] }
    for (; performance.now() < frozenAt + frozenMs; await sleep(200)) {
      probes.live.push((await app.send({ path: '/health/live' })).status)
      probes.ready.push((await app.send({ path: '/health/ready' })).status)
    }
    const after = app.usage()
    signalAll(postgres, 'SIGCONT')
    const wokenAt = performance.now()
    const isWell = async (): Promise<boolean> =>
      (await Promise.all(Object.values(calls).map((call) => app.send(call(0))))).every(({ status }) => status < 300)
    await expect.poll(isWell, { timeout: 2_000 + slackMs, interval: 20 }).toBe(true)
    const backMs = Math.round(performance.now() - wokenAt)
    const samples = await load.stop()
    expect(failures(samples, [200, 201, 503])).toEqual([])
    expect(percentile(samples, 1)).toBeLessThan(longestMs + slackMs)
    expect([new Set(probes.live), new Set(probes.ready)]).toEqual([new Set([200]), new Set([503])])
    expect(after.memoryBytes - before.memoryBytes).toBeLessThan(mostGrowthBytes)
    expect((await stock).elapsedMs).toBeGreaterThan(longestMs + slackMs)
    report(
      `A6: frozen for ${frozenMs / 1000} s, ${samples.length} requests, longest ${percentile(samples, 1)} ms, ${Math.round((after.memoryBytes - before.memoryBytes) / 1e6)} MB more; back after ${backMs} ms`,
    )
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { failures, loadOn, percentile, type Sample } from './support/load.ts'
import { fenceIsOn, metric, slackMs, testWorld } from './support/test-world.ts'
import type { World, WorldOptions } from './support/world.ts'

const frozenMs = amount(3_000, 10_000)
/** By then the outage has been noticed, and the one pause is over. */
const pauseMs = 1_000
const timeouts = 'plinth_redis_failures_total{reason="timeout"}'

const calls = {
  read: (count: number) => ({ path: `/api/cards/${(count % 10) + 1}` }),
  list: () => ({ path: '/api/cards?page[size]=5' }),
  write: (count: number) => ({ method: 'PATCH', path: `/api/cards/${(count % 10) + 11}`, body: { views: count } }),
}

interface Outage {
  readonly samples: readonly Sample[]
  readonly problems: readonly string[]
}

async function freeze(options: WorldOptions = {}): Promise<Outage & { readonly world: World }> {
  const world = await testWorld(options)
  const load = loadOn(world.app, calls)
  await sleep(500)
  const before = await metric(world.app, timeouts)
  const frozenAt = performance.now()
  world.redis?.signal('SIGSTOP')
  await sleep(frozenMs)
  const waits = (await metric(world.app, timeouts)) - before
  world.redis?.signal('SIGCONT')
  const samples = await load.stop()
  const meanwhile = samples.filter(({ startedAt, elapsedMs }) => startedAt + elapsedMs > frozenAt)
  return {
    world,
    samples: meanwhile,
    problems: [...problemsOf(meanwhile, frozenAt), ...(waits > 20 ? [`${waits} commands timed out`] : [])],
  }
}

function problemsOf(samples: readonly Sample[], frozenAt: number): string[] {
  const reads = samples.filter(({ kind }) => kind !== 'write')
  const late = samples.filter(({ startedAt }) => startedAt > frozenAt + pauseMs + slackMs)
  const problems = failures(samples)
  if (percentile(reads, 1) > 250 + slackMs) problems.push(`a read took ${percentile(reads, 1)} ms`)
  if (percentile(samples, 1) > pauseMs + slackMs) problems.push(`a write took ${percentile(samples, 1)} ms`)
  if (percentile(late, 0.99) > 250) problems.push(`they go on waiting: ${percentile(late, 0.99)} ms`)
  return problems
}

describe('A3: Redis frozen', () => {
  test('no request fails, reads go on, writes pause once, and it is used again', { timeout: 60_000 }, async () => {
    const { world, samples, problems } = await freeze()
    expect(problems).toEqual([])
    await fenceIsOn(world.app)
    const [reads, writes] = [samples.filter(({ kind }) => kind === 'read'), samples.filter(({ kind }) => kind === 'write')]
    expect(Math.min(reads.length, writes.length)).toBeGreaterThan(20)
    report(
      `A3: frozen for ${frozenMs / 1000} s, ${samples.length} requests, 0 failed; reads p99 ${percentile(reads, 0.99)} ms, longest write ${percentile(writes, 1)} ms`,
    )
  })

  test('control: who has patience with Redis makes everybody wait for it', { timeout: 60_000 }, async () => {
    const { problems } = await freeze({ settings: { REDIS_BUDGET: '3s' } })
    expect(problems.join('\n')).toMatch(/a (?:read|write) took/)
  })
})

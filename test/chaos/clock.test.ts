import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { removeFolder, temporaryFolder } from '../support/temporary.ts'
import type { ChaosApp } from './support/app.ts'
import { ask, failures, loadOn, type Sample } from './support/load.ts'
import { fenceIsOn, testWorld } from './support/test-world.ts'

const jumpMs = amount(1_500, 10_000)
const minutesOf = { '+5m': 5, '+1h': 60, '-1h': -60, '+0': 0 } as const
const offsets = Object.keys(minutesOf) as (keyof typeof minutesOf)[]

/** libfaketime of Debian's package `faketime`. */
function libraryOf(): string | undefined {
  const parents = ['/usr/lib', ...(existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => join('/usr/lib', name)) : [])]
  return parents.map((folder) => join(folder, 'faketime/libfaketimeMT.so.1')).find((file) => existsSync(file))
}

const library = libraryOf()

/** What a process believes about the time, to be changed while it runs. Monotonic time is not touched, as in a machine whose clock is set. */
class Clock {
  readonly #file: string

  constructor() {
    const folder = temporaryFolder('clock')
    onTestFinished(() => removeFolder(folder))
    this.#file = join(folder, 'offset')
    this.set('+0')
  }

  get env(): Record<string, string> {
    return { LD_PRELOAD: library ?? '', FAKETIME_TIMESTAMP_FILE: this.#file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
  }

  set(offset: string): void {
    writeFileSync(this.#file, `${offset}\n`)
  }
}

async function clockOf(app: ChaosApp): Promise<number> {
  return ((await app.send({ path: '/clock' })).json() as { now: number }).now
}

/** One process writes, the other reads: a count that must never be less than what was acknowledged. */
async function watch(writer: ChaosApp, reader: ChaosApp, from: number): Promise<{ samples: Sample[]; stale: string[]; count: number }> {
  const samples: Sample[] = []
  const stale: string[] = []
  let count = from
  for (const end = performance.now() + jumpMs; performance.now() < end; await sleep(10)) {
    count += 1
    samples.push(await ask(writer, 'write', { method: 'PATCH', path: '/api/cards/1', body: { views: count } }))
    for (const app of [reader, writer]) {
      const sample = await ask(app, 'read', { path: '/api/cards/1' })
      samples.push(sample)
      const { views } = JSON.parse(sample.text) as { views: number }
      if (views < count) stale.push(`${views} after ${count}`)
    }
  }
  return { samples, stale, count }
}

describe.skipIf(library === undefined)('A14: clocks that are set', () => {
  test('five minutes, an hour ahead, an hour back: no request fails, and nobody reads anything old', { timeout: 120_000 }, async () => {
    const world = await testWorld()
    const clock = new Clock()
    const jumping = await world.another({}, { env: clock.env })
    await Promise.all([fenceIsOn(world.app), fenceIsOn(jumping)])
    const load = loadOn(
      jumping,
      { list: () => ({ path: '/api/pages?page[size]=5' }), write: () => ({ method: 'POST', path: '/api/notes', body: { title: 'load' } }) },
      { lanes: 2 },
    )
    await jumping.send({ path: '/trusting-permission?begin=1' })
    let count = 100
    for (const offset of offsets) {
      clock.set(offset)
      for (const [writer, reader] of [
        [world.app, jumping],
        [jumping, world.app],
      ] as const) {
        const found = await watch(writer, reader, count)
        expect([offset, failures(found.samples), found.stale]).toEqual([offset, [], []])
        count = found.count
      }
      // The clock is what it is said to be, or nothing was tried.
      const apartMs = (await clockOf(jumping)) - (await clockOf(world.app))
      expect(Math.abs(apartMs - minutesOf[offset] * 60_000)).toBeLessThan(30_000)
      // Control: whoever trusts the clock on the wall with half a second still has it, long after its end.
      if (offset === '-1h') expect((await jumping.send({ path: '/trusting-permission' })).json()).toEqual({ holds: true })
    }
    expect(failures(await load.stop())).toEqual([])
    expect((await jumping.send({ path: '/health/ready' })).status).toBe(200)
    report(`A14: clock of one of two processes set ${offsets.join(', ')} while both read and write: 0 failed, 0 stale`)
  })
})

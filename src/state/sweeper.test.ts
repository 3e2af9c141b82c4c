import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../test/support/redis.ts'
import { silentLog } from '../core/log.ts'
import { stateSweeper, type Sweep } from './sweeper.ts'

/** A sweeper that runs a hundred times a second. */
function run(sweep: Sweep, isNeeded: () => boolean): void {
  const sweeper = stateSweeper([sweep], silentLog(), { name: 'The sweeper', isNeeded, intervalMs: 10 })
  onTestFinished(async () => sweeper.stop?.())
  void sweeper.start?.()
}

test('nothing is asked of the database until it is needed', async () => {
  let [isNeeded, sweeps] = [false, 0]
  run(
    async () => ++sweeps,
    () => isNeeded,
  )
  await sleep(100)
  expect(sweeps).toBe(0)
  isNeeded = true
  await until(() => sweeps > 0)
})

test('a full batch is followed by another at once, and a failure by the next time', async () => {
  const removed: number[] = []
  const left = [500, 500, 7]
  run(
    async (most) => {
      removed.push(most)
      if (removed.length === 4) throw new Error('away')
      return left.shift() ?? 0
    },
    () => true,
  )
  await until(() => removed.length > 5)
  expect(new Set(removed)).toEqual(new Set([500]))
})

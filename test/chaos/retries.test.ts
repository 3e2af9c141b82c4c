import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { inLanes } from '../guarantees/support/caller.ts'
import { testWorld } from './support/test-world.ts'
import type { World } from './support/world.ts'

const requests = amount(1_000, 5_000)

/** Calls that reach PostgreSQL: each takes a number, which no rollback gives back. */
async function callsOf({ app, sql }: World, path: string, count = requests): Promise<number> {
  await sql(`select setval('calls', 1, false)`)
  await inLanes(Array.from({ length: count }).keys(), 16, async () => {
    expect((await app.send({ method: 'POST', path })).status).toBeGreaterThanOrEqual(500)
  })
  const [row] = await sql<{ calls: number }>('select last_value::int as calls from calls')
  return row?.calls ?? 0
}

describe('A11: retry amplification', () => {
  test('when every transaction fails there are at most a tenth more calls than requests', { timeout: 120_000 }, async () => {
    const world = await testWorld({ redis: false })
    const calls = await callsOf(world, '/never')
    expect(calls).toBeGreaterThan(requests)
    expect(calls).toBeLessThanOrEqual(1.1 * requests)
    // Control: who tries three times each makes three times the calls.
    expect(await callsOf(world, '/never-naive', 100)).toBe(300)
    report(`A11: ${requests} requests that fail for good made ${calls} calls`)
  })
})

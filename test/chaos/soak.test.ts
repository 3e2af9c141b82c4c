import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { type Call, inLanes } from '../guarantees/support/caller.ts'
import { testWorld } from './support/test-world.ts'
import type { World } from './support/world.ts'

const requests = amount(12_000, 1_000_000)
const rounds = 5
/** Of the heap after a collection, for each 100,000 requests. A short run cannot tell a leak from the engine's own ups and downs. */
const mostGrowthBytes = amount(50, 1) * 1_000_000
/** Rows that are written again and again, so that the tables do not grow. */
const rows = 50

function mixed(count: number): Call {
  const id = (count % rows) + 1
  const views = { views: count }
  switch (count % 10) {
    case 0:
      return { method: 'PATCH', path: `/api/notes/${id}`, body: views }
    case 1:
      return { method: 'PATCH', path: `/api/cards/${id}`, body: views }
    case 2:
      return { method: 'PATCH', path: `/api/pages/${id}`, body: views }
    case 3:
      return { path: `/api/notes?filter[views][gt]=${count % 1_000}&page[size]=5` }
    case 4:
      return { path: `/api/pages?page[size]=5&sort=-id` }
    case 5:
      return { method: 'POST', path: '/api/notes', body: { title: 7 } }
    case 6:
      return { path: `/api/nothing/${count}` }
    case 7:
      return { path: `/api/notes/${id}`, headers: { connection: 'close' } }
    default:
      return { path: `/api/${count % 2 === 0 ? 'cards' : 'notes'}/${id}` }
  }
}

async function heapOf({ app }: World): Promise<number> {
  await app.send({ path: '/heap' })
  return ((await app.send({ path: '/heap' })).json() as { heapBytes: number }).heapBytes
}

/** Heap after each round, in bytes. */
async function run(world: World, call: (count: number) => Call, perRound: number): Promise<number[]> {
  const heaps: number[] = []
  let count = 0
  for (let round = 0; round < rounds; round += 1) {
    await inLanes(Array.from({ length: perRound }).keys(), 16, async () => {
      const { status } = await world.app.send(call(count++))
      if (status >= 500) throw new Error(`A request of the soak was answered with ${status}.`)
    })
    heaps.push(await heapOf(world))
  }
  return heaps
}

/** Bytes for each 100,000 requests, from the second round on. */
function slope(heaps: readonly number[], perRound: number): number {
  const [, first = 0] = heaps
  return (((heaps.at(-1) ?? 0) - first) / (perRound * (rounds - 2))) * 100_000
}

describe('A13: soak', () => {
  test('memory, files and connections stay as they are', { timeout: 3_000_000 }, async () => {
    const world = await testWorld()
    const perRound = requests / rounds
    await run(world, mixed, 200)
    const [descriptors, connections] = [world.app.usage().descriptors, await world.connections()]
    const heaps = await run(world, mixed, perRound)
    const growth = slope(heaps, perRound)
    expect(growth).toBeLessThan(mostGrowthBytes)
    expect(world.app.usage().descriptors).toBeLessThanOrEqual(descriptors + 4)
    expect(await world.connections()).toBeLessThanOrEqual(Math.max(connections, 10 + 4 + 1))
    const megabytes = heaps.map((bytes) => Math.round(bytes / 1e5) / 10).join(', ')
    report(
      `A13: ${requests} requests; heap ${megabytes} MB, ${(growth / 1e6).toFixed(2)} MB more for each 100,000; resident ${Math.round(world.app.usage().memoryBytes / 1e6)} MB; ${world.app.usage().descriptors} files, ${await world.connections()} connections`,
    )
    // Control: a route that keeps something is found out.
    expect(slope(await run(world, () => ({ path: '/leaks' }), 100), 100)).toBeGreaterThan(mostGrowthBytes)
  })
})

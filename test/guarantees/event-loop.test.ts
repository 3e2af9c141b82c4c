// A10: no request holds up the others: the worst megabyte that every kind of route can be sent never blocks the event loop for long.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../src/testing/test-app.ts'
import { blog } from '../support/blog.ts'
import { testDatabase } from '../support/postgres.ts'
import { report } from './support/amount.ts'
import type { LoopReport } from './support/blog-process.ts'
import type { Call } from './support/caller.ts'
import { startChildApp, type ChildApp } from './support/child-app.ts'
import { fillBlog } from './support/live-app.ts'
import { worstRequests } from './support/worst-requests.ts'

/** Promised are 50 ms of processor time in one turn. Four times as much on a machine that may be busy and slow. */
const promisedMs = 50
const generousMs = 4 * promisedMs

let database: TestApp

beforeAll(async () => {
  database = await testApp(blog(), { url: testDatabase().url })
  await fillBlog(database)
})
afterAll(() => database.close())

async function heldUpBy(app: ChildApp, call: Call): Promise<LoopReport> {
  await app.send({ path: '/loop' })
  await app.send(call)
  return (await app.send({ path: '/loop' })).json() as LoopReport
}

/** The longest turn, the best of three when the first was too long: the collector of garbage comes when it likes. */
async function longestTurn(app: ChildApp, call: Call): Promise<LoopReport> {
  const first = await heldUpBy(app, call)
  if (first.cpuMs <= promisedMs) return first
  const again = [first, await heldUpBy(app, call), await heldUpBy(app, call)]
  return again.reduce((best, turn) => (turn.cpuMs < best.cpuMs ? turn : best))
}

describe('A10: the event loop', () => {
  test('no request holds it up', { timeout: 240_000 }, async () => {
    const app = await startChildApp(database.url)
    const turns: (LoopReport & { name: string })[] = []
    for (const [name, call] of Object.entries(worstRequests)) turns.push({ name, ...(await longestTurn(app, call)) })
    const longest = turns.toSorted((a, b) => b.cpuMs - a.cpuMs)
    const three = longest.slice(0, 3).map(({ name, cpuMs, delayMs }) => `${cpuMs.toFixed(0)} ms (delay ${delayMs.toFixed(0)} ms) ${name}`)
    report(`A10: ${turns.length} requests of up to 1 MB; longest turns: ${three.join(', ')}; promised: ${promisedMs} ms`)
    expect(longest.filter(({ cpuMs }) => cpuMs > generousMs)).toEqual([])
    expect((await app.send({ path: '/health' })).status).toBe(200)
  })

  test('control: a handler that computes for 300 ms is noticed', async () => {
    const app = await startChildApp(database.url)
    // On a machine with other work, less than 300 ms of processor time; far more than the handlers of others.
    expect((await heldUpBy(app, { path: '/health' })).cpuMs).toBeLessThan(promisedMs)
    expect((await heldUpBy(app, { path: '/blocks' })).cpuMs).toBeGreaterThan(promisedMs)
  })
})

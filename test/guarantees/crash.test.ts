// A12: what breaks in one request harms no other; what breaks a process ends it in order, and a second replica never notices.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testApp, type TestApp } from '../../src/testing/test-app.ts'
import { blog } from '../support/blog.ts'
import { testDatabase } from '../support/postgres.ts'
import { amount, report } from './support/amount.ts'
import { type ChildApp, startChildApp } from './support/child-app.ts'
import { codeOf, errorProblems } from './support/error-reply.ts'
import { fillBlog } from './support/live-app.ts'

let database: TestApp

beforeAll(async () => {
  database = await testApp(blog(), { url: testDatabase().url })
  await fillBlog(database)
})
afterAll(() => database.close())

interface Load {
  /** Ends the load. @returns what happened */
  stop(): Promise<{ readonly requests: number; readonly failures: readonly string[]; readonly written: readonly number[] }>
}

/** Reads and writes on four connections, one request after the other on each, until it is stopped. */
function loadOn(app: ChildApp): Load {
  const failures: string[] = []
  const written: number[] = []
  let requests = 0
  let going = true
  const lane = async (): Promise<void> => {
    while (going) {
      requests += 1
      const isWrite = requests % 4 === 0
      const call = isWrite
        ? { method: 'POST', path: '/api/tags', body: { name: `load ${requests} ${Math.random()}` } }
        : { path: '/api/posts?include=author&page[size]=5' }
      const reply = await app.send(call).catch((error: Error) => error)
      if (reply instanceof Error) failures.push(reply.message)
      else if (reply.status !== (isWrite ? 201 : 200)) failures.push(`${reply.status} ${codeOf(reply)}`)
      else if (isWrite) written.push((reply.json() as { data: { id: number } }).data.id)
    }
  }
  const lanes = Promise.all([lane(), lane(), lane(), lane()])
  return {
    async stop() {
      going = false
      await lanes
      return { requests, failures, written }
    },
  }
}

function fatalLine(app: ChildApp): Record<string, unknown> {
  const line = app
    .output()
    .split('\n')
    .find((text) => text.includes('"level":"fatal"'))
  return JSON.parse(line ?? '{}') as Record<string, unknown>
}

/** Both are tested without a database beside `http/drain.ts`. */
const deaths = [
  ['/rejects', 'unhandledRejection', 'nobody waits for this'],
  ['/throws-later', 'uncaughtException', 'in a timer'],
] as const

const smallHeap = ['--max-old-space-size=48']

describe('A12: crash containment', () => {
  test('a throw in a handler is a 500 for that request, while all others are answered', async () => {
    const app = await startChildApp(database.url)
    const load = loadOn(app)
    const replies = await Promise.all(Array.from({ length: 50 }, () => app.send({ path: '/throws' })))
    const { failures, requests } = await load.stop()
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([500]))
    expect(replies.flatMap((reply) => errorProblems(reply, 'envelope', ['in a handler']))).toEqual([])
    expect([failures, app.child.exitCode]).toEqual([[], null])
    expect(requests).toBeGreaterThan(4) // one on each connection
    await expect.poll(() => app.output().match(/"level":"error"/g)).toHaveLength(50)
  })

  test.each(deaths.slice(0, amount(1, 2)))(
    '%s: it is logged, what is in flight is finished, the process ends with 1, and the other replica never notices',
    async (path, origin, message) => {
      const [broken, other] = [await startChildApp(database.url), await startChildApp(database.url)]
      const load = loadOn(other)
      const inFlight = await Promise.all([broken.send({ path }), broken.send({ path: '/api/posts/1' })])
      expect(inFlight.map(({ status }) => status)).toEqual([200, 200])
      expect(await broken.exited).toEqual({ code: 1, signal: null })
      expect(fatalLine(broken)).toMatchObject({ origin, err: { message } })
      expect((await load.stop()).failures).toEqual([])
    },
  )

  test(
    'out of memory: the process ends, the other replica never notices, and what was acknowledged is stored',
    { timeout: 90_000 },
    async () => {
      const written: number[] = []
      let requests = 0
      for (let round = 0; round < amount(1, 5); round += 1) {
        const [broken, other] = [await startChildApp(database.url, {}, { nodeFlags: smallHeap }), await startChildApp(database.url)]
        const loads = [loadOn(broken), loadOn(other)] as const
        const answer = await broken.send({ path: '/fills-memory' }).catch((error: Error) => error)
        expect(answer).toBeInstanceOf(Error)
        const { code, signal } = await broken.exited
        expect(code === 0 && signal === null).toBe(false)
        const [own, others] = [await loads[0].stop(), await loads[1].stop()]
        expect(others.failures).toEqual([])
        // Control: the same load does notice, where it should.
        expect(own.failures.length).toBeGreaterThan(0)
        written.push(...own.written, ...others.written)
        requests += others.requests
      }
      expect(written.length).toBeGreaterThan(0)
      const found = await database.app.db.query<{ count: number }>('select count(*)::int as count from tags where id = any($1::int[])', [
        `{${written.join(',')}}`,
      ])
      expect(found).toEqual([{ count: written.length }])
      report(
        `A12: ${amount(1, 5)} processes out of memory; the other replica: ${requests} requests, 0 failures, ${written.length} writes kept`,
      )
    },
  )
})

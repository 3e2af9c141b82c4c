import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openDatabase, signalAll } from '../../test/support/database.ts'
import { startPostgres, type PostgresServer } from '../../test/support/postgres-server.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import type { Database } from './database.ts'

const one = { text: 'select 1', values: [] }
const unavailable = { code: 'DB_UNAVAILABLE', status: 503, headers: { 'retry-after': '1' } }

/** Every way to use the database: each with connections of its own. */
function everything(db: Database): Promise<unknown>[] {
  return [
    db.read(one),
    db.readAll([one, one]),
    db.read(one, { slow: true }),
    db.write(one),
    db.query('select 1'),
    db.transaction(() => db.write(one)),
  ]
}

/** Milliseconds until everything succeeds. */
async function recovery(db: Database): Promise<number> {
  const startedAt = performance.now()
  while ((await Promise.allSettled(everything(db))).some((outcome) => outcome.status === 'rejected')) await sleep(20)
  return performance.now() - startedAt
}

describe.each(testDatabases())('on $name', ({ binaries }) => {
  async function ownServer(): Promise<PostgresServer> {
    const server = await startPostgres(binaries)
    onTestFinished(() => server.destroy())
    return server
  }

  test.each(['thin', 'pg'] as const)('a frozen server means 503 within 3 s, and no restart when it wakes up (%s)', async (reader) => {
    const server = await ownServer()
    const db = await openDatabase(server.url, { reader, statementTimeoutMs: 30_000 })
    await Promise.all(everything(db))
    signalAll(server, 'SIGSTOP')
    onTestFinished(() => signalAll(server, 'SIGCONT'))
    const frozenAt = performance.now()
    for (const outcome of await Promise.allSettled(everything(db)))
      expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable })
    expect(performance.now() - frozenAt).toBeLessThan(3_000)
    const laterAt = performance.now()
    for (const outcome of await Promise.allSettled(everything(db)))
      expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable })
    // At once: not after a second of silence each.
    expect(performance.now() - laterAt).toBeLessThan(900)
    expect(await db.health()).toMatchObject({ ok: false })
    signalAll(server, 'SIGCONT')
    expect(await recovery(db)).toBeLessThan(2_000)
  })

  test('a slow statement on a server that lives is not taken for a frozen one', async () => {
    const db = await openDatabase((await ownServer()).url)
    const slow = { text: 'select pg_sleep(2.5)', values: [] }
    expect(await Promise.all([db.write(slow), db.read(slow)])).toMatchObject([{ count: 1 }, { count: 1 }])
  })

  test('a killed server means 503 at once, and no restart when it is back', async () => {
    const server = await ownServer()
    const db = await openDatabase(server.url)
    await Promise.all(everything(db))
    const sleeping = [db.query('select pg_sleep(5)'), db.read({ text: 'select pg_sleep(5)', values: [] })]
    await sleep(50)
    server.signal('SIGKILL')
    const killedAt = performance.now()
    for (const outcome of await Promise.allSettled(sleeping)) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable })
    await server.stop()
    for (const outcome of await Promise.allSettled(everything(db)))
      expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable })
    expect(performance.now() - killedAt).toBeLessThan(1_000)
    await server.start()
    expect(await recovery(db)).toBeLessThan(2_000)
  })

  test('under load a restart gives nothing but answers and 503', async () => {
    const server = await ownServer()
    const db = await openDatabase(server.url)
    let stopped = false
    const codes = new Set<unknown>()
    const load = Array.from({ length: 8 }, async () => {
      while (!stopped) {
        for (const outcome of await Promise.allSettled(everything(db))) if (outcome.status === 'rejected') codes.add(outcome.reason.code)
        await sleep(2)
      }
    })
    for (let round = 0; round < 3; round += 1) {
      await sleep(200)
      await server.stop()
      await sleep(100)
      await server.start()
    }
    expect(await recovery(db)).toBeLessThan(2_000)
    stopped = true
    await Promise.all(load)
    // Overloaded: all connections of the pool wait for the server, and so do as many callers as may queue.
    expect(['DB_UNAVAILABLE', 'DB_OVERLOADED']).toEqual(expect.arrayContaining([...codes]))
  })
})

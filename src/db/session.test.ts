import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '../../test/support/database.ts'
import { testDatabase, testDatabases } from '../../test/support/postgres.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import type { Database } from './database.ts'
import { Session } from './session.ts'

function openSession(db: Database): Session {
  const session = db.openSession()
  onTestFinished(() => session.close())
  return session
}

const pidOf = async (session: Session): Promise<unknown> => (await session.query('select pg_backend_pid() as pid'))[0]?.['pid']

describe.each(testDatabases())('a session on $name', ({ url }) => {
  test('is one connection beside the pool, also when all of that is taken', async () => {
    const db = await freshDatabase(url, '', { poolSize: 1 })
    const session = openSession(db)
    await db.transaction(async () => {
      const [held] = await db.query<{ pid: number }>('select pg_backend_pid() as pid')
      const pids = await Promise.all([pidOf(session), pidOf(session)])
      expect(pids[0]).toBe(pids[1])
      expect(pids[0]).not.toBe(held?.pid)
    })
  })

  test('is made again after it was cut, and says what became of the statement that met that', async () => {
    const db = await freshDatabase(url)
    const session = openSession(db)
    const pid = await pidOf(session)
    const end = async (): Promise<unknown> => sleep(50).then(() => db.query('select pg_terminate_backend($1)', [pid]))
    const [cut] = await Promise.allSettled([session.query('select pg_sleep(5)'), end()])
    expect(cut).toMatchObject({ status: 'rejected', reason: { code: 'DB_UNAVAILABLE', status: 503 } })
    expect(await pidOf(session)).not.toBe(pid)
    await expect(session.query('select no_such_column')).rejects.toMatchObject({ code: 'CORE_INTERNAL' })
    expect(await pidOf(session)).toEqual(expect.any(Number))
  })

  test('gives up what is not answered, and is closed for good', async () => {
    const db = await freshDatabase(url)
    const session = openSession(db)
    await expect(session.query('select pg_sleep(4)')).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
    expect(await pidOf(session)).toEqual(expect.any(Number))
    await session.close()
    await expect(pidOf(session)).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
  })
})

/** A session whose server answers nothing any more, neither on its connection nor on new ones. */
async function frozenSession(): Promise<Session> {
  const { url } = testDatabase()
  const proxy = await startTcpProxy(Number(new URL(url).port))
  onTestFinished(() => proxy.close())
  const through = new URL(url)
  through.host = `127.0.0.1:${proxy.port}`
  const session = new Session({ connectionString: through.href, connectionTimeoutMillis: 1_000 })
  await pidOf(session)
  proxy.freeze()
  return session
}

test('statements that wait for a server which does not answer fail together, not one after the other', async () => {
  const session = await frozenSession()
  onTestFinished(() => session.close())
  const startedAt = performance.now()
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => session.query('select 1')))
  expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 'rejected'))
  expect(performance.now() - startedAt).toBeLessThan(8_000)
})

test('close() does not wait for the goodbye of a server that is frozen', async () => {
  const session = await frozenSession()
  await session.close()
  await expect(session.query('select 1')).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
})

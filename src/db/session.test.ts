import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '../../test/support/database.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import type { Database } from './database.ts'
import type { Session } from './session.ts'

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

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createMetrics } from '../core/metrics.ts'
import { freshDatabase, openDatabase } from '../../test/support/database.ts'
import { testDatabase } from '../../test/support/postgres.ts'

const { url } = testDatabase()

test('when every connection is busy for a second, a waiting write gets 503 and later ones succeed', async () => {
  const db = await freshDatabase(url, '', { poolSize: 2 })
  const busy = [1, 2].map(() => db.query('select pg_sleep(1.6)'))
  const startedAt = performance.now()
  await expect(db.write({ text: 'select 1', values: [] })).rejects.toMatchObject({
    code: 'DB_OVERLOADED',
    status: 503,
    headers: { 'retry-after': '1' },
  })
  expect(performance.now() - startedAt).toBeLessThan(1_400)
  await Promise.all(busy)
  await expect(db.write({ text: 'select 1', values: [] })).resolves.toMatchObject({ count: 1 })
})

test('a waiting line that is full turns newcomers away at once', async () => {
  const db = await freshDatabase(url, '', { poolSize: 1 })
  const busy = db.query('select pg_sleep(0.3)')
  await new Promise(setImmediate)
  const line = Array.from({ length: 32 }, () => db.query('select 1'))
  const startedAt = performance.now()
  await expect(db.query('select 1')).rejects.toMatchObject({ code: 'DB_OVERLOADED' })
  expect(performance.now() - startedAt).toBeLessThan(50)
  await Promise.all([busy, ...line])
})

test('the pool tells how long callers wait for a connection', async () => {
  const metrics = createMetrics()
  const db = await openDatabase(url, { poolSize: 1 }, metrics)
  expect((await db.health()).pool.longestWaitMs).toBeLessThan(200)
  const busy = db.query('select pg_sleep(0.3)')
  await Promise.all([busy, db.query('select 1')])
  expect((await db.health()).pool.longestWaitMs).toBeGreaterThanOrEqual(200)
  const text = await metrics.text()
  expect(text).toMatch(/plinth_db_pool_wait_seconds_count 3\n/)
  expect(text).toMatch(/plinth_db_pool_wait_seconds_bucket\{le="0.1"\} 2\n/)
  expect(text).toContain('plinth_db_pool{state="idle"} 1')
})

/** A database for a role that may have `limit` connections to it. */
async function limitedDatabase(limit: number): Promise<{ readonly url: string; remove(): Promise<void> }> {
  const admin = await freshDatabase(url)
  const [row] = await admin.query<{ name: string }>('select current_database() as name')
  const role = `limited_${randomBytes(4).toString('hex')}`
  await admin.query(`create role ${role} login password 'x' connection limit ${limit}`)
  const own = new URL(url)
  Object.assign(own, { username: role, password: 'x', pathname: `/${row?.name ?? ''}` })
  return { url: own.href, remove: async () => void (await admin.query(`drop role ${role}`)) }
}

test('where the server gives a single connection, writes and reads wait for it instead of being refused', async () => {
  const limited = await limitedDatabase(1)
  const db = await openDatabase(limited.url, { connectTimeoutMs: 5_000 })
  const one = { text: 'select 1', values: [] }
  const all = Array.from({ length: 10 }, () => [db.write(one), db.read(one), db.readAll([one, one]), db.transaction(() => db.write(one))])
  for (const outcome of await Promise.allSettled(all.flat())) expect(outcome).toMatchObject({ status: 'fulfilled' })
  expect(await db.query('select count(*)::int from pg_stat_activity where usename = current_user')).toEqual([{ count: 1 }])
  await db.close()
  await limited.remove()
})

test('where reads have the only connection, they give it up for the first write, and are answered on it themselves', async () => {
  const limited = await limitedDatabase(1)
  const db = await openDatabase(limited.url, { connectTimeoutMs: 5_000 })
  const one = { text: 'select 1', values: [] }
  const admin = await openDatabase(url)
  const count = `select count(*)::int from pg_stat_activity where usename = $1`
  await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = $1`, [new URL(limited.url).username])
  await expect.poll(() => admin.query(count, [new URL(limited.url).username])).toEqual([{ count: 0 }])
  await expect.poll(() => db.read(one).catch(() => undefined)).toMatchObject({ count: 1 })
  expect(await Promise.all([db.write(one), db.read(one), db.transaction(() => db.write(one))])).toHaveLength(3)
  expect(await db.health()).toMatchObject({ ok: true })
  await db.close()
  await limited.remove()
})

test('where the server gives none, everybody is told at once: those whose turn would be next wait for nothing', async () => {
  const limited = await limitedDatabase(0)
  const db = await openDatabase(limited.url, { connectTimeoutMs: 5_000 })
  const startedAt = performance.now()
  const refused = await Promise.allSettled(Array.from({ length: 40 }, () => db.query('select 1')))
  for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'DB_UNAVAILABLE', status: 503 } })
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  await db.close()
  await limited.remove()
})

test('a busy pool does not hold up pipelined reads or health', async () => {
  const db = await freshDatabase(url, '', { poolSize: 1 })
  const busy = db.query('select pg_sleep(0.5)')
  const startedAt = performance.now()
  await db.read({ text: 'select 1', values: [] })
  expect(await db.health()).toMatchObject({ ok: true })
  expect(performance.now() - startedAt).toBeLessThan(400)
  await busy
})

test('the statement time-out ends a statement with 503 and keeps its connection', async () => {
  const db = await freshDatabase(url, '', { poolSize: 1, statementTimeoutMs: 200 })
  const backend = (): Promise<unknown> => db.query('select pg_backend_pid()')
  const before = await backend()
  await expect(db.query('select pg_sleep(2)')).rejects.toMatchObject({ code: 'DB_TIMEOUT', status: 503 })
  expect(await backend()).toEqual(before)
})

test('a row that somebody else has locked is a 503 after the lock time-out', async () => {
  const db = await freshDatabase(url, 'create table t (id int); insert into t values (1)', { lockTimeoutMs: 100 })
  const locked = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const holder = db.transaction(async () => {
    await db.query('select * from t for update')
    locked.resolve()
    await done.promise
  })
  await locked.promise
  await expect(db.write({ text: 'update t set id = 2', values: [] })).rejects.toMatchObject({ code: 'DB_LOCKED', status: 503 })
  done.resolve()
  await holder
})

test('an idle connection that the server ends is replaced, and a read does not notice', async () => {
  const db = await freshDatabase(url, '', { poolSize: 1 })
  await db.read({ text: 'select 1', values: [] }, { slow: true })
  await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
  await expect(db.read({ text: 'select 1', values: [] }, { slow: true })).resolves.toMatchObject({ count: 1 })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openDatabase, signalAll } from '../../test/support/database.ts'
import { startPostgres, startStandby, type PostgresServer } from '../../test/support/postgres-server.ts'
import { testDatabase, testDatabases } from '../../test/support/postgres.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import { wallTables } from '../../test/support/walled.ts'
import { runInTenant } from '../core/tenant.ts'
import type { Database } from './database.ts'
import { textColumns } from './rows.ts'
import { withClient } from './scratch-database.ts'

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

  test('a server that is set to read only refuses changes with 503, answers reads, and takes changes again', async () => {
    const server = await ownServer()
    const db = await openDatabase(server.url)
    await db.query('create table notes (id int)')
    const write = { text: 'insert into notes values (1)', values: [] }
    await db.query('alter system set default_transaction_read_only = on')
    await db.query('select pg_reload_conf()')
    const refusal = expect.objectContaining({ code: 'DB_READ_ONLY', status: 503, headers: { 'retry-after': '1' } })
    await expect.poll(() => db.write(write).catch((error: unknown) => error)).toEqual(refusal)
    expect(await Promise.all([db.read(one), db.readAll([one]), db.read(one, { slow: true })])).toHaveLength(3)
    expect(await db.transaction(() => db.write(write)).catch((error: unknown) => error)).toEqual(refusal)
    await db.query('alter system reset default_transaction_read_only')
    await db.query('select pg_reload_conf()')
    await expect.poll(() => db.write(write)).toMatchObject({ affected: 1 })
  })

  test.each(['thin', 'pg'] as const)('under load a restart gives each tenant its own rows or 503 (%s)', async (reader) => {
    const server = await ownServer()
    const tables = `create table notes (tenant text not null); insert into notes values ('a'), ('b'), ('b')`
    await withClient(server.url, (client) => wallTables(client, tables, { notes: 'tenant' }))
    const db = await openDatabase(server.url, { reader, hasTenants: true })
    const rows = { text: 'select tenant from notes', values: [], name: 'notes' }
    const ways = [
      () => db.read(rows),
      () => db.read(rows, { slow: true }),
      () => db.write({ ...rows, name: 'written' }),
      () => db.transaction(() => db.read(rows)),
      () => db.readAll([rows, rows]).then(([, second]) => second),
    ]
    let stopped = false
    const seen = new Set<string>()
    const load = ['a', 'b', ''].flatMap((tenant) =>
      ways.map(async (way) => {
        while (!stopped) {
          const answer = await runInTenant(tenant, way).catch((error: { status: number }) => error.status)
          seen.add(`${tenant} ${typeof answer === 'number' ? answer : answer?.count}`)
          await sleep(2)
        }
      }),
    )
    for (let round = 0; round < 2; round += 1) {
      await sleep(200)
      await server.stop()
      await sleep(100)
      await server.start()
    }
    await sleep(300)
    stopped = true
    await Promise.all(load)
    expect([...seen].toSorted()).toEqual([' 0', ' 503', 'a 1', 'a 503', 'b 2', 'b 503'])
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

test('connections that ended up at a standby are made anew, and find the primary when the address leads there', async () => {
  const { binaries } = testDatabase()
  const primary = await startPostgres(binaries)
  const standby = await startStandby(binaries, primary)
  const proxy = await startTcpProxy(primary.port)
  onTestFinished(async () => void (await Promise.all([proxy.close(), primary.destroy(), standby.destroy()])))
  const db = await openDatabase(primary.url.replace(String(primary.port), String(proxy.port)))
  await db.query('create table notes (id int)')
  const write = { text: 'insert into notes values (1)', values: [] }
  proxy.pointTo(standby.port)
  proxy.cut()
  await expect.poll(() => db.write(write).catch((error: unknown) => error)).toMatchObject({ code: 'DB_READ_ONLY' })
  // As when a name leads elsewhere: what is connected stays.
  proxy.pointTo(primary.port)
  const inRecovery = { text: 'select pg_is_in_recovery()', values: [] }
  await expect.poll(() => db.write(write).catch(() => undefined), { timeout: 2_000 }).toMatchObject({ affected: 1 })
  for (const rows of await Promise.all(everything(db).slice(0, 4))) expect(rows).toBeDefined()
  for (let round = 0; round < 8; round += 1) expect(textColumns(await db.read(inRecovery), 0)).toEqual(['f'])
})

test('a failover to a standby gives nothing but answers and 503, and no restart', async () => {
  const { binaries } = testDatabase()
  const primary = await startPostgres(binaries)
  const standby = await startStandby(binaries, primary)
  const proxy = await startTcpProxy(primary.port)
  onTestFinished(async () => void (await Promise.all([proxy.close(), primary.destroy(), standby.destroy()])))
  const db = await openDatabase(primary.url.replace(String(primary.port), String(proxy.port)))
  await Promise.all(everything(db))
  signalAll(primary, 'SIGKILL')
  for (const outcome of await Promise.allSettled(everything(db))) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable })
  proxy.pointTo(standby.port)
  proxy.cut()
  const onStandby = await openDatabase(standby.url)
  await onStandby.query('select pg_promote()')
  expect(await recovery(db)).toBeLessThan(2_000)
})

import { setTimeout as sleep } from 'node:timers/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openDatabase, signalAll } from '../../../test/support/database.ts'
import { type PostgresServer, startPostgres, startStandby } from '../../../test/support/postgres-server.ts'
import { connect } from '../../../test/support/migrations.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { wallTables } from '../../../test/support/walled.ts'
import { anonymousCaller } from '../../core/caller.ts'
import { runInContext, type RequestContext } from '../../core/context.ts'
import { silentLog } from '../../core/log.ts'
import { runInTenant } from '../../core/tenant.ts'
import type { Database, DatabaseHealth } from '../database.ts'
import { drizzleOn } from '../drizzle.ts'
import { textColumns } from '../rows.ts'
import type { Demand } from './position.ts'
import { Replica } from './replica.ts'
import { ReplicaSet } from './replica-set.ts'
import { ReplicatedDatabase } from './replicated-database.ts'
import { Writes } from './writes.ts'

const { binaries } = testDatabase()
const count = { text: 'select count(*)::int from notes', values: [], name: 'count_notes' }
const insert = { text: 'insert into notes default values', values: [] }

let primary: PostgresServer
let standby: PostgresServer
/** On the standby itself. */
let control: Database

beforeAll(async () => {
  primary = await startPostgres(binaries)
  standby = await startStandby(binaries, primary)
})
afterAll(() => Promise.all([primary.destroy(), standby.destroy()]))

beforeEach(async () => {
  const db = await openDatabase(primary.url)
  control = await openDatabase(standby.url)
  await control.query('select pg_wal_replay_resume()')
  await db.query('drop table if exists notes; create table notes (id int generated always as identity)')
})

/** Stops what the standby shows; what it receives it keeps for later. */
async function pause(): Promise<void> {
  await caughtUp()
  await control.query('select pg_wal_replay_pause()')
  onTestFinished(async () => void (await control.query('select pg_wal_replay_resume()')))
  await expect.poll(() => control.query('select pg_get_wal_replay_pause_state() as state')).toEqual([{ state: 'paused' }])
}

async function caughtUp(): Promise<void> {
  const db = await openDatabase(primary.url)
  const [position] = await db.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')
  const reached = () => control.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as reached', [position?.lsn])
  await expect.poll(reached).toEqual([{ reached: true }])
}

/** A process with the standby as its replica, which it uses already. */
async function replicated(config: Parameters<typeof openDatabase>[1] = {}, url = primary.url): Promise<Database> {
  const db = await openDatabase(url, { replicaUrls: [standby.url], ...config })
  await usable(db)
  return db
}

const usable = (db: Database): Promise<void> => expect.poll(() => replicasOf(db)).toMatchObject([{ ok: true }])

async function replicasOf(db: Database): Promise<Required<DatabaseHealth>['reads']['replicas']> {
  return (await db.health()).reads?.replicas ?? []
}

async function notes(db: Database, options?: { slow: boolean }): Promise<number> {
  return Number(textColumns(await db.anywhere().read(count, options), 0)[0])
}

async function readsOnReplica(db: Database): Promise<number> {
  return (await replicasOf(db)).reduce((sum, { reads }) => sum + reads, 0)
}

/** As within a request of a client that sends `token`. @returns what `work` gave, and the token for the client's next request */
async function asClient<result>(
  db: Database,
  token: string | undefined,
  work: () => Promise<result>,
): Promise<[result, string | undefined]> {
  const context: RequestContext = { requestId: 'r', startedAt: 0, deadline: Infinity, caller: anonymousCaller, readAfter: token }
  return runInContext(context, async () => [await work(), await db.readAfter()])
}

describe('reads that may be elsewhere', () => {
  test('go to the replica, all statements of one operation and slow ones too', async () => {
    const db = await replicated()
    const where = { text: 'select pg_is_in_recovery()', values: [] }
    const reads = db.anywhere()
    const rows = [await reads.read(where), ...(await reads.readAll([where, where])), await reads.read(where, { slow: true })]
    expect(rows.map((row) => textColumns(row, 0))).toEqual([['t'], ['t'], ['t'], ['t']])
    expect(textColumns(await db.read(where), 0)).toEqual(['f'])
    expect((await db.health()).reads).toMatchObject({ primary: 0, replicas: [{ ok: true, reads: 1 }] })
  })

  test('go to the primary inside a transaction, where they see what it has written', async () => {
    const db = await replicated()
    await db.transaction(async () => {
      await db.write(insert)
      expect(await notes(db)).toBe(1)
    })
  })

  test('come back to the replica when it has shown what was written', async () => {
    const db = await replicated()
    await db.write(insert)
    await expect.poll(async () => [await notes(db), (await readsOnReplica(db)) > 0]).toEqual([1, true])
  })

  const write: Record<string, (db: Database) => Promise<unknown>> = {
    'a statement': (db) => db.write(insert),
    'plain SQL': (db) => db.query(insert.text),
    Drizzle: (db) => drizzleOn(db).execute(insert.text),
    'what Drizzle was given the client of a transaction for': (db) =>
      db.transaction(() => drizzle({ client: db.client() }).execute(insert.text)),
    'a transaction': (db) => db.transaction(() => db.write(insert)),
    'a commit that does not wait for the disk': (db) => db.query(`begin; set local synchronous_commit = off; ${insert.text}; commit`),
  }

  test.each(Object.entries(write))('show their own process what it wrote while the replica is paused: %s', async (_name, perform) => {
    const db = await replicated({ replicaMaxLagMs: 60_000 })
    await pause()
    for (const slow of [false, true]) {
      for (let round = 1; round <= 20; round += 1) {
        const before = await notes(db, { slow })
        await perform(db)
        expect(await notes(db, { slow })).toBe(before + 1)
      }
    }
    expect(await replicasOf(db)).toMatchObject([{ ok: true }])
  })

  test('show an effect after the commit what was committed', async () => {
    const db = await replicated({ replicaMaxLagMs: 60_000 })
    await pause()
    const seen: number[] = []
    await db.transaction(async () => {
      db.afterCommit(async () => void seen.push(await notes(db)))
      await db.write(insert)
    })
    expect(seen).toEqual([1])
  })

  test('show a client what it wrote at another process, when it sends its token, and only then', async () => {
    const [one, other] = [await replicated({ replicaMaxLagMs: 60_000 }), await replicated({ replicaMaxLagMs: 60_000 })]
    await pause()
    const [, token] = await asClient(one, undefined, () => one.write(insert))
    expect(token).toMatch(/^1-[0-9a-f]+$/)
    expect((await asClient(other, token, () => notes(other)))[0]).toBe(1)
    expect((await asClient(other, 'no token of ours', () => notes(other)))[0]).toBe(1)
    // Control: without it the other process reads from the replica, which shows nothing yet.
    expect(await asClient(other, undefined, () => notes(other))).toEqual([0, undefined])
  })

  test('control: without the rule a process does not see its own write', async () => {
    const source = await openDatabase(primary.url)
    const replica = new Replica('standby', await openDatabase(standby.url))
    const replicas = new ReplicaSet({ primary: source, replicas: [replica], maxLagMs: 60_000, log: silentLog() })
    class NoRule extends Writes {
      override demand(): Demand {
        return undefined
      }
    }
    await replicas.start()
    onTestFinished(() => replicas.close())
    const db = new ReplicatedDatabase({ primary: source, replicas, writes: new NoRule(source, 1_000) })
    await usable(db)
    await pause()
    await db.write(insert)
    expect(await notes(db)).toBe(0)
  })

  test('go to the primary when nobody knows whether a write was done', async () => {
    const proxy = await startTcpProxy(primary.port)
    onTestFinished(() => proxy.close())
    const db = await replicated({ replicaMaxLagMs: 60_000 }, primary.url.replace(String(primary.port), String(proxy.port)))
    await pause()
    const work = asClient(db, undefined, async () => {
      // The write is done, and its answer never comes.
      const write = db.query(`insert into notes default values; select pg_sleep(0.3)`)
      await sleep(100)
      proxy.cut()
      await expect(write).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
    })
    expect((await work)[1]).toBe('primary')
    await sleep(500)
    await expect.poll(() => notes(db)).toBe(1)
  })
})

describe('without the primary', () => {
  test('reads are answered by the replica, also after writes that could not be sent', async () => {
    const proxy = await startTcpProxy(primary.port)
    onTestFinished(() => proxy.close())
    const config = { replicaMaxLagMs: 60_000, statementTimeoutMs: 500, connectTimeoutMs: 500 }
    const db = await replicated(config, primary.url.replace(String(primary.port), String(proxy.port)))
    await proxy.refuse()
    await expect.poll(async () => (await db.health()).pool.size).toBe(0)
    const writes = [() => db.write(insert), () => db.query(insert.text), () => db.transaction(() => db.write(insert))]
    for (const write of writes) {
      const work = asClient(db, undefined, async () => {
        await expect(write()).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
        return notes(db)
      })
      expect(await work).toEqual([0, undefined])
    }
    // A doubt would end after a second, with a question to the primary.
    await sleep(1_200)
    expect(await notes(db)).toBe(0)
  })

  test('reads are answered by the replica, also after writes while the primary was frozen', async () => {
    const proxy = await startTcpProxy(primary.port)
    onTestFinished(() => proxy.close())
    const db = await replicated({ replicaMaxLagMs: 60_000 }, primary.url.replace(String(primary.port), String(proxy.port)))
    proxy.freeze()
    // The watchdog knows it is silent; from then on nothing is sent.
    await expect(db.read(count)).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
    await expect(db.write(insert)).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' })
    expect(await notes(db)).toBe(0)
  })
})

describe('a replica that cannot be used', () => {
  test('is not: reads go to the primary while it is further behind than allowed, and come back', async () => {
    const db = await replicated({ replicaMaxLagMs: 1_000 })
    await pause()
    const other = await openDatabase(primary.url)
    await other.write(insert)
    await expect.poll(() => replicasOf(db), { timeout: 5_000 }).toMatchObject([{ ok: false, problem: 'is too far behind' }])
    const [health] = await replicasOf(db)
    expect([(health?.lagMs ?? 0) > 1_000, (health?.lagBytes ?? 0) > 0]).toEqual([true, true])
    expect(await notes(db)).toBe(1)
    await control.query('select pg_wal_replay_resume()')
    await usable(db)
  })

  test('is passed over when it is gone, and used again when it is back', async () => {
    const db = await replicated()
    await standby.stop()
    for (let round = 0; round < 20; round += 1) expect(await notes(db)).toBe(0)
    await expect.poll(() => replicasOf(db)).toMatchObject([{ ok: false, problem: 'cannot be reached' }])
    await standby.start()
    await usable(db)
    const before = await readsOnReplica(db)
    expect(await notes(db)).toBe(0)
    expect(await readsOnReplica(db)).toBe(before + 1)
  })

  test('holds up no read for long when it freezes', async () => {
    const db = await replicated()
    onTestFinished(() => signalAll(standby, 'SIGCONT'))
    signalAll(standby, 'SIGSTOP')
    const startedAt = performance.now()
    expect(await Promise.all(Array.from({ length: 20 }, () => notes(db)))).toEqual(Array.from({ length: 20 }, () => 0))
    // A question every half second, and half a second of patience. The watchdog of a database alone would take two.
    expect(performance.now() - startedAt).toBeLessThan(1_900)
    expect(await replicasOf(db)).toMatchObject([{ ok: false, problem: 'does not answer' }])
    signalAll(standby, 'SIGCONT')
    await usable(db)
  })

  test('is refused when it is a primary, and when it belongs to another', async () => {
    const stranger = await startPostgres(binaries)
    const itsStandby = await startStandby(binaries, stranger)
    onTestFinished(async () => void (await Promise.all([stranger.destroy(), itsStandby.destroy()])))
    const db = await openDatabase(primary.url, { replicaUrls: [primary.url, itsStandby.url] })
    await expect
      .poll(() => replicasOf(db))
      .toMatchObject([
        { ok: false, problem: 'is not a standby' },
        { ok: false, problem: 'is not a standby of this primary' },
      ])
    expect(await notes(db)).toBe(0)
  })

  test('shows nothing of a newer timeline as long as it stays on its own, however far it is', { timeout: 60_000 }, async () => {
    const old = await startPostgres(binaries)
    const next = await startStandby(binaries, old)
    const left = await startStandby(binaries, old)
    onTestFinished(async () => void (await Promise.all([old.destroy(), next.destroy(), left.destroy()])))
    const proxy = await startTcpProxy(old.port)
    onTestFinished(() => proxy.close())
    const db = await openDatabase(old.url.replace(String(old.port), String(proxy.port)), {
      replicaUrls: [left.url],
      replicaMaxLagMs: 3_600_000,
    })
    await db.query('create table notes (id int generated always as identity)')
    const nextDb = await openDatabase(next.url)
    await expect.poll(() => nextDb.query(`select to_regclass('notes') is not null as there`)).toEqual([{ there: true }])
    await next.stop()
    // Only the standby that is left behind gets this, so that it is further than the next primary.
    await db.query(`create table filler as select repeat('x', 1000) from generate_series(1, 20000)`)
    await expect.poll(async () => (await replicasOf(db))[0]?.lagBytes).toBe(0)
    await old.stop()
    await next.start()
    await nextDb.query('select pg_promote()')
    proxy.pointTo(next.port)
    proxy.cut()
    await expect.poll(async () => (await db.health()).ok).toBe(true)
    await db.write(insert)
    await sleep(1_200)
    for (let round = 0; round < 20; round += 1) expect(await notes(db)).toBe(1)
  })
})

test('a replica is told the tenant of each read, with and without a demand, and is the role of the application there, too', async () => {
  const owner = await connect(primary.url)
  await wallTables(owner, `alter table notes add tenant text not null default 'a'; insert into notes (tenant) values ('a'), ('b'), ('b')`, {
    notes: 'tenant',
  })
  await caughtUp()
  const db = await replicated({ hasTenants: true })
  const counted = async (): Promise<string | null | undefined> => textColumns(await db.anywhere().read(count), 0)[0]
  const before = await readsOnReplica(db)
  expect(await Promise.all([runInTenant('a', counted), runInTenant('b', counted), counted(), runInTenant(undefined, counted)])).toEqual([
    '1',
    '2',
    '3',
    '0',
  ])
  expect(await readsOnReplica(db)).toBe(before + 4)
  await runInTenant('b', () => db.write({ text: `insert into notes (tenant) values ('b')`, values: [] }))
  await expect.poll(() => runInTenant('b', counted)).toBe('3')
  expect(await runInTenant('a', counted)).toBe('1')
})

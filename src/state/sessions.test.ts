import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'

import { holdRead } from '../../test/support/held-reads.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import { redisServer, until } from '../../test/support/redis.ts'
import { startProcess, stateBed, type StateProcess } from '../../test/support/state.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import { askOnce } from '../redis/connection.ts'
import type { ScriptReply } from '../redis/redis.ts'
import { forgetChanges } from './session-changes.ts'
import { hashOf } from './session-id.ts'
import type { SessionStore } from './sessions.ts'

/** From the end of a change to the last process that knows it. */
const promiseMs = 1_000

async function found({ metrics }: StateProcess, from: string): Promise<number> {
  return Number(new RegExp(`plinth_sessions_total\\{from="${from}"\\} (\\d+)`).exec(await metrics.text())?.[1] ?? 0)
}

/** Uses the session until the process has a copy that it believes. */
async function warm(process: StateProcess, id: string): Promise<void> {
  const before = await found(process, 'process')
  await until(async () => {
    expect(await process.sessions.get(id)).toBeDefined()
    return (await found(process, 'process')) > before
  })
}

/** How long a process goes on seeing a session as `holds` says; then it must not see it so again. */
async function timeUntil(sessions: SessionStore, id: string, holds: (user: string | undefined, data: unknown) => boolean): Promise<number> {
  const start = performance.now()
  for (;;) {
    const session = await sessions.get(id)
    if (holds(session?.user, session?.data)) break
    if (performance.now() - start > 5_000) throw new Error('The change was not seen within 5 s.')
    await sleep(5)
  }
  const took = performance.now() - start
  for (const end = performance.now() + 300; performance.now() < end; await sleep(20)) {
    const session = await sessions.get(id)
    expect(holds(session?.user, session?.data)).toBe(true)
  }
  return took
}

const isGone = (user: string | undefined): boolean => user === undefined

const [first, ...others] = testDatabases()
const beds = [
  { name: `${first?.name} and Redis`, url: first?.url, withRedis: true },
  ...[first, ...others].map((database) => ({ name: database?.name, url: database?.url, withRedis: false })),
]

describe.each(beds)('with $name', ({ url, withRedis }) => {
  const bedOf = async () => {
    const [bed, server] = await Promise.all([stateBed(url), withRedis ? redisServer() : undefined])
    return { ...bed, server, start: () => bed.process(server?.url) }
  }

  test('a session is made, used, changed, listed and deleted', async () => {
    const { start } = await bedOf()
    const { sessions } = await start()
    const { id, session } = await sessions.create({ user: 'ann', data: { role: 'admin' } })
    expect(session).toMatchObject({ user: 'ann', data: { role: 'admin' } })
    expect(session.expiresAt.getTime() - session.createdAt.getTime()).toBe(12 * 3_600_000)
    expect(await sessions.get(id)).toEqual(session)
    expect(await sessions.update(id, { role: 'user' })).toBe(true)
    expect(await sessions.get(id)).toEqual({ ...session, data: { role: 'user' } })
    expect(await sessions.updateHandle('ann', session.handle, { tenant: '7' })).toBe(true)
    expect(await sessions.get(id)).toEqual({ ...session, data: { role: 'user', tenant: '7' } })
    expect(await sessions.updateHandle('ann', session.handle, { tenant: null })).toBe(true)
    expect((await sessions.get(id))?.data).toEqual({ role: 'user', tenant: null })
    expect(await sessions.updateHandle('bob', session.handle, { role: 'admin' })).toBe(false)
    expect((await sessions.get(id))?.data['role']).toBe('user')
    const second = await sessions.create({ user: 'ann' })
    await sessions.create({ user: 'bob' })
    expect((await sessions.list('ann')).map(({ handle }) => handle)).toEqual([second.session.handle, session.handle])
    expect(await sessions.delete(second.id)).toBe(true)
    expect(await sessions.delete(second.id)).toBe(false)
    expect(await sessions.get(second.id)).toBeUndefined()
    expect(await sessions.deleteHandle('bob', session.handle)).toBe(false)
    expect(await sessions.deleteHandle('ann', session.handle)).toBe(true)
    expect(await sessions.get(id)).toBeUndefined()
    expect(await sessions.update(id, {})).toBe(false)
  })

  test('a copy saves the database a question, in this process and in others', async () => {
    const { start } = await bedOf()
    const [one, other] = [await start(), await start()]
    const { id } = await one.sessions.create({ user: 'ann' })
    await warm(one, id)
    await warm(other, id)
    const before = await found(one, 'database')
    for (let time = 0; time < 500; time += 1) await one.sessions.get(id)
    expect((await found(one, 'database')) - before).toBeLessThan(20)
    if (withRedis) expect(await found(other, 'redis')).toBeGreaterThan(0)
  })

  test('what is near is known without waiting, in this process alone, until it is deleted, and never in a transaction', async () => {
    const { start } = await bedOf()
    const [one, other] = [await start(), await start()]
    const { id, session } = await one.sessions.create({ user: 'ann' })
    expect(other.sessions.near(id)).toBeUndefined()
    expect(one.sessions.near('no id')).toBeUndefined()
    await warm(one, id)
    expect(one.sessions.near(id)).toEqual(session)
    expect(one.sessions.nearByHandle(session.handle)).toEqual(session)
    expect(await one.db.transaction(async () => one.sessions.near(id))).toBeUndefined()
    await one.sessions.delete(id)
    expect(one.sessions.near(id)).toBeUndefined()
  })

  test.each([
    ['deleted', (one: StateProcess, id: string) => one.sessions.delete(id)],
    ['deleted with all of its user', (one: StateProcess) => one.sessions.deleteAllOf('ann')],
    ['deleted by hand', (one: StateProcess) => one.db.query(`DELETE FROM plinth.sessions WHERE user_id = 'ann'`)],
    ['deleted by emptying the table', (one: StateProcess) => one.db.query('TRUNCATE plinth.sessions')],
    [
      'given to somebody else by hand',
      (one: StateProcess) => one.db.query(`UPDATE plinth.sessions SET user_id = 'bob' WHERE user_id = 'ann'`),
    ],
  ])('a session that is %s is so for every process within a second', async (_how, change) => {
    const { start } = await bedOf()
    const [one, other] = [await start(), await start()]
    const { id } = await one.sessions.create({ user: 'ann' })
    await warm(one, id)
    await warm(other, id)
    await change(one, id)
    expect(await timeUntil(other.sessions, id, (user) => user !== 'ann')).toBeLessThan(promiseMs)
    expect((await one.sessions.get(id))?.user).not.toBe('ann')
  })

  test('who deletes or changes a session sees it at once', async () => {
    const { start } = await bedOf()
    const { sessions, ...process } = await start()
    for (let time = 0; time < 10; time += 1) {
      const { id } = await sessions.create({ user: 'ann' })
      await warm({ sessions, ...process }, id)
      await sessions.update(id, { time })
      expect((await sessions.get(id))?.data).toEqual({ time })
      await sessions.delete(id)
      expect(await sessions.get(id)).toBeUndefined()
    }
  })

  test('a session is over when it was not used for long, or has lasted long, also as a copy', async () => {
    const { start } = await bedOf()
    const [one, other] = [await start(), await start()]
    const idle = await one.sessions.create({ user: 'idle', idleMs: 700 })
    const short = await one.sessions.create({ user: 'short', lifetimeMs: 1_500 })
    const used = await one.sessions.create({ user: 'used', idleMs: 700 })
    for (const process of [one, other]) for (const { id } of [idle, short, used]) expect(await process.sessions.get(id)).toBeDefined()
    for (const end = performance.now() + 1_600; performance.now() < end; await sleep(50)) {
      await one.sessions.touch(used.id)
      await one.sessions.touch(short.id)
      expect(await other.sessions.get(used.id)).toBeDefined()
    }
    for (const { sessions } of [one, other]) {
      expect(await sessions.get(idle.id)).toBeUndefined()
      expect(await sessions.get(short.id)).toBeUndefined()
      expect(await sessions.get(used.id)).toBeDefined()
      expect(await sessions.list('idle')).toEqual([])
    }
  })

  test('a change that is committed long after it was made is seen within a second of its commit', async () => {
    const { psql, process } = await stateBed(url)
    const [one, other] = [await process(), await process()]
    const { id } = await one.sessions.create({ user: 'ann' })
    await warm(other, id)
    await psql.query('BEGIN')
    await psql.query('DELETE FROM plinth.sessions')
    // Its copy is made when the change is there and nobody can see it.
    const third = await process()
    await warm(third, id)
    // Others change things meanwhile, so that its id is an old one when it is committed.
    for (let time = 0; time < 15; time += 1) {
      await one.sessions.create({ user: 'bob' })
      await sleep(100)
      expect(await other.sessions.get(id)).toBeDefined()
    }
    await psql.query('COMMIT')
    const times = await Promise.all([other, third].map(({ sessions }) => timeUntil(sessions, id, isGone)))
    for (const time of times) expect(time).toBeLessThan(promiseMs)
  })

  test('more changes than a process keeps are seen all the same', async () => {
    const { psql, process } = await stateBed(url)
    const [one, other] = [await process(), await process()]
    await psql.query(`INSERT INTO plinth.sessions (id, user_id, data, idle_ms, expires_at)
      SELECT sha256(n::text::bytea), 'many', '{}', 60000, now() + interval '1 hour' FROM generate_series(1, 20000) n`)
    const { id } = await one.sessions.create({ user: 'ann' })
    const { id: kept } = await one.sessions.create({ user: 'kept' })
    await warm(other, id)
    await warm(other, kept)
    await psql.query(`DELETE FROM plinth.sessions WHERE user_id <> 'kept'`)
    expect(await timeUntil(other.sessions, id, isGone)).toBeLessThan(promiseMs)
    await warm(other, kept)
  })

  test('copies that are older than what is known of changes are worth nothing', async () => {
    const { psql, process } = await stateBed(url)
    const [one, other] = [await process(), await process()]
    const { id } = await one.sessions.create({ user: 'ann' })
    const { id: gone } = await one.sessions.create({ user: 'gone' })
    await warm(other, id)
    await warm(other, gone)
    await one.sessions.delete(gone)
    const { rows } = await psql.query<{ xmax: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xmax')
    await forgetChanges(one.db, BigInt(rows[0]?.xmax ?? 0), 100)
    expect((await psql.query('SELECT FROM plinth.session_changes')).rowCount).toBe(0)
    expect(await timeUntil(other.sessions, gone, isGone)).toBeLessThan(promiseMs)
    await sleep(promiseMs)
    const before = await found(other, 'database')
    expect(await other.sessions.get(id)).toBeDefined()
    expect((await found(other, 'database')) - before).toBe(1)
  })
})

const isChangesQuestion = (text: string): boolean => text.includes('plinth.session_changes')

test('a process knows what it has deleted, also when it is told of an older change afterwards', async () => {
  const { process } = await stateBed()
  const one = await process()
  const { id } = await one.sessions.create({ user: 'ann' })
  await warm(one, id)
  await one.sessions.update(id, { changed: true })
  expect((await one.sessions.get(id))?.data).toEqual({ changed: true })
  const older = holdRead(one.db, isChangesQuestion)
  await older.answered
  await one.sessions.delete(id)
  older.release()
  await sleep(0)
  expect(await one.sessions.get(id)).toBeUndefined()
})

test('a process that begins with a delete knows of it when it gets its first answer', async () => {
  const [{ process }, server] = await Promise.all([stateBed(), redisServer()])
  const [one, other] = [await process(server.url), await process(server.url)]
  const { id } = await one.sessions.create({ user: 'ann' })
  await warm(one, id)
  await until(async () => (await keptIn(server.port)).length === 1)
  const first = holdRead(other.db, isChangesQuestion)
  expect(await other.sessions.get(id)).toBeDefined()
  await first.answered
  await other.sessions.delete(id)
  first.release()
  await sleep(0)
  expect(await other.sessions.get(id)).toBeUndefined()
})

test('old changes are removed a few at a time, the oldest first, whatever heap of them there is', async () => {
  const { psql, process } = await stateBed()
  const one = await process()
  for (const user of ['ann', 'bob', 'cyd'])
    await psql.query(
      `INSERT INTO plinth.sessions (id, user_id, data, idle_ms, expires_at)
        SELECT sha256(concat($1::text, n)::bytea), $1, '{}', 60000, now() + interval '1 hour' FROM generate_series(1, 100) n`,
      [user],
    )
  for (const user of ['ann', 'bob', 'cyd']) await one.sessions.deleteAllOf(user)
  const { rows } = await psql.query<{ version: string }>('SELECT DISTINCT version FROM plinth.session_changes ORDER BY version')
  const left = async () => (await psql.query('SELECT version, count(*)::int FROM plinth.session_changes GROUP BY 1 ORDER BY 1')).rows
  const [, second, third] = rows.map(({ version }) => version)
  const forget = (most: number): Promise<number> => forgetChanges(one.db, BigInt(third ?? 0), most)
  expect(await forget(150)).toBe(150)
  expect(await left()).toEqual([
    { version: second, count: 50 },
    { version: third, count: 100 },
  ])
  expect([await forget(150), await forget(150)]).toEqual([50, 0])
  expect(await left()).toEqual([{ version: third, count: 100 }])
})

test('whoever reads the database or Redis cannot use a session', async () => {
  const [{ psql, process }, server] = await Promise.all([stateBed(), redisServer()])
  const one = await process(server.url)
  const { id, session } = await one.sessions.create({ user: 'ann' })
  await warm(one, id)
  const { rows } = await psql.query<{ text: string }>('SELECT s::text AS text FROM plinth.sessions s')
  const kept = await keptIn(server.port)
  expect(kept).toHaveLength(1)
  for (const text of [...rows.map((row) => row.text), ...kept.flatMap(({ key, value }) => [key, value.toString()])]) {
    expect(text).toContain(text.includes('["ann"') ? 'ann' : session.handle)
    expect(text).not.toContain(id)
  }
  expect(session.handle).toBe(hashOf(id))
  for (const other of ['', 'x', session.handle, `${id}x`, id.slice(1), `${id.slice(0, -2)}%2`])
    expect(await one.sessions.get(other)).toBeUndefined()
})

/** Everything in a Redis. */
async function keptIn(port: number): Promise<{ key: string; value: Buffer }[]> {
  const ask = (...command: string[]): Promise<ScriptReply> =>
    askOnce({ host: '127.0.0.1', port, tls: false, database: 0 }, AbortSignal.timeout(5_000), command)
  const keys = ((await ask('KEYS', '*')) as readonly Buffer[]).map(String)
  return Promise.all(keys.map(async (key) => ({ key, value: (await ask('GET', key)) as Buffer })))
}

async function put(port: number, key: string, value: Buffer): Promise<void> {
  await askOnce({ host: '127.0.0.1', port, tls: false, database: 0 }, AbortSignal.timeout(5_000), ['SET', key, value])
}

test('a Redis that comes back with a deleted session, or is given one, is not believed', async () => {
  const [{ url, process }, server] = await Promise.all([stateBed(), redisServer()])
  const [one, other] = [await process(server.url), await process(server.url)]
  const deleted = await one.sessions.create({ user: 'deleted' })
  const alive = await one.sessions.create({ user: 'alive' })
  for (const { id } of [deleted, alive]) await warm(one, id)
  await until(async () => (await keptIn(server.port)).length === 2)
  const copies = await keptIn(server.port)
  const placeOf = (handle: string) => copies.find(({ key }) => key.endsWith(handle)) ?? { key: '', value: Buffer.alloc(0) }
  await one.sessions.delete(deleted.id)
  await sleep(promiseMs)
  const { key, value } = placeOf(deleted.session.handle)
  // What it was before, and the copy of another session in its place.
  for (const copy of [value, placeOf(alive.session.handle).value, Buffer.from('garbage'), Buffer.alloc(100)]) {
    await put(server.port, key, copy)
    const newcomer = await startProcess(url, server.url)
    for (const { sessions } of [one, other, newcomer])
      for (let time = 0; time < 3; time += 1) {
        expect(await sessions.get(deleted.id)).toBeUndefined()
        await sleep(150)
      }
  }
  expect((await other.sessions.get(alive.id))?.user).toBe('alive')
})

test('a session that is made in a transaction is there when it is committed, and never when it is rolled back', async () => {
  const [{ process }, server] = await Promise.all([stateBed(), redisServer()])
  const [one, other] = [await process(server.url), await process(server.url)]
  await warm(one, (await one.sessions.create({ user: 'first' })).id)
  let id = ''
  const failed = one.db.transaction(async () => {
    ;({ id } = await one.sessions.create({ user: 'ann' }))
    expect(await one.sessions.get(id)).toMatchObject({ user: 'ann' })
    throw new Error('rolled back')
  })
  await expect(failed).rejects.toThrow('rolled back')
  for (const { sessions } of [one, other]) expect(await sessions.get(id)).toBeUndefined()
  const { id: kept } = await one.db.transaction(() => one.sessions.create({ user: 'bob' }))
  for (const { sessions } of [one, other]) expect(await sessions.get(kept)).toMatchObject({ user: 'bob' })
  const undone = one.db.transaction(async () => {
    expect(await one.sessions.delete(kept)).toBe(true)
    expect(await one.sessions.get(kept)).toBeUndefined()
    expect(await other.sessions.get(kept)).toMatchObject({ user: 'bob' })
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  for (const { sessions } of [one, other]) expect(await sessions.get(kept)).toMatchObject({ user: 'bob' })
})

test('all sessions of a user can be deleted but the one that asks', async () => {
  const { process } = await stateBed()
  const { sessions } = await process()
  const [own, first, second] = await Promise.all([1, 2, 3].map(() => sessions.create({ user: 'ann' })))
  const bob = await sessions.create({ user: 'bob' })
  expect(await sessions.deleteAllOf('ann', own?.session.handle)).toBe(2)
  expect(await sessions.get(own?.id ?? '')).toBeDefined()
  expect(await sessions.get(bob.id)).toBeDefined()
  for (const gone of [first, second]) expect(await sessions.get(gone?.id ?? '')).toBeUndefined()
})

test('a session in use is written once in a while, not with every request', async () => {
  const { psql, process } = await stateBed()
  const processes = [await process(), await process()] as const
  const { id } = await processes[0].sessions.create({ user: 'ann', idleMs: 4_000 })
  const writes = async (): Promise<number> => {
    const { rows } = await psql.query<{ n: string }>(
      `SELECT n_tup_upd AS n FROM pg_stat_user_tables WHERE relid = 'plinth.sessions'::regclass`,
    )
    return Number(rows[0]?.n)
  }
  for (const end = performance.now() + 2_500; performance.now() < end; await sleep(10))
    await Promise.all(processes.map(({ sessions }) => sessions.touch(id)))
  // Once a second, in whichever process. Statistics are written when a connection has been idle for a while.
  await until(async () => (await writes()) >= 2, 20_000)
  expect(await writes()).toBeLessThanOrEqual(3)
})

test('a touch that arrives when the session is over does not bring it back', async () => {
  const { psql, process } = await stateBed()
  const one = await process()
  await warm(one, (await one.sessions.create({ user: 'bob' })).id)
  const { id } = await one.sessions.create({ user: 'ann', idleMs: 1_200 })
  const { write } = one.db
  const late = Object.assign(one.db, {
    write: async (...[statement, options]: Parameters<typeof write>) => {
      await psql.query('SELECT pg_sleep(1)')
      return write.call(late, statement, options)
    },
  })
  await sleep(500)
  await one.sessions.touch(id)
  for (let time = 0; time < 5; time += 1) expect(await one.sessions.get(id)).toBeUndefined()
})

test('when the database falls silent copies are believed for less than a second, then nothing is', async () => {
  const { url } = await stateBed()
  const proxy = await startTcpProxy(Number(new URL(url).port))
  onTestFinished(() => proxy.close())
  const behind = new URL(url)
  behind.port = String(proxy.port)
  const process = await startProcess(behind.href)
  const { id } = await process.sessions.create({ user: 'ann' })
  await warm(process, id)
  proxy.freeze()
  const start = performance.now()
  let lastSeen = start
  let failure: unknown
  while (failure === undefined && performance.now() - start < 10_000) {
    const session = await process.sessions.get(id).catch((error: unknown) => void (failure = error))
    if (session !== undefined) lastSeen = performance.now()
    await sleep(5)
  }
  expect(lastSeen - start).toBeLessThan(promiseMs)
  expect(failure).toMatchObject({ status: 503 })
  proxy.thaw()
  await until(() => process.sessions.get(id).catch(() => undefined))
})

test('sessions of two databases that share a Redis are not mixed up', async () => {
  const server = await redisServer()
  const [first, second] = await Promise.all([stateBed(), stateBed()])
  const [one, other] = [await first.process(server.url), await second.process(server.url)]
  const { id } = await one.sessions.create({ user: 'ann' })
  await warm(one, id)
  expect(await other.sessions.get(id)).toBeUndefined()
  await other.sessions.create({ user: 'bob' })
})

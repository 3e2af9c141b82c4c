// Rules of the protocol, each in the situation that it is for: with all of them the next read has what was written, without this one it
// has what was before. The model (test/coherence/model) finds such a situation for every rule by search; these are played on real servers.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../test/support/database.ts'
import { fencedDatabase, type FencedNode, fencedNode } from '../../../test/support/fenced.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { redisServer, until } from '../../../test/support/redis.ts'
import type { RedisServer } from '../../../test/support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.ts'
import type { FencedFaults, FencedRule } from './faults.ts'

interface Stage {
  readonly url: string
  readonly redis: RedisServer
  /** Between the writer and Redis. */
  readonly proxy: TcpProxy
  readonly writer: FencedNode
  readonly reader: FencedNode
}

/** A writer and a reader, and a row that is `old`. */
async function setStage(faults: FencedFaults): Promise<Stage> {
  const [url, redis] = await Promise.all([fencedDatabase(testDatabase().url), redisServer()])
  const proxy = await startTcpProxy(redis.port)
  onTestFinished(() => proxy.close())
  const writer = await fencedNode(url, { redisUrl: `redis://127.0.0.1:${proxy.port}`, faults })
  const reader = await fencedNode(url, { redisUrl: redis.url, faults })
  await writer.write(1, 'old')
  await writer.cache.settled()
  return { url, redis, proxy, writer, reader }
}

const isHit = async (reader: FencedNode): Promise<boolean> => (await reader.read(1)).status === 'hit'
const warm = (reader: FencedNode): Promise<void> => until(() => isHit(reader), 20_000)

/** Reads until Redis has the row, or for so long as the rules keep it from that. */
async function tryToFill(reader: FencedNode, withinMs = 1_500): Promise<void> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline && !(await isHit(reader));) await sleep(5)
}

/** Writes `new`; `pause` runs when the row is locked, or need not be, right before the commit. */
async function write({ writer }: Stage, pause: () => Promise<unknown>): Promise<void> {
  await writer.cache.writes.transaction(async () => {
    await writer.db.query(`update items set value = 'new' where id = 1`)
    writer.db.beforeCommit(async () => void (await pause()), { final: true })
  })
}

const switchOff = (stage: Stage): Promise<unknown> => stage.writer.db.execute({ text: `call plinth.open_unfenced('1 hour')` })
const mayBeOn = async ({ url }: Stage): Promise<unknown> => (await openDatabase(url)).query('select plinth.close_unfenced()')

/** Plays until right before the read that may be stale. */
const plays: Partial<Record<FencedRule, (stage: Stage) => Promise<void>>> = {
  // Who cannot lock switches off and commits; the reader has not heard of it yet.
  async wait(stage) {
    await warm(stage.reader)
    stage.proxy.freeze(['from client', 'from server'])
    await write(stage, () => Promise.resolve())
  },
  // The lock is lost with the data of Redis, and a reader fills in what is not committed over yet.
  async mark(stage) {
    await warm(stage.reader)
    await write(stage, async () => {
      await stage.redis.command('FLUSHALL')
      await tryToFill(stage.reader)
    })
  },
  // The lock ends before the transaction does.
  async lasting(stage) {
    await warm(stage.reader)
    await write(stage, () => tryToFill(stage.reader))
  },
  // A reader has a lease, reads, and fills after the write.
  async leases(stage) {
    const [loaded, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    await until(() => stage.reader.cache.isOn(), 20_000)
    const slow = stage.reader.read(1, { loaded: () => (loaded.resolve(), held.promise) })
    await loaded.promise
    await write(stage, () => Promise.resolve())
    await stage.writer.cache.settled()
    held.resolve()
    await slow
    await stage.reader.cache.settled()
  },
  // The write begins while the cache is being switched on, and ends when it is on.
  async enabling(stage) {
    const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    await switchOff(stage)
    const older = await openDatabase(stage.url)
    const open = older.transaction(async () => {
      await older.query('select pg_current_xact_id()')
      begun.resolve()
      await held.promise
    })
    await begun.promise
    await mayBeOn(stage)
    await until(async () => {
      await stage.reader.read(1)
      return (await older.query<{ state: string }>('select state from plinth.cache_state'))[0]?.state === 'enabling'
    }, 20_000)
    await write(stage, async () => {
      held.resolve()
      await open
      await until(async () => (await stage.reader.read(1), stage.reader.cache.isOn()), 20_000)
      await tryToFill(stage.reader)
    })
  },
  // The state was read before the transaction had an id, so enabling did not wait for it.
  async order(stage) {
    await switchOff(stage)
    await stage.writer.cache.writes.transaction(async () => {
      await mayBeOn(stage)
      await warm(stage.reader)
      await stage.writer.db.query(`update items set value = 'new' where id = 1`)
    })
  },
  // Enabling does not wait for a transaction that needed no lock.
  async horizon(stage) {
    await switchOff(stage)
    await write(stage, async () => {
      await mayBeOn(stage)
      await tryToFill(stage.reader, 3_000)
    })
  },
}

/** What the reader has right after the write. */
async function playOut(rule: FencedRule, faults: FencedFaults): Promise<string | undefined> {
  const stage = await setStage(faults)
  await plays[rule]?.(stage)
  return (await stage.reader.read(1)).text
}

test.each(Object.keys(plays) as FencedRule[])('with every rule the read is right where it would not be without "%s"', async (rule) => {
  expect(await playOut(rule, {})).toBe('new')
})

test.each(Object.keys(plays) as FencedRule[])('control: without "%s" the same read is stale', async (rule) => {
  const seen = new Set<string | undefined>()
  // A reader that happens to hear of the switch in the same moment is right by luck.
  for (let tries = 0; tries < 3 && !seen.has('old'); tries++) seen.add(await playOut(rule, { [rule]: true }))
  expect(seen).toContain('old')
})

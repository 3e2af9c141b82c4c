import { describe, expect, test } from 'vitest'
import { fencedDatabase, type FencedNode, fencedNode } from '../../../test/support/fenced.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { redisServer, until } from '../../../test/support/redis.ts'

/** Two processes on one database and one Redis. */
async function twoNodes(serverUrl: string): Promise<[FencedNode, FencedNode]> {
  const [url, redis] = await Promise.all([fencedDatabase(serverUrl), redisServer()])
  const first = await fencedNode(url, { redisUrl: redis.url })
  const second = await fencedNode(url, { redisUrl: redis.url })
  return [first, second]
}

/** Reads until the row is there, so that the next read is a hit. */
async function warm(node: FencedNode, id: number): Promise<void> {
  await until(async () => (await node.read(id)).status === 'hit')
}

describe.each(testDatabases())('the fenced cache on $name', ({ url: serverUrl }) => {
  test('reads a row once from the database, then from Redis, in every process, without a statement', async () => {
    const [one, other] = await twoNodes(serverUrl)
    await one.write(1, 'a')
    expect(await one.read(1)).toMatchObject({ text: 'a', status: 'miss' })
    await one.cache.settled()
    const statements = await statementsOf(one, async () => {
      expect(await one.read(1)).toMatchObject({ text: 'a', status: 'hit' })
      expect(await other.read(1)).toMatchObject({ text: 'a', status: 'hit' })
    })
    expect(statements).toBe(0)
    expect(one.loads.count + other.loads.count).toBe(1)
  })

  test('nobody reads the old value after a write was acknowledged', async () => {
    const [one, other] = await twoNodes(serverUrl)
    await one.write(1, '0')
    for (let i = 1; i <= 30; i++) {
      await warm(other, 1)
      await one.write(1, String(i))
      expect((await other.read(1)).text).toBe(String(i))
      expect((await one.read(1)).text).toBe(String(i))
    }
  })
})

/** Statements that PostgreSQL ran while `work` did, without the polls for the permission. */
async function statementsOf({ db }: FencedNode, work: () => Promise<void>): Promise<number> {
  let count = 0
  const { read, readAll, write, execute } = db
  Object.assign(db, {
    read: (...args: Parameters<typeof read>) => (count++, read.apply(db, args)),
    readAll: (...args: Parameters<typeof readAll>) => (count++, readAll.apply(db, args)),
    write: (...args: Parameters<typeof write>) => (count++, write.apply(db, args)),
    execute: (...args: Parameters<typeof execute>) => (count++, execute.apply(db, args)),
  })
  await work()
  Object.assign(db, { read, readAll, write, execute })
  return count
}

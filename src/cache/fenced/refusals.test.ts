// When a write cannot be made safe it is refused, and nothing of it is saved.

import { expect, test } from 'vitest'
import { fencedDatabase, type FencedNode, fencedNode } from '../../../test/support/fenced.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import { redisServer, until } from '../../../test/support/redis.ts'

async function start(): Promise<FencedNode> {
  const [url, redis] = await Promise.all([fencedDatabase(testDatabase().url), redisServer()])
  const node = await fencedNode(url, { redisUrl: redis.url })
  await node.write(1, 'old')
  await until(() => node.cache.isOn())
  return node
}

async function valueOf({ db }: FencedNode): Promise<unknown> {
  const [row] = await db.query<{ value: string }>('select value from items where id = 1')
  return row?.value
}

const change = ({ db }: FencedNode) => db.query(`update items set value = 'new' where id = 1`)

test.each(['repeatable read', 'serializable'] as const)(
  'a transaction whose snapshot is fixed (%s) is refused when the state is told by another place than its own',
  async (isolation) => {
    const node = await start()
    await node.cache.writes.transaction(() => change(node), { isolation })
    expect(await valueOf(node)).toBe('new')
    // Every connection leads to a place of its own, as in the moment of a failover.
    await node.db.query(`create or replace function plinth.identity() returns text language sql volatile return pg_backend_pid()::text`)
    const write = node.cache.writes.transaction(() => node.db.query(`update items set value = 'lost' where id = 1`), { isolation })
    await expect(write).rejects.toMatchObject({ code: 'FENCE_MOVED', status: 503, headers: { 'retry-after': expect.anything() as string } })
    expect(await valueOf(node)).toBe('new')
  },
)

test('a write that waits in vain for the cache to be off is refused after five seconds', async () => {
  const node = await start()
  await node.db.query(`create or replace function plinth.cache_disabled(wanted uuid) returns boolean language sql return false`)
  await node.db.query('select plinth.cache_disabling()')
  const startedAt = performance.now()
  await expect(node.cache.writes.transaction(() => change(node))).rejects.toMatchObject({ code: 'FENCE_TIMEOUT', status: 503 })
  expect(performance.now() - startedAt).toBeGreaterThan(4_900)
  expect(await valueOf(node)).toBe('old')
})

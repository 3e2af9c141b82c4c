import { describe, expect, test } from 'vitest'
import { amount, report } from '../guarantees/support/amount.ts'
import { query } from './support/database.ts'
import { testWorld } from './support/test-world.ts'

const rounds = amount(10, 200)

describe('A16: replica lag', () => {
  test('while the standby is paused nobody reads less than he has written, at any process', { timeout: 90_000 }, async () => {
    const world = await testWorld({ standby: true, redis: false, settings: { DB_REPLICA_MAX_LAG: '1m' } })
    const { app, standby } = world
    const other = await world.another()
    const usable = async (): Promise<unknown> => (await other.send({ path: '/health/details' })).json()
    await expect.poll(usable).toMatchObject({ checks: { database: { reads: { replicas: [{ ok: true }] } } } })
    await query(standby?.url ?? '', 'select pg_wal_replay_pause()')
    let stale = 0
    for (let round = 0; round < rounds; round += 1) {
      const written = await app.send({ method: 'POST', path: '/api/notes', body: { title: `mine ${round}` } })
      const { id } = written.json() as { id: number }
      const token = String(written.headers['x-read-after'])
      const path = `/api/notes/${id}`
      expect((await other.send({ path, headers: { 'x-read-after': token } })).status).toBe(200)
      expect((await app.send({ path })).status).toBe(200)
      // Control: a stranger at the other process is served by the standby, which does not have it yet.
      if ((await other.send({ path })).status === 404) stale += 1
    }
    expect(stale).toBe(rounds)
    report(`A16: ${rounds} writes read back at two processes while the standby stood still`)
  })
})

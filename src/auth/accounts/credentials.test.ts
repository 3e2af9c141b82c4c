import { expect, test } from 'vitest'
import { authBed } from '../../../test/support/auth-bed.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { countCosts } from './credentials.ts'

test.each(testDatabases())('what passwords cost is counted in a sample that stays small, on $name', async ({ url }) => {
  const bed = await authBed(url)
  try {
    const { db } = await bed.process()
    const keep = (from: number, to: number, cost: string) =>
      db.query(
        `insert into plinth.credentials (user_id, password) select n::text, '$argon2id$v=19$' || $3 || '$c2FsdHNhbHRzYWx0c2FsdA$' || repeat('A', 43) from generate_series($1::int, $2::int) n`,
        [from, to, cost],
      )
    expect(await countCosts(db)).toEqual([])
    await keep(1, 3, 'm=64,t=1,p=1')
    await keep(4, 4, 'm=19456,t=2,p=1')
    await keep(5, 5, 'of another program')
    const byPasses = async () => (await countCosts(db)).toSorted((one, other) => one.cost.passes - other.cost.passes)
    expect(await byPasses()).toEqual([
      { cost: { memory: 64, passes: 1, parallelism: 1 }, accounts: 3 },
      { cost: { memory: 19_456, passes: 2, parallelism: 1 }, accounts: 1 },
    ])
    await keep(10, 30_000, 'm=64,t=1,p=1')
    await keep(30_001, 60_000, 'm=19456,t=2,p=1')
    // Nobody has counted the rows yet, as after an upgrade of PostgreSQL.
    const sum = (found: Awaited<ReturnType<typeof byPasses>>) => found.reduce((all, { accounts }) => all + accounts, 0)
    const uncounted = sum(await byPasses())
    expect(uncounted).toBeGreaterThan(5_000)
    expect(uncounted).toBeLessThan(20_000)
    await db.query('analyze plinth.credentials')
    const [old, now] = await byPasses()
    const looked = (old?.accounts ?? 0) + (now?.accounts ?? 0)
    expect(looked).toBeGreaterThan(5_000)
    expect(looked).toBeLessThan(20_000)
    expect((old?.accounts ?? 0) / looked).toBeCloseTo(0.5, 1)
    expect(await byPasses()).toEqual([old, now])
  } finally {
    await bed.close()
  }
})

// D6: what holds before and after each transaction holds whatever runs at the same time, and no client sees the retries.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestApp, testApp } from '../../src/testing/test-app.ts'
import { testDatabase } from '../support/postgres.ts'
import { amount, report, seed } from './support/amount.ts'
import { type Call, inLanes } from './support/caller.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { type Random, randomFrom } from './support/random.ts'
import { shop, type Transfer } from './support/shop.ts'

/** As many as PostgreSQL wants to use an index for: where it reads the whole table, all transactions are in each other's way. */
const accounts = 1_000
/** Those that money is moved between. With 50, a third of all tries met another one, and 61 of 50,000 clients were unlucky six times. */
const busy = 500
const balance = 1_000
const clients = 16

describe('D6: invariants under concurrency', () => {
  let database: TestApp
  beforeAll(async () => {
    database = await testApp(shop(), { url: testDatabase().url })
    // A row whose next version has no room on its page changes the index, and with it the page that all readers of it have locked.
    await database.app.db.query('alter table accounts set (fillfactor = 50)')
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    await database.app.db.query('truncate accounts')
    await database.app.db.query('insert into accounts select i, $2::int from generate_series(1, $1::int) as i', [accounts, balance])
    await database.app.db.query('vacuum analyze accounts')
  })

  const drift = async (): Promise<number> => {
    const [row] = await database.app.db.query<{ sum: number }>('select sum(balance)::int as sum from accounts')
    return (row?.sum ?? 0) - accounts * balance
  }

  /** Transactions that PostgreSQL has undone so far. */
  const rollbacks = async (): Promise<number> => {
    const [row] = await database.app.db.query<{ count: number }>(
      'select xact_rollback::int as count from pg_stat_database where datname = current_database()',
    )
    return row?.count ?? 0
  }

  /** @returns what clients were told, by status, and by code where they were refused */
  async function transferAll(fleet: Fleet, path: string, count: number): Promise<Record<string, number>> {
    const random = randomFrom(seed)
    const statuses: Record<string, number> = {}
    const calls = Array.from({ length: count }, (): Call => ({ method: 'POST', path, body: someTransfer(random) }))
    let turn = 0
    await inLanes(calls, clients, async (call) => {
      const { status, text } = await fleet.send(call, turn++)
      const told = [status, /"code":"(\w+)"/.exec(text)?.[1]].join(' ').trim()
      statuses[told] = (statuses[told] ?? 0) + 1
    })
    return statuses
  }

  test('transfers in serializable transactions keep the sum, and every client is told that it is done', { timeout: 240_000 }, async () => {
    const fleet = await startFleet(database.url, 2)
    const count = amount(1_000, 50_000)
    const before = await rollbacks()
    expect([await transferAll(fleet, '/transfers', count), await drift()]).toEqual([{ 204: count }, 0])
    const retries = (await rollbacks()) - before
    report(`D6: ${count} transfers by ${clients} clients between ${busy} accounts: no error, ${retries} retries, the sum is as before`)
  })

  test('control: reading, computing and writing in read committed loses money', { timeout: 60_000 }, async () => {
    const fleet = await startFleet(database.url, 2)
    await transferAll(fleet, '/transfers-careless', 2_000)
    expect(await drift()).not.toBe(0)
    report(`D6, control: the sum is off by ${await drift()}`)
  })
})

function someTransfer(random: Random): Transfer {
  const from = 1 + random.below(busy)
  const to = 1 + ((from + random.below(busy - 1)) % busy)
  return { from, to, amount: 1 + random.below(20) }
}

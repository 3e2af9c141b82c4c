// D1, D2: what was acknowledged is there, whole and once, whichever process is killed meanwhile.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type TestApp, testApp } from '../../src/testing/test-app.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { testDatabase } from '../support/postgres.ts'
import { amount, report } from './support/amount.ts'
import { type Call, inLanes } from './support/caller.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { shop } from './support/shop.ts'

const clients = 32

interface Load {
  /** Customers who have been told that their order is placed. */
  readonly acknowledged: readonly string[]
}

/** @param until  orders go on at least as long as this takes */
async function placeOrders(fleet: Fleet, path: string, least: number, until: Promise<unknown>): Promise<Load> {
  const acknowledged: string[] = []
  let going = true
  const customers = function* (): Generator<string> {
    for (let number = 0; going || number < least; number++) yield `customer ${number}`
  }
  const ended = until.finally(() => (going = false))
  await inLanes(customers(), clients, async (customer) => {
    const reply = await fleet.insist(orderOf(path, customer))
    if (reply.status !== 201) throw new Error(`${reply.status} ${reply.text}`)
    acknowledged.push(customer)
  })
  await ended
  return { acknowledged }
}

function orderOf(path: string, customer: string): Call {
  const body = { customer, products: ['bread', 'butter', 'jam'] }
  return { method: 'POST', path, headers: { 'idempotency-key': customer.replace(' ', '-') }, body }
}

/** What the database says of the customers that were told. */
async function findings(database: TestApp, acknowledged: readonly string[]) {
  const [row] = await database.app.db.query<{ lost: number; partial: number; duplicates: number; unasked: number }>(
    `with lines as (select order_id, count(*) as count from order_lines group by order_id),
          found as (select o.customer, coalesce(l.count, 0) as lines from orders o left join lines l on l.order_id = o.id),
          told as (select unnest($1::text[]) as customer)
     select (select count(*) from told left join found using (customer) where found.customer is null)::int as lost,
            (select count(*) from found where lines <> 3)::int as partial,
            (select count(*) - count(distinct customer) from found)::int as duplicates,
            (select count(*) from found left join told using (customer) where told.customer is null)::int as unasked`,
    [acknowledged],
  )
  return row
}

const nothingWrong = { lost: 0, partial: 0, duplicates: 0, unasked: 0 }

async function killEachSecond(times: number, kill: () => Promise<void>): Promise<void> {
  for (let round = 0; round < times; round++) {
    await sleep(1_000)
    await kill()
  }
}

describe('D1: acknowledged writes survive the end of an API', () => {
  let database: TestApp
  beforeAll(async () => {
    database = await testApp(shop(), { url: testDatabase().url })
  })
  afterAll(() => database.close())

  test('orders of three lines, kill -9, the same key again: none lost, none in part, none twice', { timeout: 180_000 }, async () => {
    const fleet = await startFleet(database.url, 2)
    const kills = amount(2, 20)
    const { acknowledged } = await placeOrders(fleet, '/orders', amount(300, 10_000), killEachSecond(kills, fleet.replaceOne))
    expect(await findings(database, acknowledged)).toEqual(nothingWrong)
    report(`D1: ${acknowledged.length} orders acknowledged during ${kills} kills; 0 lost, 0 in part, 0 twice`)
  })

  test('control: an API that answers before it commits loses orders', { timeout: 60_000 }, async () => {
    await database.app.db.query('truncate orders, order_lines, plinth.idempotency')
    const fleet = await startFleet(database.url, 2)
    const { acknowledged } = await placeOrders(fleet, '/orders-careless', 100, killEachSecond(2, fleet.replaceOne))
    await sleep(1_000)
    const found = await findings(database, acknowledged)
    expect(found?.lost).toBeGreaterThan(0)
    report(`D1, control: ${found?.lost} of ${acknowledged.length} lost`)
  })
})

describe('D2: acknowledged writes survive the end of PostgreSQL', () => {
  async function ownDatabase(settings: Record<string, string>): Promise<{ server: PostgresServer; database: TestApp }> {
    const server = await startPostgres(testDatabase().binaries, settings)
    onTestFinished(() => server.destroy())
    const database = await testApp(shop(), { url: server.url })
    onTestFinished(() => database.app.stop())
    return { server, database }
  }

  /** Kills the postmaster. @returns milliseconds from the first connection it accepts again to the first write that is acknowledged */
  async function restart(server: PostgresServer, fleet: Fleet): Promise<number> {
    server.signal('SIGKILL')
    await server.stop()
    await startAgain(server)
    const startedAt = performance.now()
    await fleet.insist({ method: 'POST', path: '/api/payments', body: { label: 'the first again', amount: 1 } })
    return performance.now() - startedAt
  }

  test(
    'orders of three lines, kill -9 of the postmaster, the same key again: none lost, none in part, none twice',
    { timeout: 180_000 },
    async () => {
      const { server, database } = await ownDatabase({})
      const fleet = await startFleet(database.url, 2)
      const kills = amount(1, 10)
      const recoveries: number[] = []
      const kill = async (): Promise<void> => void recoveries.push(await restart(server, fleet))
      const { acknowledged } = await placeOrders(fleet, '/orders', amount(100, 3_000), killEachSecond(kills, kill))
      expect(await findings(database, acknowledged)).toEqual(nothingWrong)
      const slowest = Math.max(...recoveries)
      expect(slowest).toBeLessThan(2_000)
      report(
        `D2: ${acknowledged.length} orders acknowledged during ${kills} kills of the postmaster; 0 lost; served again after ${slowest.toFixed(0)} ms`,
      )
    },
  )

  test('control: a server that acknowledges before its log is written loses orders', { timeout: 60_000 }, async () => {
    const { server, database } = await ownDatabase({ synchronous_commit: 'off', wal_writer_delay: '10s', wal_writer_flush_after: '1GB' })
    const fleet = await startFleet(database.url, 1)
    const { acknowledged } = await placeOrders(fleet, '/orders', 50, Promise.resolve())
    server.signal('SIGKILL')
    await server.stop()
    await startAgain(server)
    const found = await findings(database, acknowledged)
    expect(found?.lost).toBeGreaterThan(0)
    report(`D2, control: ${found?.lost} of ${acknowledged.length} lost`)
  })
})

/** The backends of a killed postmaster need a moment to notice, and as long as one lives there is no other postmaster. */
async function startAgain(server: PostgresServer): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      return await server.start()
    } catch {
      await sleep(50)
    }
  }
  throw new Error(`PostgreSQL did not start again:\n${server.log()}`)
}

// D4: however often a request is sent with the same Idempotency-Key, to whichever process, killed or not: one effect, one answer.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestApp, testApp } from '../../src/testing/test-app.ts'
import { testDatabase } from '../support/postgres.ts'
import { amount, report } from './support/amount.ts'
import { type Call, inLanes, type Reply } from './support/caller.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { shop } from './support/shop.ts'

const duplicates = 20
/** Keys that are worked on at the same time. */
const lanes = 4

function payment(label: string, total = 5): Call {
  return { method: 'POST', path: '/api/payments', headers: { 'idempotency-key': label }, body: { label, amount: total } }
}

/** What has to be the same in every answer to one key. */
function essence({ status, text, headers }: Reply): string {
  return JSON.stringify([status, text, headers['etag'], headers['location'], headers['content-type']])
}

describe('D4: Idempotency-Key', () => {
  let database: TestApp
  beforeAll(async () => {
    database = await testApp(shop(), { url: testDatabase().url })
  })
  afterAll(() => database.close())
  beforeEach(() => database.app.db.query('truncate payments, plinth.idempotency'))

  /** Sends every key `duplicates` times at once. @returns the keys whose answers differ */
  async function pay(fleet: Fleet, labels: readonly string[]): Promise<string[]> {
    const differing: string[] = []
    await inLanes(labels, lanes, async (label) => {
      const replies = await Promise.all(Array.from({ length: duplicates }, () => fleet.insist(payment(label))))
      expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 201))
      if (new Set(replies.map(essence)).size > 1) differing.push(label)
    })
    return differing
  }

  const effects = async (): Promise<{ rows: number; labels: number } | undefined> => {
    const [row] = await database.app.db.query<{ rows: number; labels: number }>(
      'select count(*)::int as rows, count(distinct label)::int as labels from payments',
    )
    return row
  }

  test('twenty duplicates of each key while processes are killed have one effect and one answer', { timeout: 180_000 }, async () => {
    const fleet = await startFleet(database.url, 2)
    const labels = Array.from({ length: amount(40, 1_000) }, (_, i) => `key-${i}`)
    let kills = 0
    let going = true
    const killing = (async () => {
      while (going || kills === 0) {
        await sleep(amount(200, 1_000))
        await fleet.replaceOne()
        kills += 1
      }
    })()
    const differing = await pay(fleet, labels)
    going = false
    await killing
    expect([differing, await effects()]).toEqual([[], { rows: labels.length, labels: labels.length }])
    report(`D4: ${labels.length} keys × ${duplicates} duplicates, ${kills} kills: ${labels.length} effects, one answer each`)
  })

  test('a key that has its answer takes no other body, and goes on answering the first', async () => {
    const fleet = await startFleet(database.url, 2)
    const first = await fleet.insist(payment('once'))
    for (const process of [0, 1]) {
      const other = await fleet.send(payment('once', 6), process)
      expect([other.status, other.text]).toEqual([422, expect.stringContaining('IDEMPOTENCY_KEY_REUSED')])
      const again = await fleet.send(payment('once'), process)
      expect([essence(again), again.headers['idempotency-replayed']]).toEqual([essence(first), 'true'])
    }
    expect(await effects()).toEqual({ rows: 1, labels: 1 })
  })

  test('control: without the unique index keys have several effects', { timeout: 60_000 }, async () => {
    await database.app.db.query('alter table plinth.idempotency drop constraint idempotency_pkey')
    const fleet = await startFleet(database.url, 2)
    const labels = Array.from({ length: 10 }, (_, i) => `control-${i}`)
    const differing = await pay(fleet, labels)
    const found = await effects()
    expect(found?.rows).toBeGreaterThan(labels.length)
    expect(differing.length).toBeGreaterThan(0)
    report(`D4, control: ${found?.rows} effects of ${labels.length} keys`)
  })
})

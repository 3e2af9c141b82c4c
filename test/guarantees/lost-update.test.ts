// D5: of many who change the version they have read, one succeeds, and all others learn that they were late.

import { describe, expect, test } from 'vitest'
import { type TestApp, testApp } from '../../src/testing/test-app.ts'
import { testDatabase } from '../support/postgres.ts'
import { amount, report } from './support/amount.ts'
import { type Caller, callerOf, type Reply } from './support/caller.ts'
import { startFleet } from './support/fleet.ts'
import { shop } from './support/shop.ts'

const clients = 64
const path = '/api/accounts/1'

type Send = (headers: Record<string, string>, balance: number, client: number) => Promise<Reply>

/** Everybody reads the same version and changes it. @returns how many of each round succeeded */
async function race(rounds: number, read: () => Promise<Reply>, change: Send): Promise<number[]> {
  const successes: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const tag = (await read()).headers.etag ?? ''
    const replies = await Promise.all(Array.from({ length: clients }, (_, client) => change({ 'if-match': tag }, round, client)))
    const others = replies.filter(({ status }) => status !== 200)
    expect(others.filter(({ status }) => status !== 412)).toEqual([])
    successes.push(clients - others.length)
  }
  return successes
}

async function shopWithAccount(): Promise<TestApp> {
  const database = await testApp(shop(), { url: testDatabase().url, environment: { API_HOST: '127.0.0.1' } })
  await database.app.db.query('insert into accounts (id, balance) values (1, 0)')
  return database
}

describe('D5: no lost update', () => {
  test('64 clients in two processes change the same version: one succeeds, the others get 412', { timeout: 180_000 }, async () => {
    const database = await shopWithAccount()
    try {
      const fleet = await startFleet(database.url, 2)
      const rounds = amount(20, 1_000)
      const successes = await race(
        rounds,
        () => fleet.insist({ path }),
        (headers, balance, client) => fleet.send({ method: 'PATCH', path, headers, body: { balance } }, client),
      )
      expect(successes).toEqual(successes.map(() => 1))
      const blind = await fleet.send({ method: 'PATCH', path, body: { balance: -1 } }, 0)
      expect([blind.status, blind.text]).toEqual([428, expect.stringContaining('WRITE_PRECONDITION_REQUIRED')])
      expect((await fleet.insist({ path })).json()).toMatchObject({ data: { balance: rounds } })
      report(`D5: ${rounds} rounds of ${clients} clients: one success each, ${rounds * (clients - 1)} times 412`)
    } finally {
      await database.close()
    }
  })

  test('control: where If-Match is not looked at, several succeed', async () => {
    const database = await shopWithAccount()
    database.app.fastify.addHook('onRequest', async ({ headers }) => {
      if (headers['if-match'] !== undefined) headers['if-match'] = '*'
    })
    let caller: Caller | undefined
    try {
      const { send, close } = callerOf(Number(new URL((await database.app.start()).url).port))
      caller = { port: 0, send, close }
      const successes = await race(
        3,
        () => send({ path }),
        (headers, balance) => send({ method: 'PATCH', path, headers, body: { balance } }),
      )
      expect(Math.max(...successes)).toBeGreaterThan(1)
      report(`D5, control: ${successes.join(', ')} of ${clients} succeed`)
    } finally {
      caller?.close()
      await database.close()
    }
  })
})

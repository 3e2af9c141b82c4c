// Below the application: callers that are told apart, and old answers that go away.

import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase, openDatabase } from '../../../test/support/database.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { idempotencyStep } from '../../db/system/idempotency-step.ts'
import type { Database } from '../../db/database.ts'
import { toAppError } from '../../db/pg-errors.ts'
import type { Callers } from '../callers.ts'
import type { HttpRequest } from '../route.ts'
import { forgetOldAnswers } from './kept-answers.ts'
import { Once } from './once.ts'
import { answerSweeper } from './sweeper.ts'

const callers: Callers = { scopeOf: ({ headers }) => String(headers['x-caller']), headers: ['X-Caller'] }
const dayMs = 86_400_000

function requestBy(caller: string, body: unknown = {}): HttpRequest {
  return { method: 'POST', url: '/x', headers: { 'x-caller': caller, 'idempotency-key': 'key' }, body } as unknown as HttpRequest
}

describe.each(testDatabases())('answers kept on $name', ({ url }) => {
  let db: Database
  beforeEach(async () => {
    db = await freshDatabase(url, `create schema plinth; ${idempotencyStep.sql}`)
  })

  const keep = (ageMs: number, count: number) =>
    db.query(
      `insert into plinth.idempotency (scope, key, fingerprint, status, headers, created_at)
       select 'a', i || ' ' || $1::int, '', 204, '{}', now() - $1::int * interval '1 ms' from generate_series(1, $2) as i`,
      [ageMs, count],
    )
  const left = async () => (await db.query<{ count: number }>('select count(*)::int as count from plinth.idempotency'))[0]?.count

  test('the same key of two callers is two keys: neither is given what was answered to the other', async () => {
    const once = new Once({ db, callers, ttlMs: dayMs, waitMs: 1_000 })
    const ask = async (caller: string) => {
      const claim = once.claimOf(requestBy(caller))
      if (claim === undefined) throw new Error('The request has a key.')
      const work = async () => ({ status: 200, headers: {}, body: Buffer.from(`for ${caller}`) })
      return (await once.answer(claim, work, (inside) => db.transaction(inside))).body?.toString()
    }
    expect([await ask('ada'), await ask('bo'), await ask('ada'), await ask('bo')]).toEqual(['for ada', 'for bo', 'for ada', 'for bo'])
    expect(await left()).toBe(2)
  })

  describe.each(['read committed', 'repeatable read', 'serializable'] as const)('with transactions that are %s', (isolation) => {
    /** Two processes that get the same request, the second while the first works for so long. */
    async function twice(workMs: number, config: Parameters<typeof openDatabase>[1] = {}) {
      const [{ name } = { name: '' }] = await db.query<{ name: string }>('select current_database() as name')
      const other = await openDatabase(Object.assign(new URL(url), { pathname: `/${name}` }).href, config)
      let works = 0
      const ask = async (own: Database): Promise<string | undefined> => {
        const once = new Once({ db: own, callers, ttlMs: dayMs, waitMs: 1_000 })
        const work = async () => {
          works += 1
          await sleep(workMs)
          return { status: 200, headers: {}, body: Buffer.from(`work ${works}`) }
        }
        const claim = { scope: 'a', key: 'key', fingerprint: '00' }
        return (await once.answer(claim, work, (inside) => own.transaction(inside, { isolation }))).body?.toString()
      }
      const first = ask(db)
      await expect.poll(() => works).toBe(1)
      const outcomes = await Promise.all([first, ask(other).catch((error: unknown) => toAppError(error).code)])
      return { outcomes, works }
    }

    test('a duplicate in another process waits for the first and gets its answer', async () => {
      expect(await twice(300)).toEqual({ outcomes: ['work 1', 'work 1'], works: 1 })
    })

    test('a wait for the lock that is too long is a conflict, a database that is too slow is not', async () => {
      expect((await twice(600, { lockTimeoutMs: 200 })).outcomes).toEqual(['work 1', 'IDEMPOTENCY_IN_PROGRESS'])
      await db.query('truncate plinth.idempotency')
      expect((await twice(600, { lockTimeoutMs: 2_000, statementTimeoutMs: 200 })).outcomes).toEqual(['work 1', 'DB_TIMEOUT'])
    })
  })

  test('a body that cannot be read twice is refused rather than taken for any other', () => {
    const once = new Once({ db, callers, ttlMs: dayMs, waitMs: 1_000 })
    for (const body of [Readable.from(['a']), new Blob(['a']).stream()]) {
      const claim = () => once.claimOf(requestBy('ada', body))
      expect(claim).toThrow(expect.objectContaining({ code: 'IDEMPOTENCY_STREAM', status: 500, hint: expect.stringContaining('parser') }))
    }
    expect(once.claimOf(requestBy('ada', new Uint8Array([97])))).toEqual(once.claimOf(requestBy('ada', Buffer.from('a'))))
  })

  test('old answers are removed in the background, and young ones stay', async () => {
    await keep(1_000, 1_200)
    await keep(0, 3)
    const sweeper = answerSweeper({ db, log: pino({ level: 'silent' }), ttlMs: 900 })
    await sweeper.start?.()
    onTestFinished(async () => sweeper.stop?.())
    await expect.poll(left, { timeout: 5_000 }).toBe(3)
  })

  test('a batch has a limit, and whoever comes while another process removes leaves it to that one', async () => {
    await keep(dayMs, 10)
    const others = Promise.withResolvers<void>()
    const mine = Promise.withResolvers<void>()
    const other = db.transaction(async () => {
      await db.query(`select pg_advisory_xact_lock(hashtextextended('plinth: old idempotency keys', 0))`)
      others.resolve()
      await mine.promise
    })
    await others.promise
    expect(await forgetOldAnswers(db, 1_000, 4)).toBe(0)
    mine.resolve()
    await other
    expect([await forgetOldAnswers(db, 1_000, 4), await left()]).toEqual([4, 6])
  })

  test('the sweeper stops at once, and does not mind a database without the table', async () => {
    const lines: string[] = []
    const log = pino({ level: 'debug' }, { write: (line) => void lines.push(line) })
    const sweeper = answerSweeper({ db: { ...db, write: () => Promise.reject(missingTable()) }, log, ttlMs: 4 })
    await sweeper.start?.()
    await new Promise((resolve) => setTimeout(resolve, 30))
    await sweeper.stop?.()
    expect(lines).toEqual([])
  })
})

function missingTable(): Error {
  return Object.assign(new Error('relation does not exist'), { severity: 'ERROR', code: '42P01' })
}

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { accountBed, type AccountBed } from '../../test/support/account-bed.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import { until } from '../../test/support/redis.ts'
import { readConfig } from '../core/env.ts'
import { forgetAudit } from './audit-retention.ts'

const dayMs = 86_400_000

describe.each(testDatabases())('on $name', ({ url }) => {
  let bed: AccountBed
  beforeAll(async () => {
    bed = await accountBed(url)
  })
  afterAll(() => bed.close())

  test('what is older than the audit is kept for goes, the oldest first, little at a time, by several processes at once', async () => {
    const { db } = await bed.process()
    const other = await bed.process()
    await db.query(
      `insert into plinth.audit (at, action, subject) select now() - days * interval '1 day', 'sign_out', 'day ' || days from generate_series(1, 20) days`,
    )
    const left = async () =>
      (await db.query<{ subject: string }>('select subject from plinth.audit order by at')).map(({ subject }) => subject)
    expect(await forgetAudit(db, 10 * dayMs, 3)).toBe(3)
    expect((await left()).at(0)).toBe('day 17')
    const both = await Promise.all([db, other.db].map((one) => forgetAudit(one, 10 * dayMs, 100)))
    expect(both.reduce((sum, count) => sum + count)).toBe(8)
    expect(await left()).toEqual(['day 9', 'day 8', 'day 7', 'day 6', 'day 5', 'day 4', 'day 3', 'day 2', 'day 1'])
    expect(await forgetAudit(db, 10 * dayMs, 100)).toBe(0)
  })

  test('an application that has started removes it by itself', async () => {
    const { db } = await bed.process()
    await db.query(`insert into plinth.audit (at, action, subject) values (now() - interval '401 days', 'sign_out', 'long ago')`)
    // The first time comes at once, and not in ten minutes.
    const random = vi.spyOn(Math, 'random').mockReturnValue(-0.499_999)
    await bed.process().finally(() => random.mockRestore())
    const left = () => db.query(`select from plinth.audit where subject = 'long ago'`)
    await until(async () => (await left()).length === 0)
    expect(await left()).toEqual([])
  })
})

test('the audit is kept for 400 days, or as long as AUDIT_RETENTION says', () => {
  const kept = (environment: Record<string, string>) => readConfig({ APP_ENV: 'testing', ...environment }, '/nowhere').audit.retentionMs
  expect(kept({})).toBe(400 * dayMs)
  expect(kept({ AUDIT_RETENTION: '3650d' })).toBe(3_650 * dayMs)
  expect(() => kept({ AUDIT_RETENTION: '10m' })).toThrow('a time such as 30d or 400d, at least 1d')
})

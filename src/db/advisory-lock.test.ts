import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { scratchDatabase, testDatabases } from '../../test/support/postgres.ts'
import { withAdvisoryLock } from './advisory-lock.ts'

describe.each(testDatabases())('on $name', ({ url }) => {
  async function clients(count: number): Promise<Client[]> {
    const scratch = await scratchDatabase(url)
    onTestFinished(() => scratch.drop())
    const made = Array.from({ length: count }, () => new Client({ connectionString: scratch.url }))
    await Promise.all(made.map((client) => client.connect()))
    for (const client of made) client.on('error', () => undefined)
    onTestFinished(async () => void (await Promise.all(made.map((client) => client.end()))))
    return made
  }

  test('two that want the same lock work one after the other, and the waiting one is told once', async () => {
    const happened: string[] = []
    const work = (name: string) => async (): Promise<void> => {
      happened.push(`${name} begins`)
      await sleep(150)
      happened.push(`${name} ends`)
    }
    const [a, b] = (await clients(2)) as [Client, Client]
    const first = withAdvisoryLock(a, 'migrations', work('a'), { timeoutMs: 5_000 })
    await sleep(50)
    await withAdvisoryLock(b, 'migrations', work('b'), { timeoutMs: 5_000, onWait: () => happened.push('b waits') })
    await first
    expect(happened).toEqual(['a begins', 'b waits', 'a ends', 'b begins', 'b ends'])
  })

  test('whoever waits too long is refused, and the lock’s name is told', async () => {
    const [a, b] = (await clients(2)) as [Client, Client]
    const holder = withAdvisoryLock(a, 'migrations', () => sleep(600), { timeoutMs: 0 })
    await sleep(50)
    const refused = withAdvisoryLock(b, 'migrations', async () => 'never', { timeoutMs: 200 })
    await expect(refused).rejects.toMatchObject({ code: 'DB_LOCK_TIMEOUT', message: expect.stringContaining('"migrations"') })
    await holder
  })

  test('locks of other names, work that throws and a holder that dies keep nobody waiting', async () => {
    const [a, b, c] = (await clients(3)) as [Client, Client, Client]
    await expect(withAdvisoryLock(a, 'one', () => Promise.reject(new Error('no')), { timeoutMs: 0 })).rejects.toThrow('no')
    const dying = withAdvisoryLock(b, 'two', () => b.query('select pg_terminate_backend(pg_backend_pid())'), { timeoutMs: 0 })
    await expect(dying).rejects.toThrow()
    for (const name of ['one', 'two', 'three'])
      await expect(withAdvisoryLock(c, name, async () => name, { timeoutMs: 1_000 })).resolves.toBe(name)
  })
})

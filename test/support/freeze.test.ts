import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { backendStates, signalAll } from './database.ts'
import { startPostgres } from './postgres-server.ts'
import { testDatabase } from './postgres.ts'

test('a frozen server has no backend that runs on, also none that began meanwhile', async () => {
  const server = await startPostgres(testDatabase().binaries)
  onTestFinished(() => server.destroy())
  let going = true
  const comeAndGo = async (): Promise<void> => {
    while (going) {
      const client = new Client({ connectionString: server.url, connectionTimeoutMillis: 300 })
      client.on('error', () => undefined)
      await client.connect().catch(() => undefined)
      await client.end().catch(() => undefined)
    }
  }
  const guests = Array.from({ length: 8 }, comeAndGo)
  for (let round = 0; round < 10; round += 1) {
    await sleep(50)
    signalAll(server, 'SIGSTOP')
    expect(backendStates(server).filter((state) => !'TZ'.includes(state))).toEqual([])
    signalAll(server, 'SIGCONT')
  }
  going = false
  await Promise.all(guests)
})

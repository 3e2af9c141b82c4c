import { Client } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startPostgres } from './postgres-server.ts'
import { scratchDatabase, testDatabase, testDatabases } from './postgres.ts'

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

describe.each(testDatabases())('$name', ({ name, url }) => {
  test('the server has the version that its name says', async () => {
    expect(await ask(url, 'SHOW server_version_num')).toEqual([{ server_version_num: expect.stringMatching(`^${name.split(' ')[1]}`) }])
  })

  test('a scratch database is empty, writable and gone after drop', async () => {
    const scratch = await scratchDatabase(url)
    expect(await ask(scratch.url, `SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'`)).toEqual([{ count: 0 }])
    await ask(scratch.url, 'CREATE TABLE notes (id int)')
    await scratch.drop()
    await expect(ask(scratch.url, 'SELECT 1')).rejects.toThrow('does not exist')
  })

  test('a scratch database can be a copy of another', async () => {
    const original = await scratchDatabase(url)
    await ask(original.url, 'CREATE TABLE notes AS SELECT 7 AS id')
    const copy = await scratchDatabase(url, new URL(original.url).pathname.slice(1))
    expect(await ask(copy.url, 'SELECT id FROM notes')).toEqual([{ id: 7 }])
    await Promise.all([original.drop(), copy.drop()])
  })
})

test('a server of its own keeps its data and its port over a kill and a start', async () => {
  const server = await startPostgres(testDatabase().binaries)
  onTestFinished(() => server.destroy())
  await ask(server.url, 'CREATE TABLE notes AS SELECT 7 AS id')
  server.signal('SIGKILL')
  await server.stop()
  await expect(ask(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
  await server.start()
  expect(await ask(server.url, 'SELECT id FROM notes')).toEqual([{ id: 7 }])
})

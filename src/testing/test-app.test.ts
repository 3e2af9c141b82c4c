import { chmodSync } from 'node:fs'
import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { anyone, defineApp, defineResource } from 'plinth'
import { pgTable, serial, text } from 'plinth/db'
import { testDatabase } from '../../test/support/postgres.ts'
import { removeFolder, temporaryFolder } from '../../test/support/temporary.ts'
import { testApp } from './test-app.ts'

const notes = pgTable('notes', { id: serial().primaryKey(), body: text().notNull() })
const definition = defineApp({ name: 'notes', resources: [defineResource(notes, { access: { read: anyone, write: anyone } })] })

async function databasesOf(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ datname: string }>('select datname from pg_database')
  await client.end()
  return rows.map(({ datname }) => datname)
}

test('an application under test has a database of its own, which is gone when the test closes it', async () => {
  const { url: server } = testDatabase()
  const [first, second] = await Promise.all([testApp(definition, { url: server }), testApp(definition, { url: server })])
  expect((await first.post('/api/notes', { body: 'one' })).status).toBe(201)
  expect((await second.get('/api/notes')).body.data).toEqual([])
  await Promise.all([first.close(), second.close()])
  const left = await databasesOf(server)
  for (const { url } of [first, second]) expect(left).not.toContain(new URL(url).pathname.slice(1))
})

test('without a URL the embedded server of the folder is used, and stopped afterwards', async () => {
  const root = temporaryFolder('embedded-test-app')
  chmodSync(root, 0o755)
  onTestFinished(() => removeFolder(root))
  const app = await testApp(definition, { root })
  expect((await app.post('/api/notes', { body: 'one' })).body.data).toEqual({ id: 1, body: 'one' })
  await app.close()
  await expect(databasesOf(app.url)).rejects.toThrow('ECONNREFUSED')
})

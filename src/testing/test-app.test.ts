import { Client } from 'pg'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { anyone, defineApp, defineResource } from 'plinth'
import { pgTable, serial, text } from 'plinth/db'
import { testDatabase } from '../../test/support/postgres.ts'
import { removeFolder, temporaryFolder } from '../../test/support/temporary.ts'
import { emptySnapshot } from '../db/migrate/snapshot.ts'
import { testApp, type TestApp } from './test-app.ts'
import { openTestServer } from './test-server.ts'

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

test('a server that somebody holds keeps running between the files that use it', async () => {
  const root = temporaryFolder('held-test-server')
  chmodSync(root, 0o755)
  onTestFinished(() => removeFolder(root))
  const held = await openTestServer({ root })
  const app = await testApp(definition, { root })
  await app.close()
  expect(await databasesOf(held.url)).toEqual(expect.arrayContaining(['postgres']))
  await held.stop()
  await expect(databasesOf(held.url)).rejects.toThrow('ECONNREFUSED')
})

test('the server that .env names is used', async () => {
  const root = temporaryFolder('env-test-app')
  onTestFinished(() => removeFolder(root))
  writeFileSync(join(root, '.env'), `DATABASE_URL=${testDatabase().url}\n`)
  const app = await testApp(definition, { root })
  expect(new URL(app.url).port).toBe(new URL(testDatabase().url).port)
  await app.close()
})

describe('requests', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await testApp(definition, { url: testDatabase().url })
  })
  afterAll(() => app.close())

  test('of any method, with any headers and bytes', async () => {
    expect(await app.request({ method: 'PROPFIND', path: '/api/notes' })).toMatchObject({ status: 405 })
    expect(await app.request({ method: 'OPTIONS', path: '/api/notes' })).toMatchObject({ status: 204, body: undefined })
    const text = { method: 'POST' as const, path: '/api/notes', headers: { 'content-type': 'text/plain' }, raw: 'body=1' }
    expect(await app.request(text)).toMatchObject({ status: 415, body: { code: 'HTTP_UNSUPPORTED_MEDIA_TYPE' } })
    expect(await app.request({ path: '/health', headers: { 'x-request-id': 'mine' } })).toMatchObject({ status: 200 })
  })

  test('a reply without JSON has its text', async () => {
    const reply = await app.get('/metrics')
    expect(reply).toMatchObject({ status: 200, body: undefined, text: expect.stringContaining('http_requests_total') })
  })
})

test('the tables come from the models, or from migrations where those are named', async () => {
  const root = temporaryFolder('test-migrations')
  onTestFinished(() => removeFolder(root))
  mkdirSync(join(root, '0001_notes'))
  writeFileSync(
    join(root, '0001_notes/up.sql'),
    `create table notes (id serial primary key, body text not null default 'from a migration');`,
  )
  writeFileSync(join(root, '0001_notes/down.sql'), 'drop table notes;')
  writeFileSync(join(root, '0001_notes/snapshot.json'), JSON.stringify(emptySnapshot))
  const app = await testApp(definition, { url: testDatabase().url, migrations: root })
  await app.app.db.query('insert into notes default values')
  expect((await app.get('/api/notes/1')).body.data.body).toBe('from a migration')
  await app.close()
  await expect(testApp(definition, { url: testDatabase().url, migrations: join(root, 'nowhere') })).rejects.toThrow(
    'There are no migrations in',
  )
})

test('seed() runs the seed of the application', async () => {
  const seeded = defineApp({ ...definition.options, seed: async (app) => void (await app.resource('notes').create({ body: 'first' })) })
  const app = await testApp(seeded, { url: testDatabase().url })
  await app.seed()
  expect((await app.get('/api/notes')).body.data).toEqual([{ id: 1, body: 'first' }])
  await app.close()
})

test('an application that cannot be made leaves no database behind', { timeout: 90_000 }, async () => {
  const { url } = testDatabase()
  const before = await databasesOf(url)
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the compiler would refuse the mistake that is tried here
  const broken = defineApp({ name: 'broken', resources: [defineResource(notes, { access: { read: anyone }, search: ['bdy'] } as never)] })
  await expect(testApp(broken, { url })).rejects.toThrow('"bdy" is not a field of "notes"')
  const left = (await databasesOf(url)).filter((name) => name.startsWith('test_') && !before.includes(name))
  // Other tests make some on the same server, and remove them.
  const still = async (): Promise<string[]> => (await databasesOf(url)).filter((name) => left.includes(name))
  await expect.poll(still, { timeout: 60_000 }).toEqual([])
})

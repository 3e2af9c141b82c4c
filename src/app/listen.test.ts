import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { anyone, createApp, defineApp, defineResource, readConfig } from 'plinth'
import { pgTable, serial } from 'plinth/db'
import { expect, onTestFinished, test } from 'vitest'
import { scratchDatabase } from '../../test/support/postgres.ts'

const notes = pgTable('notes', { id: serial().primaryKey() })
const definition = defineApp({ name: 'notes', resources: [defineResource(notes, { access: { read: anyone } })] })

async function startOn(host: string, port: number): Promise<{ url: string }> {
  const database = await scratchDatabase()
  const env = { APP_ENV: 'testing', LOG_LEVEL: 'silent', DATABASE_URL: database.url, API_HOST: host, API_PORT: String(port) }
  const app = await createApp(definition, readConfig(env, tmpdir()))
  onTestFinished(async () => {
    await app.stop()
    await database.drop()
  })
  return app.start()
}

test('a port that is taken is named, with a way out', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const refusal = {
    code: 'APP_PORT_IN_USE',
    message: `Port ${port} is in use by another process.`,
    hint: expect.stringContaining(`API_PORT=${port + 1}`),
  }
  await expect(startOn('127.0.0.1', port)).rejects.toMatchObject(refusal)
})

test('an address of another machine is named', async () => {
  const refusal = { code: 'APP_CANNOT_LISTEN', message: expect.stringContaining('192.0.2.1'), hint: 'Check API_HOST and API_PORT.' }
  await expect(startOn('192.0.2.1', 0)).rejects.toMatchObject(refusal)
})

test('an application that listens tells its address', async () => {
  const { url } = await startOn('127.0.0.1', 0)
  expect((await fetch(`${url}/health`)).status).toBe(200)
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { plinth, temporaryApp, type Finished } from '../../test/support/cli.ts'
import { createApp, readConfig } from 'plinth'
import { scratchDatabase } from '../../test/support/postgres.ts'
import definition from '../../examples/items/api/app.ts'

const app = temporaryApp()
afterAll(() => app.remove())

/** Neither command needs a database. */
function run(...args: string[]): Promise<Finished> {
  return plinth(args, { cwd: join(app.root, 'api/models'), env: { DATABASE_URL: 'postgres://127.0.0.1:1/none' } })
}

test('routes lists method, path and what answers, also from a folder below the application', async () => {
  const { code, stdout, stderr } = await run('routes')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [heading, ...rows] = stdout.trimEnd().split('\n')
  expect(heading).toMatch(/^METHOD {2}PATH +ANSWERS$/)
  expect(rows).toContainEqual(expect.stringMatching(/^GET {5}\/api\/items +list items$/))
  expect(rows).toContainEqual(expect.stringMatching(/^GET {5}\/health +machine endpoint$/))
})

test('routes --json is the same for scripts', async () => {
  const { stdout } = await run('routes', '--json')
  expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ method: 'PATCH', path: '/api/items/:id', answers: 'patch items' }))
})

test('openapi prints what the running application serves', async () => {
  const { code, stdout, stderr } = await run('openapi')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toEqual(await servedDocument())
})

async function servedDocument(): Promise<unknown> {
  const database = await scratchDatabase()
  const served = await createApp(definition, readConfig({ DATABASE_URL: database.url, LOG_LEVEL: 'silent' }, app.root))
  const reply = await served.inject('/openapi.json')
  await served.stop()
  await database.drop()
  return reply.json()
}

test('openapi -o writes a file', async () => {
  const file = join(app.root, 'openapi.json')
  expect(await run('openapi', '-o', file)).toEqual({ code: 0, stdout: `Wrote ${file}.\n`, stderr: '' })
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./) })
})

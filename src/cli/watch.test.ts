import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { plinth, servePlinth, temporaryApp } from '../../test/support/cli.ts'

// One session of development on the embedded database, as somebody types it.

const app = temporaryApp({ '.env': 'LOG_LEVEL=info\n' })
afterAll(() => app.remove())

const model = (columns: string): string => `import { integer, pgTable, serial, text, timestamps, varchar } from 'plinth/db'
export const items = pgTable('items', { id: serial().primaryKey(), name: varchar({ length: 100 }).notNull(), ${columns} ...timestamps })
export const unused = [integer, text]
`

test('dev serves, restarts on every save, says what the database lacks, survives mistakes, and leaves nothing behind', async () => {
  const dev = await servePlinth(['dev', '--prepare'], { cwd: app.root }, true)
  let seen = 0
  const says = async (text: string): Promise<void> => {
    await dev.says(text, seen)
    seen = (dev.stdout() + dev.stderr()).length
  }
  const items = async (): Promise<number> => (await fetch(`${dev.url}/api/items`)).status
  expect(dev.stdout()).toContain('Seeded.')
  expect(await items()).toBe(200)

  app.write('api/models/items.ts', model('description: text(), price: integer(),'))
  await says('Models and migrations differ:\n  - column "items.price" is new\nWrite a migration: plinth db migrate -m "…"\n')

  app.write('api/models/items.ts', `export const items = {{\n`)
  await says('SyntaxError')

  app.write('api/models/items.ts', model('description: text(),'))
  await says('Stop with Ctrl+C')
  expect(await items()).toBe(200)

  app.write('.env', 'LOG_LEVEL=debug\n')
  await says('Stop with Ctrl+C')

  expect(existsSync(join(app.root, '.plinth/postgres/data/postmaster.pid'))).toBe(true)
  process.kill(-(dev.process.pid ?? 0), 'SIGINT')
  expect(await dev.exited).toBe(0)
  expect(existsSync(join(app.root, '.plinth/postgres/data/postmaster.pid'))).toBe(false)
}, 90_000)

test('dev is not for production', async () => {
  const secrets = { SECRET_KEY: 'a8Fk29dkLq0s8dkW2mxPq93jdkalQwz7', JWT_SECRET_KEY: 'b8Fk29dkLq0s8dkW2mxPq93jdkalQwz8' }
  const env = { APP_ENV: 'production', DATABASE_URL: 'postgres://127.0.0.1:1/none', ...secrets }
  expect(await plinth(['dev'], { cwd: app.root, env })).toEqual({
    code: 2,
    stdout: '',
    stderr: 'This is production (APP_ENV or NODE_ENV says so). Serve it with: plinth start api\n',
  })
})

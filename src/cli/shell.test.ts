import { afterAll, beforeAll, expect, test } from 'vitest'
import { plinth, temporaryApp, type Finished } from '../../test/support/cli.ts'
import { scratchDatabase, type ScratchDatabase } from '../../test/support/postgres.ts'

const app = temporaryApp()
let database: ScratchDatabase

beforeAll(async () => {
  database = await scratchDatabase()
  await run(['db', 'upgrade'])
})
afterAll(async () => {
  app.remove()
  await database.drop()
})

function run(args: readonly string[], ...lines: string[]): Promise<Finished> {
  return plinth(args, { cwd: app.root, env: { DATABASE_URL: database.url }, input: lines.map((line) => `${line}\n`).join('') })
}

test('piped lines run one after the other, with app, db and the resources at hand', async () => {
  const { code, stdout, stderr } = await run(
    ['shell'],
    `const { id } = await items.create({ name: 'Saw' })`,
    `await db.query('select count(*)::int as count from items')`,
    `(await app.resource('items').list()).records.map(`,
    `  ({ name }) => name)`,
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(`[ { count: 1 } ]\n[ 'Saw' ]\n`)
})

test('a line that fails is reported, the next one runs, and the exit code is 1', async () => {
  const { code, stdout } = await run(['shell'], `await items.create({ nmae: 'Saw' })`, `'next'`)
  expect(code).toBe(1)
  expect(stdout).toMatch(/Uncaught/)
  expect(stdout).toMatch(/^'next'$/m)
})

test('--sandbox rolls everything back at its end', async () => {
  const { code, stdout, stderr } = await run(
    ['shell', '--sandbox'],
    `await items.create({ name: 'Sand' })`,
    `(await items.list()).records.length`,
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'Everything was rolled back.\n' })
  expect(stdout).toMatch(/^2$/m)
  expect((await run(['shell'], `(await items.list()).records.length`)).stdout).toBe('1\n')
})

import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plinth, type Finished, temporaryApp } from '../../test/support/cli.ts'
import { type ScratchDatabase, scratchDatabase } from '../../test/support/postgres.ts'

const app = temporaryApp(
  {
    'package.json': '{ "type": "module" }',
    'api/app.ts': `import { any, defineApp, defineResource, owner, role, signedIn } from 'plinth'
import { integer, pgTable, serial, text } from 'plinth/db'
const articles = pgTable('articles', { id: serial().primaryKey(), author_id: integer(), title: text(), fee: integer() })
export default defineApp({
  name: 'press',
  models: { articles },
  resources: [defineResource(articles, {
    access: { read: signedIn, create: role('editor'), update: any(role('chief'), owner('author_id')), fields: { fee: role('editor') } },
  })],
})
`,
  },
  { from: 'nothing' },
)
let database: ScratchDatabase

beforeAll(async () => {
  database = await scratchDatabase()
  const client = new Client({ connectionString: database.url })
  await client.connect()
  await client.query('create table articles (id serial primary key, author_id int, title text, fee int)')
  await client.query(`insert into articles (author_id) values (7), (8)`)
  await client.end()
})
afterAll(async () => {
  app.remove()
  await database.drop()
})

const run = (...args: string[]): Promise<Finished> => plinth(args, { cwd: app.root, env: { DATABASE_URL: database.url } })

test('routes --access lists who may do what, closed operations and fields included', async () => {
  const { code, stdout } = await run('routes', '--access')
  expect(code).toBe(0)
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' ')),
  ).toEqual([
    'RESOURCE OPERATION POLICY',
    'articles list signedIn',
    'articles get signedIn',
    "articles create role('editor')",
    "articles update any(role('chief'), owner('author_id'))",
    'articles delete nobody',
    "articles see fee role('editor')",
    "articles set fee role('editor')",
  ])
  expect(JSON.parse((await run('routes', '--access', '--json')).stdout)).toContainEqual({
    resource: 'articles',
    operation: 'delete',
    policy: 'nobody',
  })
})

test('can says of a record whether the user may, and --why by which rule and condition', async () => {
  expect((await run('can', '7', 'update', 'articles', '1')).stdout).toMatch(/^Yes\. .* the record meets it\.\n$/)
  const { stdout } = await run('can', '7', 'update', 'articles', '2', '--why')
  expect(stdout).toMatch(/^No\. .* the record does not meet it\.\n/)
  for (const line of ["some rows: any(role('chief'), owner('author_id'))", "  no: role('chief')", "  some rows: owner('author_id')"])
    expect(stdout).toContain(`${line}\n`)
  expect(stdout).toContain('condition  "articles"."author_id" = $1::int4\nvalues     ["7"]\n')
  expect((await run('can', '7', 'get', 'articles', '9')).stdout).toBe('No. There is no such record.\n')
})

test('can says without a record what is so whatever the record is, of the roles that are named', async () => {
  expect((await run('can', 'anyone', 'list', 'articles')).stdout).toMatch(/^No\. The policy is signedIn/)
  expect((await run('can', '7', 'update', 'articles')).stdout).toMatch(/^Some records\. It depends on the record/)
  const { stdout } = await run('can', '7', 'update', 'articles', '--role', 'chief', '--role', 'editor', '--json')
  expect(JSON.parse(stdout)).toMatchObject({
    operation: 'update',
    may: 'yes',
    caller: { id: '7', roles: ['chief', 'editor'] },
    hiddenFields: [],
  })
})

test('can refuses what it does not know', async () => {
  expect(await run('can', '7', 'updte', 'articles')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"updte" is not one of list'),
  })
  expect(await run('can', '7', 'get', 'artciles')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Perhaps you meant "articles"'),
  })
})

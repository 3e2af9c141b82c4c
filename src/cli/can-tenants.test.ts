import { afterAll, expect, test } from 'vitest'
import { plinth, type Finished, temporaryApp } from '../../test/support/cli.ts'

const app = temporaryApp(
  {
    'package.json': '{ "type": "module" }',
    'api/app.ts': `import { anyone, defineApp, defineResource, owner, signedIn } from 'plinth'
import { integer, pgTable, serial } from 'plinth/db'
const notes = pgTable('notes', { id: serial().primaryKey(), team: integer().notNull(), author_id: integer() })
const places = pgTable('places', { id: serial().primaryKey() })
export default defineApp({
  name: 'teams',
  models: { notes, places },
  resources: [
    defineResource(notes, { tenant: 'team', access: { read: signedIn, update: owner('author_id') } }),
    defineResource(places, { access: { read: anyone } }),
  ],
})
`,
  },
  { from: 'nothing' },
)
afterAll(() => app.remove())

const run = (...args: string[]): Promise<Finished> => plinth(args, { cwd: app.root })

test('routes --access has the column that holds the tenant', async () => {
  const { stdout } = await run('routes', '--access')
  const lines = stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trimEnd())
  for (const line of [
    'RESOURCE OPERATION POLICY TENANT',
    'notes list signedIn team',
    "notes update owner('author_id') team",
    'places list anyone',
  ])
    expect(lines).toContain(line)
  const rows = JSON.parse((await run('routes', '--access', '--json')).stdout)
  expect(rows).toContainEqual({ resource: 'notes', operation: 'get', policy: 'signedIn', tenant: 'team' })
  expect(rows).toContainEqual({ resource: 'places', operation: 'get', policy: 'anyone' })
})

test('can says the tenant whose records are meant, and that one has to be named', async () => {
  expect((await run('can', '7', 'list', 'notes')).stdout).toBe(
    'No. The records belong to tenants, and the caller acts in none (team of no tenant). Name one with --tenant. The policy is signedIn.\n',
  )
  expect((await run('can', '7', 'list', 'notes', '--tenant', '1')).stdout).toBe(
    'Some records. Those of the tenant (team = 1). The policy is signedIn.\n',
  )
  const { stdout } = await run('can', '7', 'update', 'notes', '--tenant', '1', '--why')
  expect(stdout).toContain("Some records. Those of the tenant (team = 1). The policy is owner('author_id').\n")
  expect(stdout).toContain('records of  team = 1\n')
  expect(stdout).toMatch(/condition .*"team" = \$\d::int4/)
  expect((await run('can', '7', 'delete', 'notes', '--tenant', '1')).stdout).toContain('The policy is nobody')
})

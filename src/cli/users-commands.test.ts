import { join } from 'node:path'
import { Client } from 'pg'
import type { AppDefinition } from 'plinth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, plinth, temporaryApp } from '../../test/support/cli.ts'
import { type ScratchDatabase, scratchDatabase } from '../../test/support/postgres.ts'
import { schemaOf } from '../app/models.ts'
import { trackingOf } from '../app/tracking.ts'
import { createSchema } from '../testing/create-schema.ts'

const source = `import { defineApp, defineResource, member, signedIn } from 'plinth'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import { pgTable, primaryKey, serial, text, uuid } from 'plinth/db'
const users = pgTable('users', { ...userColumns })
const user_roles = userRoles(users)
const organizations = pgTable('organizations', { id: uuid().primaryKey().defaultRandom(), name: text() })
const memberships = pgTable('memberships', {
  user_id: uuid().notNull().references(() => users.id), organization_id: uuid().notNull().references(() => organizations.id),
}, (table) => [primaryKey({ columns: [table.user_id, table.organization_id] })])
const notes = pgTable('notes', { id: serial().primaryKey(), organization_id: uuid().references(() => organizations.id) })
export default defineApp({
  name: 'shop',
  models: { users, user_roles, roles, permissions, role_permissions, organizations, memberships, notes },
  resources: [defineResource(notes, { access: { read: signedIn } })],
  auth: { users, userRoles: user_roles, tenants: { table: organizations, members: memberships } },
})
`
/** Starting commands is most of the time that these tests take. */
const patient = { timeout: 90_000 }
const app = temporaryApp({ 'api/app.ts': source, 'package.json': '{"type":"module"}' }, { from: 'nothing' })
const secrets = { SECRET_KEY: `${'a1B2-'.repeat(10)}x`, JWT_SECRET_KEY: `${'c3D4-'.repeat(10)}y` }
let database: ScratchDatabase
let client: Client

beforeAll(async () => {
  const { default: definition } = (await import(join(app.root, 'api/app.ts'))) as { readonly default: AppDefinition }
  database = await scratchDatabase()
  await createSchema(database.url, schemaOf(definition.options), trackingOf(definition))
  client = new Client({ connectionString: database.url })
  await client.connect()
  await client.query(`insert into roles (name) values ('editor'), ('chief')`)
})
afterAll(async () => {
  await client.end()
  await database.drop()
  app.remove()
})

const env = () => ({ DATABASE_URL: database.url, APP_ENV: 'testing', APP_URL: 'https://shop.example', ...secrets })
const run = (args: readonly string[], input = ''): Promise<Finished> => plinth(args, { cwd: app.root, env: env(), input })
const users = (...args: string[]): Promise<Finished> => run(['users', ...args])
const jsonOf = ({ stdout }: Finished) => JSON.parse(stdout)

test('a user is made with a link to choose a password, is listed, given roles, disabled and enabled', patient, async () => {
  const made = await users('create', 'Ann@example.com', '--role', 'editor')
  expect(made.stdout).toMatch(
    /^Made the user [\da-f-]{36}\.\nA password is chosen here, within an hour: https:\/\/shop\.example\/reset-password#token=[\w-]{43}\n$/,
  )
  const listed = async () => jsonOf(await users('list', '--email', 'ann', '--json')).users
  const ann = { id: expect.any(String), email: 'ann@example.com', verified: true, disabled: false, roles: ['editor'] }
  expect(await listed()).toEqual([ann])
  expect((await users('roles', 'add', 'ann@example.com', 'chief')).stdout).toBe('ann@example.com is given the role chief.\n')
  const [again, removed] = await Promise.all([
    users('roles', 'add', 'ann@example.com', 'chief'),
    users('roles', 'remove', 'ann@example.com', 'editor'),
  ])
  expect([again.stdout, removed.code]).toEqual(['ann@example.com was that already: nothing changed.\n', 0])
  expect(jsonOf(await users('disable', 'ann@example.com', '--json'))).toEqual({
    id: expect.any(String),
    email: 'ann@example.com',
    changed: true,
  })
  expect(await listed()).toEqual([{ ...ann, disabled: true, roles: ['chief'] }])
  expect(await users('reset-link', 'ann@example.com')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is disabled. Enable the account'),
  })
  expect((await users('enable', 'ann@example.com')).stdout).toBe('ann@example.com is enabled.\n')
  expect((await users('reset-link', 'ann@example.com')).stdout).toMatch(/^https:\/\/shop\.example\/reset-password#token=[\w-]{43}\n$/)
  const { rows } = await client.query(
    `select action, count(*)::int as entries from plinth.audit where action ~ 'account|role' group by action order by action`,
  )
  expect(rows).toEqual([
    { action: 'account.created', entries: 1 },
    { action: 'account.disabled', entries: 1 },
    { action: 'account.enabled', entries: 1 },
    { action: 'role.granted', entries: 2 },
    { action: 'role.revoked', entries: 1 },
  ])
})

test('a password comes from standard input, and never stands among the arguments', patient, async () => {
  const { id } = jsonOf(await run(['users', 'create', 'bob@example.com', '--password-stdin', '--json'], 'correct horse battery\n'))
  const { rows } = await client.query<{ password: string }>('select password from plinth.credentials where user_id = $1', [id])
  expect(rows[0]?.password).toMatch(/^\$argon2id\$/)
  await client.query(
    `insert into plinth.sessions (id, user_id, data, idle_ms, expires_at) values ('\\x00', $1, '{}', 60000, now() + interval '1 hour')`,
    [id],
  )
  expect((await users('sign-out', id)).stdout).toBe('Ended 1 session of bob@example.com. API keys go on.\n')
  const weak = await run(['users', 'create', 'bea@example.com', '--password-stdin'], 'password\n')
  expect(weak).toMatchObject({ code: 1, stderr: expect.stringContaining('The password') })
  expect(await run(['users', 'create', 'bea@example.com', '--password-stdin'])).toMatchObject({ code: 2 })
  expect(await users('create', 'bob@example.com')).toMatchObject({ code: 1, stderr: expect.stringContaining('There is an account') })
})

test('a list is told in pages', patient, async () => {
  await client.query(`insert into users (email) select 'page' || n || '@example.com' from generate_series(1, 3) n`)
  const first = await users('list', '--email', 'page', '--limit', '2')
  expect(first.stdout.split('\n')).toHaveLength(4)
  expect(first.stderr).toBe('There are more: --after page2@example.com\n')
  const { users: rest, next } = jsonOf(await users('list', '--email', 'page', '--limit', '2', '--after', 'page2@example.com', '--json'))
  expect([rest.map(({ email }: { email: string }) => email), next]).toEqual([['page3@example.com'], null])
  expect((await users('list', '--disabled', '--email', 'page')).stdout).toBe('There is no such user.\n')
})

test('who is not there is told so', patient, async () => {
  const nobody = '00000000-0000-4000-8000-000000000000'
  const said = await Promise.all([users('disable', 'nobody@example.com'), users('sign-out', nobody), users('enable', 'nonsense')])
  expect(said.map(({ code, stderr }) => [code, stderr])).toEqual([
    [1, 'There is no user "nobody@example.com".\n'],
    [1, `There is no user "${nobody}".\n`],
    [1, 'There is no user "nonsense".\n'],
  ])
  expect(await users('roles', 'add', 'page1@example.com', 'pirate')).toMatchObject({ code: 1, stderr: 'There is no role "pirate".\n' })
})

test('keys that sign access tokens are listed, replaced and ended', patient, async () => {
  const keys = (...args: string[]): Promise<Finished> => run(['keys', ...args])
  expect((await keys('list')).stdout).toBe('There is no key yet: the first sign-in for tokens makes one.\n')
  const first = jsonOf(await keys('rotate', '--json'))
  expect(first).toEqual({ kid: expect.any(String), algorithm: 'EdDSA', created_at: expect.any(String), signs: true, ends_at: null })
  expect((await keys('rotate')).stdout).toMatch(/^Made the key [\w-]{16}, which signs in a few seconds\./)
  const listed = jsonOf(await keys('list', '--json'))
  expect(listed).toMatchObject([{ ends_at: null }, { kid: first.kid, ends_at: expect.any(String) }])
  expect((await keys('end', first.kid)).stdout).toContain(`Ended the key ${first.kid}`)
  expect((await keys('list')).stdout).not.toContain(first.kid)
  const { rows } = await client.query(
    `select action, count(*)::int as entries from plinth.audit where action ~ 'key' group by action order by action`,
  )
  expect(rows).toEqual([
    { action: 'signing_key.ended', entries: 1 },
    { action: 'signing_key.replaced', entries: 2 },
  ])
  expect(await keys('end', first.kid)).toMatchObject({ code: 1, stderr: `There is no key "${first.kid}".\n` })
})

test('can asks about a user in a tenant that he belongs to, or as if he did', patient, async () => {
  const { rows } = await client.query<{ user: string; own: string; other: string }>(
    `with own as (insert into organizations (name) values ('own') returning id), other as (insert into organizations (name) values ('other') returning id),
       joined as (insert into memberships (user_id, organization_id) select u.id, own.id from users u, own where u.email = 'bob@example.com' returning user_id)
     select joined.user_id as user, own.id as own, other.id as other from joined, own, other`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('Nothing was written.')
  const { user, own, other } = row
  const can = (...args: string[]): Promise<Finished> => run(['can', user, 'list', 'notes', '--why', ...args])
  expect((await can('--tenant', own)).stdout).toContain(`tenant     ${own}\n`)
  expect((await can()).stdout).toContain(`tenant     ${own}\n`)
  expect(await can('--tenant', other)).toMatchObject({
    code: 1,
    stderr: `User ${user} does not belong to the tenant ${other}. Ask as if: --as-member\n`,
  })
  expect((await can('--tenant', other, '--as-member')).stdout).toContain(`tenant     ${other}\n`)
})

test('an application without users is told to say who signs in', patient, async () => {
  const bare = temporaryApp(
    {
      'api/app.ts': `import { defineApp } from 'plinth'\nexport default defineApp({ name: 'bare', models: {}, resources: [] })\n`,
      'package.json': '{"type":"module"}',
    },
    { from: 'nothing' },
  )
  for (const args of [
    ['users', 'list'],
    ['keys', 'list'],
  ])
    expect(await plinth(args, { cwd: bare.root, env: env() })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Nobody signs in to this application'),
    })
  bare.remove()
})

import { join } from 'node:path'
import { Client } from 'pg'
import type { AppDefinition } from 'plinth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, plinth, plinths, temporaryApp } from '../../test/support/cli.ts'
import { type ScratchDatabase, scratchDatabase } from '../../test/support/postgres.ts'
import { smtpServer } from '../../test/support/smtp-server.ts'
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
  resources: [defineResource(notes, { tenant: false, access: { read: signedIn } })],
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
const options = () => ({ cwd: app.root, env: env() })
const run = (args: readonly string[], input = ''): Promise<Finished> => plinth(args, { ...options(), input })
/** Each line in turn, in one process. */
const runEach = (...lines: readonly string[]): Promise<Finished[]> =>
  plinths(
    lines.map((line) => line.split(' ')),
    options(),
  )
const jsonOf = (finished: Finished | undefined) => JSON.parse(finished?.stdout ?? '')
const audited = async (actions: string) => {
  const { rows } = await client.query(
    `select action, details->>'command' as command, count(*)::int as entries from plinth.audit where action ~ $1 group by 1, 2 order by 1, 2`,
    [actions],
  )
  return rows
}

test('a user is made with a link to choose a password, is listed, given roles, disabled and enabled', patient, async () => {
  const said = await runEach(
    'users create Ann@example.com --role editor',
    'users list --email Ann --json',
    'users roles add ann@example.com chief',
    'users roles add ann@example.com chief',
    'users roles remove ann@example.com editor',
    'users disable ann@example.com --json',
    'users disable ann@example.com --json',
    'users list --email ann --json',
    'users reset-link ann@example.com',
    'users enable ann@example.com',
    'users enable ann@example.com',
    'users reset-link ann@example.com',
  )
  const [made, listed, added, again, removed, disabled, still, later, refused, enabled, already, link] = said
  expect(made?.stdout).toMatch(
    /^Made the user [\da-f-]{36}\.\nA password is chosen here, within an hour: https:\/\/shop\.example\/reset-password#token=[\w-]{43}\n$/,
  )
  const ann = { id: expect.any(String), email: 'ann@example.com', verified: true, disabled: false, roles: ['editor'] }
  expect(jsonOf(listed).users).toEqual([ann])
  expect(added?.stdout).toBe('ann@example.com is given the role chief.\n')
  expect([again?.stdout, removed?.code]).toEqual(['ann@example.com was that already: nothing changed.\n', 0])
  expect(jsonOf(disabled)).toEqual({ id: expect.any(String), email: 'ann@example.com', changed: true })
  expect(jsonOf(still)).toMatchObject({ changed: false })
  expect(jsonOf(later).users).toEqual([{ ...ann, disabled: true, roles: ['chief'] }])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('is disabled. Enable the account') })
  expect(enabled?.stdout).toBe('ann@example.com is enabled.\n')
  expect(already?.stdout).toBe('ann@example.com was that already: nothing changed.\n')
  expect(link?.stdout).toMatch(/^https:\/\/shop\.example\/reset-password#token=[\w-]{43}\n$/)
  expect(await audited('account|role')).toEqual([
    { action: 'account.created', command: 'users create', entries: 1 },
    { action: 'account.disabled', command: 'users disable', entries: 1 },
    { action: 'account.enabled', command: 'users enable', entries: 1 },
    { action: 'role.granted', command: 'users create', entries: 1 },
    { action: 'role.granted', command: 'users roles add', entries: 1 },
    { action: 'role.revoked', command: 'users roles remove', entries: 1 },
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
  const [out, without, taken] = await runEach(
    `users sign-out ${id}`,
    'users create bea@example.com --password-stdin',
    'users create bob@example.com',
  )
  expect(out?.stdout).toBe('Ended 1 session of bob@example.com. API keys go on.\n')
  expect(without).toMatchObject({ code: 2 })
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('There is an account') })
  const weak = await run(['users', 'create', 'bea@example.com', '--password-stdin'], 'password\n')
  expect(weak).toMatchObject({ code: 1, stderr: expect.stringContaining('The password') })
})

test('a user with a role that there is not is not made at all, and is made when the role is written right', patient, async () => {
  const [wrong, right] = await runEach(
    'users create dora@example.com --role editor --role editr',
    'users create dora@example.com --role editor --json',
  )
  expect(wrong).toMatchObject({ code: 1, stdout: '', stderr: 'There is no role "editr".\n' })
  expect(jsonOf(right)).toMatchObject({ email: 'dora@example.com', link: expect.any(String) })
})

test(
  'the second factor is removed of who has lost the telephone, who is told by mail, and a mail that nobody took is not passed over',
  patient,
  async () => {
    await client.query(
      `with lost as (insert into users (email) values ('eve@example.com'), ('fay@example.com') returning id::text)
     insert into plinth.second_factors (user_id, secret, confirmed_at) select id, '\\x00', now() from lost`,
    )
    const server = await smtpServer(1)
    const line = (who: string) => ['users', 'remove-second-factor', `${who}@example.com`]
    const began = performance.now()
    const said = await plinths([line('eve'), line('fay'), line('eve')], {
      cwd: app.root,
      env: { ...env(), MAIL_URL: server.url, MAIL_FROM: 'no-reply@shop.example' },
    })
    // A connection that is left open holds the process for twenty.
    expect(performance.now() - began).toBeLessThan(15_000)
    const [lost, taken, again] = said
    expect(lost).toMatchObject({ code: 1, stdout: expect.stringContaining('eve@example.com is without a second factor.\n') })
    expect(lost?.stderr).toBe('The change was made, and a mail about it was not sent: the server that MAIL_URL names did not take it.\n')
    expect(taken).toEqual({ code: 0, stdout: 'fay@example.com is without a second factor.\n', stderr: '' })
    expect(server.mails).toEqual([expect.stringContaining('To: fay@example.com')])
    expect(again).toEqual({ code: 0, stdout: 'eve@example.com was that already: nothing changed.\n', stderr: '' })
    expect(await audited('factor')).toEqual([{ action: 'factor.disabled', command: 'users remove-second-factor', entries: 2 }])
  },
)

test('a list is told in pages, and who is not there is told so', patient, async () => {
  await client.query(`insert into users (email) select 'page' || n || '@example.com' from generate_series(1, 3) n`)
  const nobody = '00000000-0000-4000-8000-000000000000'
  const [first, second, none, ...missing] = await runEach(
    'users list --email page --limit 2',
    'users list --email page --limit 2 --after page2@example.com --json',
    'users list --disabled --email page',
    'users disable nobody@example.com',
    `users sign-out ${nobody}`,
    'users enable nonsense',
    'users roles add page1@example.com pirate',
  )
  expect(first?.stdout.split('\n')).toHaveLength(4)
  expect(first?.stderr).toBe('There are more: --after page2@example.com\n')
  const { users: rest, next } = jsonOf(second)
  expect([rest.map(({ email }: { email: string }) => email), next]).toEqual([['page3@example.com'], null])
  expect(none?.stdout).toBe('There is no such user.\n')
  expect(missing.map(({ code, stderr }) => [code, stderr])).toEqual([
    [1, 'There is no user "nobody@example.com".\n'],
    [1, `There is no user "${nobody}".\n`],
    [1, 'There is no user "nonsense".\n'],
    [1, 'There is no role "pirate".\n'],
  ])
})

/** A name that begins with a dash would be taken for an option: one key of 64 could not be ended. */
test('keys that sign access tokens are listed, replaced and ended', patient, async () => {
  const [none, made, replaced, list] = await runEach('keys list', 'keys rotate --json', 'keys rotate', 'keys list --json')
  expect(none?.stdout).toBe('There is no key yet: the first sign-in for tokens makes one.\n')
  const first = jsonOf(made)
  expect(first).toEqual({
    kid: expect.stringMatching(/^[\da-f]{16}$/),
    algorithm: 'EdDSA',
    created_at: expect.any(String),
    signs: true,
    ends_at: null,
  })
  expect(replaced?.stdout).toMatch(/^Made the key [\w-]{16}, which signs in a few seconds\./)
  expect(jsonOf(list)).toMatchObject([{ ends_at: null }, { kid: first.kid, ends_at: expect.any(String) }])
  const [ended, left, again] = await runEach(`keys end ${first.kid}`, 'keys list', `keys end ${first.kid}`)
  expect(ended?.stdout).toContain(`Ended the key ${first.kid}`)
  expect(left?.stdout).not.toContain(first.kid)
  expect(await audited('key')).toEqual([
    { action: 'signing_key.ended', command: 'keys end', entries: 1 },
    { action: 'signing_key.replaced', command: 'keys rotate', entries: 2 },
  ])
  expect(again).toMatchObject({ code: 1, stderr: `There is no key "${first.kid}".\n` })
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
  const asked = `can ${user} list notes --why`
  const [named, usual, foreign, asIf] = await runEach(
    `${asked} --tenant ${own}`,
    asked,
    `${asked} --tenant ${other}`,
    `${asked} --tenant ${other} --as-member`,
  )
  expect([named?.stdout, usual?.stdout]).toEqual(Array(2).fill(expect.stringContaining(`tenant     ${own}\n`)))
  expect(foreign).toMatchObject({ code: 1, stderr: `User ${user} does not belong to the tenant ${other}. Ask as if: --as-member\n` })
  expect(asIf?.stdout).toContain(`tenant     ${other}\n`)
})

test('an application without users is told to say who signs in', patient, async () => {
  const bare = temporaryApp(
    {
      'api/app.ts': `import { defineApp } from 'plinth'\nexport default defineApp({ name: 'bare', models: {}, resources: [] })\n`,
      'package.json': '{"type":"module"}',
    },
    { from: 'nothing' },
  )
  const said = await plinths(
    [
      ['users', 'list'],
      ['keys', 'list'],
    ],
    { cwd: bare.root, env: env() },
  )
  const refused = { code: 2, stderr: expect.stringContaining('Nobody signs in to this application') }
  expect(said).toMatchObject([refused, refused])
  bare.remove()
})

import { index, integer, pgPolicy, pgSchema, pgTable, serial, text, uuid } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import type { Client } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, editFile, scratchFolder, scratchUrl } from '../../../test/support/migrations.ts'
import { startPostgres } from '../../../test/support/postgres-server.ts'
import { testDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { dumpSchema } from '../introspect/pull.ts'
import { check, drift } from './check.ts'
import { readMigrations } from './folder.ts'
import { emptyMigration, planMigration, type PlanOptions, writeMigration } from './plan.ts'
import { parseRename } from './renames.ts'
import { reset } from './reset.ts'
import { pgliteShadow, serverShadow } from './shadow.ts'
import { noTracking, type Tracking } from './tracking.ts'
import { downgrade, upgrade } from './upgrade.ts'

const notes = pgTable('notes', { id: serial().primaryKey(), org: integer().notNull(), body: text().notNull() })
const shop = pgSchema('shop')
const orders = shop.table('orders', { id: serial().primaryKey(), owner: uuid().notNull() })
const models = { notes, orders }

function walls(walled: Record<string, string>): Tracking {
  return { ...noTracking, walled }
}

const both = walls({ 'public.notes': 'org', 'shop.orders': 'owner' })

async function migrate(directory: string, options: Omit<PlanOptions, 'directory'>): Promise<readonly string[]> {
  const planned = await planMigration({ directory, shadow: serverShadow(testDatabase().url), ...options })
  if (planned.kind !== 'migration') throw new Error(`Planned ${JSON.stringify(planned)}`)
  await writeMigration(directory, 'step', planned)
  return planned.parts.flatMap(({ up }) => up)
}

/** Tables behind a wall, as `notes forced PERMISSIVE: …`. */
async function wallsOf(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ wall: string }>(`
    SELECT concat_ws(' ', c.oid::regclass, CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN 'forced' END,
      CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, pg_get_expr(p.polqual, c.oid)) AS wall
    FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'plinth_tenant' ORDER BY 1`)
  return rows.map(({ wall }) => wall.replaceAll(/\s+/g, ' '))
}

async function secured(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE relrowsecurity OR relforcerowsecurity ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

const held = (column: string): string =>
  `( CASE ( SELECT plinth.tenant() AS tenant) WHEN '*'::text THEN true WHEN (${column})::text THEN true ELSE NULL::boolean END IS NOT NULL)`

describe.each(testDatabases())('on $name', ({ url: server }) => {
  test('a wall comes with a migration, goes with its way down, and comes again', { timeout: 60_000 }, async () => {
    const url = await scratchUrl(server)
    const client = await connect(url)
    const directory = await scratchFolder()
    await migrate(directory, { models })
    await migrate(directory, { models, tracking: both })
    await upgrade(client, directory)
    expect(await wallsOf(client)).toEqual([`notes forced restrictive ${held('org')}`, `shop.orders forced restrictive ${held('owner')}`])
    const { rows } = await client.query(
      `SELECT has_table_privilege(app, 'shop.orders', 'INSERT') AS may, has_table_privilege(app, 'shop.orders', 'TRUNCATE') AS truncates,
        has_sequence_privilege(app, 'shop.orders_id_seq', 'USAGE') AS counts, has_table_privilege(app, 'plinth_migrations', 'INSERT') AS forges
        FROM plinth.app_role() app`,
    )
    expect(rows).toEqual([{ may: true, truncates: false, counts: true, forges: false }])
    await downgrade(client, directory)
    expect(await secured(client)).toEqual([])
    await upgrade(client, directory)
    expect(await secured(client)).toEqual(['notes', 'shop.orders'])
    expect(await drift(client, directory, serverShadow(url))).toEqual({ kind: 'compared', differences: [] })
    await client.query(`DROP POLICY plinth_tenant ON notes; ALTER TABLE shop.orders NO FORCE ROW LEVEL SECURITY`)
    expect(await drift(client, directory, serverShadow(url))).toMatchObject({
      differences: [
        expect.stringContaining('policy public.notes.plinth_tenant is missing'),
        'table shop.orders is ROW LEVEL SECURITY, expected ROW LEVEL SECURITY FORCED',
      ],
    })
    await reset(client, directory, { isProduction: false })
    expect(await secured(client)).toEqual(['notes', 'shop.orders'])
  })

  test('what comes later, also by hand, is open to the application after an upgrade, and views read with its rights', async () => {
    const client = await connect(await scratchUrl(server))
    const directory = await scratchFolder()
    await migrate(directory, { models, tracking: both })
    await upgrade(client, directory)
    await client.query(`CREATE VIEW bodies AS SELECT body FROM notes; CREATE VIEW long_bodies AS SELECT body FROM bodies WHERE body > 'a';
      CREATE TABLE things (id serial PRIMARY KEY); INSERT INTO notes (org, body) VALUES (1, 'one'), (2, 'two')`)
    await upgrade(client, directory)
    await client.query('ANALYZE')
    await actAs(client, '2')
    expect((await client.query('SELECT body FROM long_bodies')).rows).toEqual([{ body: 'two' }])
    await client.query('INSERT INTO things DEFAULT VALUES')
    await expect(client.query('TRUNCATE notes')).rejects.toThrow('permission denied')
    await client.query('RESET ROLE; RESET plinth.tenant')
    const before = await client.query(`SELECT oid, xmin FROM pg_class WHERE relname IN ('notes', 'bodies', 'things') ORDER BY oid`)
    await upgrade(client, directory)
    const after = await client.query(`SELECT oid, xmin FROM pg_class WHERE relname IN ('notes', 'bodies', 'things') ORDER BY oid`)
    expect(after.rows).toEqual(before.rows)
  })
})

test('what is in other schemas, or belongs to others, stays closed, whoever migrates', async () => {
  const client = await connect(await scratchUrl(testDatabase().url))
  const other = `other_${Math.random().toString(36).slice(2)}`
  await client.query(`CREATE ROLE ${other}; CREATE SCHEMA vault; CREATE TABLE vault.secrets (word text); GRANT CREATE ON SCHEMA public TO ${other};
    SET ROLE ${other}; CREATE TABLE public.foreign_rows (word text); RESET ROLE`)
  const directory = await scratchFolder()
  await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
  await upgrade(client, directory)
  await client.query(`CREATE TABLE vault.later (word text); SET ROLE ${other}; CREATE TABLE public.later_rows (word text); RESET ROLE`)
  await upgrade(client, directory)
  await actAs(client, '*')
  await client.query('INSERT INTO notes (org, body) VALUES (1, $1)', ['open'])
  for (const table of ['vault.secrets', 'vault.later', 'foreign_rows', 'later_rows'])
    await expect(client.query(`SELECT FROM ${table}`), table).rejects.toThrow('permission denied')
  await client.query(`RESET ROLE; DROP OWNED BY ${other}; DROP ROLE ${other}`)
})

test('tables that the models name are opened, whoever owns them, and views of others that the application may not read are left to them', async () => {
  const client = await connect(await scratchUrl(testDatabase().url))
  const [other, reader] = ['other', 'reader'].map((name) => `${name}_${Math.random().toString(36).slice(2)}`)
  const directory = await scratchFolder()
  await migrate(directory, { models, tracking: walls({ 'public.notes': 'org' }) })
  await upgrade(client, directory)
  await client.query(`CREATE ROLE ${other} BYPASSRLS; CREATE ROLE ${reader}; ALTER TABLE shop.orders OWNER TO ${other}; GRANT SELECT ON notes TO ${other};
    DO $$ BEGIN EXECUTE format('REVOKE ALL ON shop.orders, shop.orders_id_seq FROM %I', plinth.app_role()); END $$;
    CREATE SCHEMA reports AUTHORIZATION ${other}; SET ROLE ${other}; CREATE VIEW reports.bodies AS SELECT body FROM public.notes;
    GRANT USAGE ON SCHEMA reports TO ${reader}; GRANT SELECT ON reports.bodies TO ${reader}; RESET ROLE`)
  await upgrade(client, directory)
  await client.query(`SET ROLE ${reader}`)
  expect((await client.query('SELECT body FROM reports.bodies')).rows).toEqual([])
  await client.query('RESET ROLE')
  await actAs(client, '*')
  expect(await client.query('INSERT INTO shop.orders (owner) VALUES (gen_random_uuid())')).toMatchObject({ rowCount: 1 })
  await client.query(`RESET ROLE; DROP OWNED BY ${other}, ${reader} CASCADE; DROP ROLE ${other}, ${reader}`)
})

test('a view reads with the rights of who asks from the transaction that makes it, replaces it or takes it back', async () => {
  const client = await connect(await scratchUrl(testDatabase().url))
  const directory = await scratchFolder()
  await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
  const files = [
    ['CREATE VIEW bodies AS SELECT body FROM notes', 'DROP VIEW bodies'],
    ['CREATE OR REPLACE VIEW bodies AS SELECT body, id FROM notes', 'DROP VIEW bodies; CREATE VIEW bodies AS SELECT body FROM notes'],
    ['SELECT 1 / 0', 'SELECT 1'],
  ]
  for (const [i, [up = '', down = '']] of files.entries()) {
    await writeMigration(directory, 'view', await emptyMigration(directory))
    await editFile(directory, `000${i + 2}_view/up.sql`, `${up};`)
    await editFile(directory, `000${i + 2}_view/down.sql`, `${down};`)
  }
  const seen = async (): Promise<unknown[]> => {
    await actAs(client, '1')
    const { rows } = await client.query<{ body: string }>('SELECT body FROM bodies')
    await client.query('RESET ROLE; RESET plinth.tenant')
    return rows.map(({ body }) => body)
  }
  await upgrade(client, directory, { steps: 1 })
  await client.query(`INSERT INTO notes (org, body) VALUES (1, 'one'), (2, 'two')`)
  await upgrade(client, directory, { steps: 1 })
  expect(await seen()).toEqual(['one'])
  await expect(upgrade(client, directory)).rejects.toMatchObject({ code: 'MIGRATE_STATEMENT_FAILED' })
  expect(await seen()).toEqual(['one'])
  await downgrade(client, directory)
  expect(await seen()).toEqual(['one'])
})

test('the file says what it does, and check says so, too', { timeout: 60_000 }, async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models })
  expect(await check(models, directory, walls({ 'public.notes': 'org' }))).toEqual(['table "notes" gets a wall between tenants'])
  const up = await migrate(directory, { models, tracking: walls({ 'public.notes': 'org' }), shadow: pgliteShadow })
  const rule = `CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN "org"::text THEN true END IS NOT NULL`
  expect(up).toEqual([
    'ALTER TABLE "notes" ENABLE ROW LEVEL SECURITY;',
    'ALTER TABLE "notes" FORCE ROW LEVEL SECURITY;',
    'DROP POLICY IF EXISTS "plinth_tenant" ON "notes";',
    `CREATE POLICY "plinth_tenant" ON "notes" AS RESTRICTIVE USING (${rule}) WITH CHECK (${rule});`,
    'DROP POLICY IF EXISTS "plinth_open" ON "notes";',
    `SELECT plinth.open_rows('"notes"');`,
  ])
  const notices = (await readMigrations(directory)).map((it) => it.up.includes('-- NOTE: the first wall between tenants: '))
  expect(notices).toEqual([false, true])
  expect(await check(models, directory)).toEqual(['table "notes" no longer has a wall between tenants'])
  expect((await readMigrations(directory)).at(-1)?.snapshot.plinth).toEqual({ ...noTracking, walled: { 'public.notes': 'org' } })
})

test(
  'renamed, a table and its column keep their wall; of another type or in another column it is put up anew',
  { timeout: 60_000 },
  async () => {
    const client = await connect(await scratchUrl(testDatabase().url))
    const directory = await scratchFolder()
    await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
    const letters = pgTable('letters', { id: serial().primaryKey(), house: integer().notNull(), body: text().notNull() })
    const renames = [parseRename('notes:letters', 'table'), parseRename('letters.org:house', 'column')].filter((it) => it !== undefined)
    const renamed = await migrate(directory, { models: { letters }, tracking: walls({ 'public.letters': 'house' }), renames })
    expect(renamed.filter((it) => /POLICY|SECURITY/.test(it))).toEqual([])
    const longer = pgTable('letters', { id: serial().primaryKey(), house: text().notNull(), body: text().notNull() })
    await migrate(directory, { models: { longer }, tracking: walls({ 'public.letters': 'house' }), acceptLoss: ['letters.house'] })
    const other = pgTable('letters', { id: serial().primaryKey(), town: uuid().notNull(), body: text().notNull() }, (it) => [
      index('by_town').on(it.town),
    ])
    await migrate(directory, {
      models: { other },
      tracking: walls({ 'public.letters': 'town' }),
      noRename: true,
      acceptLoss: ['letters.house'],
    })
    await migrate(directory, { models: {}, acceptLoss: ['letters'] })
    await upgrade(client, directory, { steps: 4 })
    expect(await wallsOf(client)).toEqual([`letters forced restrictive ${held('town')}`])
    await upgrade(client, directory)
    await downgrade(client, directory, { steps: 4 })
    expect(await wallsOf(client)).toEqual([`notes forced restrictive ${held('org')}`])
  },
)

test('beside policies of the models it restricts, and leaves them what they need', { timeout: 60_000 }, async () => {
  const client = await connect(await scratchUrl(testDatabase().url))
  const directory = await scratchFolder()
  const open = pgTable('notes', { id: serial().primaryKey(), org: integer().notNull() }, () => [pgPolicy('all', { using: sql`true` })])
  const secret = pgTable.withRLS('secrets', { id: serial().primaryKey(), org: integer().notNull() })
  await migrate(directory, { models: { open, secret } })
  await migrate(directory, { models: { open, secret }, tracking: walls({ 'public.notes': 'org', 'public.secrets': 'org' }) })
  await upgrade(client, directory)
  await client.query('INSERT INTO notes (org) VALUES (1), (2)')
  await actAs(client, '1')
  expect((await client.query('SELECT org FROM notes')).rows).toEqual([{ org: 1 }])
  await client.query('RESET ROLE')
  expect((await client.query(`SELECT polname FROM pg_policy WHERE polrelid = 'notes'::regclass ORDER BY 1`)).rows).toEqual([
    { polname: 'all' },
    { polname: 'plinth_tenant' },
  ])
  await downgrade(client, directory)
  expect(await secured(client)).toEqual(['notes', 'secrets'])
})

test('policies made by hand before it go on holding whom they held, and still do when it is gone', async () => {
  const client = await connect(await scratchUrl(testDatabase().url))
  const directory = await scratchFolder()
  const reader = `reader_${Math.random().toString(36).slice(2)}`
  await migrate(directory, { models })
  await upgrade(client, directory)
  await client.query(`CREATE ROLE ${reader}; GRANT SELECT ON notes, shop.orders TO ${reader}; GRANT USAGE ON SCHEMA shop, plinth TO ${reader};
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
    CREATE POLICY ours ON notes USING (body <> 'secret'); CREATE POLICY theirs ON shop.orders TO ${reader} USING (false)`)
  await migrate(directory, { models, tracking: both })
  await upgrade(client, directory)
  await client.query(
    `INSERT INTO notes (org, body) VALUES (1, 'one'), (1, 'secret'), (2, 'two'); INSERT INTO shop.orders (owner) VALUES (gen_random_uuid())`,
  )
  const seen = async (): Promise<unknown[]> =>
    (await client.query<{ body: string }>('SELECT body FROM notes UNION ALL SELECT $1 FROM shop.orders', ['an order'])).rows.map(
      ({ body }) => body,
    )
  await actAs(client, '1')
  expect(await seen()).toEqual(['one'])
  await actAs(client, '*')
  expect(await seen()).toEqual(['one', 'two', 'an order'])
  await client.query(`SET ROLE ${reader}`)
  expect(await seen()).toEqual(['one', 'two'])
  await client.query('RESET ROLE')
  await downgrade(client, directory)
  expect(await secured(client)).toEqual(['notes', 'shop.orders'])
  await client.query(`SET ROLE ${reader}`)
  expect(await seen()).toEqual(['one', 'two'])
  await client.query(`RESET ROLE; DROP OWNED BY ${reader}; DROP ROLE ${reader}`)
})

test('a policy that somebody adds by hand opens nothing past it', async () => {
  const client = await connect(await scratchUrl(testDatabase().url))
  const directory = await scratchFolder()
  await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
  await upgrade(client, directory)
  await client.query(
    `CREATE POLICY mine ON notes USING (true) WITH CHECK (true); INSERT INTO notes (org, body) VALUES (1, 'one'), (2, 'two')`,
  )
  await actAs(client, '1')
  expect((await client.query('UPDATE notes SET body = body RETURNING org')).rows).toEqual([{ org: 1 }])
  await expect(client.query(`INSERT INTO notes (org, body) VALUES (2, 'x')`)).rejects.toThrow('row-level security')
})

test('a pulled database with walls can be made anew, and walled again', { timeout: 60_000 }, async () => {
  const client = await connect(await scratchUrl(testDatabase().url))
  const directory = await scratchFolder()
  await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
  await upgrade(client, directory)
  const { up } = await dumpSchema(client)
  expect(up.join('\n')).toContain('plinth_tenant')
  const again = await connect(await scratchUrl(testDatabase().url))
  await upgrade(again, await scratchFolder())
  for (const statement of up) await again.query(statement)
  const wall = (await readMigrations(directory))[0]?.up.split('\n').filter((line) => /SECURITY|POLICY|open_rows/.test(line)) ?? []
  for (const statement of wall) await again.query(statement)
  expect(await wallsOf(again)).toEqual(await wallsOf(client))
})

/** As the application acts in a tenant. */
async function actAs(client: Client, tenant: string): Promise<void> {
  await client.query(`SELECT set_config('role', plinth.app_role(), false), set_config('plinth.tenant', $1, false)`, [tenant])
}

function asOwner(server: string, name: string, user = 'owner'): string {
  const url = new URL(server)
  url.username = user
  url.pathname = `/${name}`
  return url.href
}

test('migrations written by hand reach every row, also as an owner whom the wall holds', { timeout: 60_000 }, async () => {
  const server = await startPostgres(testDatabase().binaries)
  onTestFinished(() => server.stop())
  const admin = await connect(server.url)
  await admin.query(`CREATE ROLE owner LOGIN CREATEROLE`)
  const names = ['one', 'two', 'three', 'four']
  for (const name of names) await admin.query(`CREATE DATABASE ${name} OWNER owner`)
  const directory = await scratchFolder()
  await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
  await writeMigration(directory, 'fill', await emptyMigration(directory))
  await editFile(directory, '0002_fill/up.sql', `INSERT INTO notes (org, body) VALUES (7, 'x'); UPDATE notes SET body = 'changed';`)
  const clients = await Promise.all(names.map((name) => connect(asOwner(server.url, name))))
  const applied = await Promise.all(clients.map((client) => upgrade(client, directory)))
  expect(applied).toEqual(names.map(() => ['0001_step', '0002_fill']))
  const { rows } = await admin.query(
    `SELECT rolsuper OR rolbypassrls OR rolcanlogin AS strong FROM pg_roles WHERE rolname ~ '^plinth_app_'`,
  )
  expect(rows).toEqual(names.map(() => ({ strong: false })))
  const owner = await connect(asOwner(server.url, 'one'))
  expect((await owner.query('SELECT body FROM notes')).rows).toEqual([])
  const withoutTenants = await connect(`${asOwner(server.url, 'one')}?options=-c%20plinth.tenant%3D*`) // as a note in the migration says
  expect((await withoutTenants.query('UPDATE notes SET org = org RETURNING body')).rows).toEqual([{ body: 'changed' }])
  await owner.query(`SET plinth.tenant = '7'`)
  expect((await owner.query('SELECT body FROM notes')).rows).toEqual([{ body: 'changed' }])
})

test('an upgrade of a user who may not make the role says what somebody else has to run', { timeout: 60_000 }, async () => {
  const server = await startPostgres(testDatabase().binaries)
  onTestFinished(() => server.stop())
  const admin = await connect(server.url)
  await admin.query('CREATE ROLE owner LOGIN')
  await admin.query('CREATE DATABASE one OWNER owner')
  const directory = await scratchFolder()
  await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
  const { rows } = await admin.query<{ role: string }>(`SELECT 'plinth_app_' || oid AS role FROM pg_database WHERE datname = 'one'`)
  const role = rows[0]?.role ?? ''
  const making = `CREATE ROLE ${role} NOLOGIN; GRANT ${role} TO owner;`
  const remedy = `Somebody who may has to run this once: ${making}`
  const owner = await connect(asOwner(server.url, 'one'))
  await expect(upgrade(owner, directory)).rejects.toMatchObject({ code: 'MIGRATE_APP_ROLE_REFUSED', hint: remedy })
  await admin.query(making)
  expect(await upgrade(owner, directory)).toEqual(['0001_step'])
  await admin.query(`REVOKE ${role} FROM owner`)
  await expect(upgrade(owner, directory)).rejects.toMatchObject({ code: 'MIGRATE_APP_ROLE_REFUSED', hint: remedy })
  await admin.query(`GRANT ${role} TO owner`)
  const dba = await connect(new URL('/one', server.url).href)
  await dba.query(`ALTER TABLE notes OWNER TO CURRENT_USER; REVOKE ALL ON notes, notes_id_seq FROM ${role}`)
  const grants = `GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.notes TO ${role}; GRANT USAGE, SELECT, UPDATE ON SEQUENCE public.notes_id_seq TO ${role};`
  await expect(upgrade(owner, directory)).rejects.toMatchObject({
    code: 'MIGRATE_APP_ROLE_REFUSED',
    message: expect.stringContaining('belongs to others: notes, notes_id_seq.'),
    hint: `Its owner has to run this once: ${grants}`,
  })
  await dba.query(grants)
  expect(await upgrade(owner, directory)).toEqual([])
})

describe.each(testDatabases())('two databases of one server, on $name', ({ binaries }) => {
  test('are open to their own application alone, also where one is a copy of the other', { timeout: 60_000 }, async () => {
    const server = await startPostgres(binaries)
    onTestFinished(() => server.stop())
    const admin = await connect(server.url)
    const directory = await scratchFolder()
    await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
    const users = ['ann', 'bob']
    for (const user of users) {
      await admin.query(`CREATE ROLE ${user} LOGIN CREATEROLE`)
      await admin.query(`CREATE DATABASE of_${user} OWNER ${user}`)
      const owner = await connect(asOwner(server.url, `of_${user}`, user))
      await owner.query('CREATE TABLE secrets (word text)')
      await upgrade(owner, directory)
      await owner.query(`SET plinth.tenant = '*'; INSERT INTO notes (org, body) VALUES (1, 'x'); INSERT INTO secrets VALUES ('y')`)
      await owner.end()
    }
    await admin.query('CREATE DATABASE copied TEMPLATE of_bob OWNER ann')
    const copier = await connect(new URL('/copied', server.url).href)
    await copier.query('REASSIGN OWNED BY bob TO ann')
    await upgrade(await connect(asOwner(server.url, 'copied', 'ann')), directory)
    await admin.query('ALTER ROLE ann NOCREATEROLE; ALTER ROLE bob NOCREATEROLE')
    const strangers = { of_bob: 'ann', of_ann: 'bob', copied: 'bob' }
    for (const [name, user] of Object.entries(strangers)) {
      const stranger = await connect(asOwner(server.url, name, user))
      await expect(stranger.query(`SELECT set_config('role', plinth.app_role(), false)`)).rejects.toThrow('permission denied')
      await stranger.query(`SET plinth.tenant = '*'`)
      const roles = (
        await stranger.query<{ role: string }>(
          `SELECT rolname AS role FROM pg_roles WHERE rolname ~ '^plinth_app_' AND pg_has_role(oid, 'MEMBER')`,
        )
      ).rows
      for (const { role } of [{ role: user }, ...roles]) {
        await stranger.query(`SET ROLE ${role}`)
        for (const table of ['notes', 'secrets', 'plinth.sessions']) {
          for (const sql of [`SELECT FROM ${table}`, `DELETE FROM ${table}`])
            await expect(stranger.query(sql), `${name} ${role} ${sql}`).rejects.toThrow('permission denied')
        }
        await stranger.query('RESET ROLE')
      }
    }
    const own = await connect(asOwner(server.url, 'copied', 'ann'))
    await actAs(own, '1')
    expect((await own.query('SELECT body FROM notes')).rows).toEqual([{ body: 'x' }])
  })
})

test('functions are marked leakproof, so that indexes serve behind walls, unless the database says not to', async () => {
  const directory = await scratchFolder()
  await migrate(directory, { models: { notes }, tracking: walls({ 'public.notes': 'org' }) })
  const marked = async (setting?: string): Promise<unknown> => {
    const url = await scratchUrl(testDatabase().url)
    const first = await connect(url)
    if (setting !== undefined) await first.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET plinth.leakproof = ${setting}`)
    const client = await connect(url)
    await upgrade(client, directory)
    const { rows } = await client.query<{ marked: boolean }>(
      `SELECT proleakproof AS marked FROM pg_proc WHERE oid = 'texticlike(text, text)'::regprocedure`,
    )
    return rows[0]?.marked
  }
  expect([await marked(), await marked('off')]).toEqual([true, false])
})

import { anyone, createApp, defineApp, defineResource, readConfig } from 'plinth'
import { integer, pgTable, serial, text } from 'plinth/db'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { scratchFolder } from '../../test/support/migrations.ts'
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import { prepareDatabase } from '../cli/prepare-database.ts'
import { planMigration, writeMigration } from '../db/migrate/plan.ts'
import { runOn } from '../db/scratch-database.ts'
import type { App } from './create.ts'
import { schemaOf } from './models.ts'
import { trackingOf } from './tracking.ts'

const notes = pgTable('notes', { id: serial().primaryKey(), organization_id: integer().notNull(), body: text().notNull() })
const definition = defineApp({
  name: 'walled',
  resources: [defineResource(notes, { tenant: 'organization_id', access: { read: anyone, write: anyone } })],
  seed: async (app) => void (await app.resource('notes').create({ organization_id: 7, body: 'first' })),
})

/** A server of its own: its roles are those of no other test. */
let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres(testDatabase().binaries)
  await runOn(server.url, ['CREATE ROLE owner LOGIN CREATEROLE', 'CREATE DATABASE walled OWNER owner'])
})
afterAll(() => server.destroy())

/** With a folder in which its migrations lie. */
async function open(port = new URL(server.url).port, env: Record<string, string> = {}): Promise<{ app: App; root: string; url: string }> {
  const url = new URL(server.url)
  url.port = port
  url.username = 'owner'
  url.pathname = '/walled'
  const root = await scratchFolder()
  const app = await createApp(
    definition,
    readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'silent', DATABASE_URL: url.href, API_PORT: '0', ...env }, root),
  )
  onTestFinished(() => app.stop())
  return { app, root, url: url.href }
}

test('it starts when its role is there: migrations make it, who only serves is told to run them', { timeout: 60_000 }, async () => {
  const { app: early } = await open()
  await expect(early.start()).rejects.toMatchObject({ code: 'DB_NO_APP_ROLE', hint: expect.stringContaining('plinth db upgrade') })
  const { app, root, url } = await open()
  const plan = await planMigration({
    models: schemaOf(definition.options),
    tracking: trackingOf(definition),
    directory: `${root}/migrations`,
  })
  if (plan.kind !== 'migration') throw new Error('Nothing is to be done.')
  await writeMigration(`${root}/migrations`, 'notes', plan)
  await prepareDatabase(app, root)
  await app.start()
  expect(await app.db.query('SELECT current_user::text AS role, body FROM notes')).toEqual([
    { role: expect.stringMatching(/^plinth_app_\d+$/), body: 'first' },
  ])
  const owner = new Client({ connectionString: url })
  await owner.connect()
  expect((await owner.query('SELECT body FROM notes')).rows).toEqual([])
  await owner.end()
})

function warningsOf(app: App): unknown[] {
  const told: unknown[] = []
  app.log.warn = (...words: unknown[]) => void told.push(...words)
  return told
}

test('tables that have no wall yet are told in the log, and it starts', async () => {
  const database = new URL('/walled', server.url).href
  const wall = `CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN organization_id::text THEN true END IS NOT NULL`
  const spoilt: readonly (readonly [string, string])[] = [
    ['ALTER TABLE notes NO FORCE ROW LEVEL SECURITY', 'ALTER TABLE notes FORCE ROW LEVEL SECURITY'],
    [
      `DROP POLICY plinth_tenant ON notes; CREATE POLICY plinth_tenant ON notes USING (${wall})`,
      `DROP POLICY plinth_tenant ON notes; CREATE POLICY plinth_tenant ON notes AS RESTRICTIVE USING (${wall})`,
    ],
    ['ALTER POLICY plinth_tenant ON notes USING (true)', `ALTER POLICY plinth_tenant ON notes USING (${wall})`],
    ['ALTER POLICY plinth_tenant ON notes TO owner', 'ALTER POLICY plinth_tenant ON notes TO PUBLIC'],
  ]
  const warnings = async (): Promise<unknown[]> => {
    const { app } = await open()
    const told = warningsOf(app)
    await app.start()
    return told
  }
  for (const [spoil, mend] of spoilt) {
    await runOn(database, [spoil])
    expect(await warnings(), spoil).toEqual([{ tables: ['"notes"'] }, expect.stringContaining('plinth db upgrade')])
    await runOn(database, [mend])
  }
  expect(await warnings()).toEqual([])
})

test('a view by hand that reads with the rights of its owner is told as well, and so is what keeps it from looking', async () => {
  const database = new URL('/walled', server.url).href
  await runOn(database, ['CREATE VIEW "Bodies" AS SELECT body FROM notes', 'CREATE VIEW hidden AS SELECT body FROM notes'])
  const grant = (what: string) => `DO $$ BEGIN EXECUTE format('${what}', plinth.app_role()); END $$`
  await runOn(database, [grant('GRANT SELECT ON "Bodies" TO %I')])
  const { app } = await open()
  const told = warningsOf(app)
  await app.start()
  expect(told).toContainEqual({ tables: ['"Bodies"'] })
  expect((await app.inject('/health/details')).json().checks.tenants).toMatchObject({ ok: false, withoutWall: ['"Bodies"'] })
  await runOn(database, ['DROP VIEW "Bodies", hidden', 'REVOKE SELECT ON pg_policy FROM PUBLIC'])
  const { app: blind } = await open()
  const errors: unknown[] = []
  blind.log.error = (...words: unknown[]) => void errors.push(...words)
  await blind.start()
  await runOn(database, ['GRANT SELECT ON pg_policy TO PUBLIC'])
  expect(errors).toEqual([{ err: expect.objectContaining({ code: 'DB_NO_PRIVILEGE' }) }, expect.stringContaining('could not be found out')])
})

test(
  'a database that was away at the start is looked at when it is back; in production a missing wall makes unready',
  { timeout: 60_000 },
  async () => {
    const database = new URL('/walled', server.url).href
    await runOn(database, ['DROP POLICY plinth_open ON notes', 'DROP POLICY plinth_tenant ON notes'])
    const proxy = await startTcpProxy(Number(new URL(server.url).port))
    onTestFinished(() => proxy.close())
    await proxy.refuse()
    const { app } = await open(String(proxy.port), {
      APP_ENV: 'production',
      SECRET_KEY: 'uq8CmzT0b7kXeJw3Rn5VfYs1Lh9PgAd2',
      JWT_SECRET_KEY: 'Zt4Nk8Wq2Yv6Br0Mx3Hc7Jf1Ls5Gp9De',
      LOG_DIR: '',
      API_HOST: '127.0.0.1',
    })
    await app.start()
    const told = warningsOf(app) // the start sets the level of the log anew, and with it what warns
    await proxy.accept()
    await expect.poll(() => told, { timeout: 10_000 }).toContainEqual({ tables: ['"notes"'] })
    const ready = async (): Promise<unknown> => (await app.inject('/health/ready')).statusCode
    await expect.poll(ready, { timeout: 10_000 }).toBe(503)
    expect((await app.inject('/health/details')).json().checks.tenants).toMatchObject({
      ok: false,
      withoutWall: ['"notes"'],
      required: true,
    })
    const wall = `CASE (SELECT plinth.tenant()) WHEN '*' THEN true WHEN organization_id::text THEN true END IS NOT NULL`
    await runOn(database, [
      'CREATE POLICY plinth_open ON notes USING (true)',
      `CREATE POLICY plinth_tenant ON notes AS RESTRICTIVE USING (${wall})`,
    ])
    await expect.poll(ready, { timeout: 10_000 }).toBe(200)
  },
)

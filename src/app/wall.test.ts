import { anyone, createApp, defineApp, defineResource, readConfig } from 'plinth'
import { integer, pgTable, serial, text } from 'plinth/db'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { scratchFolder } from '../../test/support/migrations.ts'
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.ts'
import { testDatabase } from '../../test/support/postgres.ts'
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
async function open(): Promise<{ app: App; root: string; url: string }> {
  const url = new URL(server.url)
  url.username = 'owner'
  url.pathname = '/walled'
  const root = await scratchFolder()
  const app = await createApp(
    definition,
    readConfig({ APP_ENV: 'testing', LOG_LEVEL: 'silent', DATABASE_URL: url.href, API_PORT: '0' }, root),
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
    const told: unknown[] = []
    app.log.warn = (...words: unknown[]) => void told.push(...words)
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

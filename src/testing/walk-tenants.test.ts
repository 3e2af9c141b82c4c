import { sql } from 'drizzle-orm'
import { defineApp, defineResource, member, nobody, signedIn, where, type Access } from 'plinth'
import { check, integer, pgTable, primaryKey, serial, text, uuid } from 'plinth/db'
import { userColumns } from 'plinth/auth'
import { expect, onTestFinished, test } from 'vitest'
import { blog } from '../../test/support/blog.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import { testApp, type TestApp } from './test-app.ts'
import { walkTenants } from './walk-tenants.ts'

const users = pgTable('users', { ...userColumns })
const clubs = pgTable('clubs', { id: serial().primaryKey(), name: text().notNull() })
const club_members = pgTable(
  'club_members',
  { user_id: uuid().references(() => users.id), club_id: integer().references(() => clubs.id) },
  (table) => [primaryKey({ columns: [table.user_id, table.club_id] })],
)
const games = pgTable(
  'games',
  {
    id: serial().primaryKey(),
    club_id: integer()
      .notNull()
      .references(() => clubs.id),
    result: text().notNull(),
    note: text().notNull(),
  },
  (table) => [check('result_is_known', sql`${table.result} in ('won', 'lost')`)],
)

async function clubApp(access: Access, more: object = { tenant: 'club_id' }): Promise<TestApp> {
  const definition = defineApp({
    name: 'clubs',
    models: { users, clubs, club_members, games },
    resources: [defineResource(games, { ...more, access }), defineResource(clubs, { access: { read: member('id') } })],
    auth: { users, tenants: { table: clubs, members: club_members } },
  })
  const app = await testApp(definition, { url: testDatabase().url })
  onTestFinished(() => app.close())
  return app
}

const values = { games: () => ({ result: 'won' }) }

test('an application without tenants has nothing to walk', async () => {
  const app = await testApp(blog(), { url: testDatabase().url })
  onTestFinished(() => app.close())
  await expect(walkTenants(app)).rejects.toThrow('There is nothing to walk: the application says no auth.tenants.')
})

test('rows that cannot be made up are said to be, and values make them', async () => {
  const missing = walkTenants(await clubApp({ read: signedIn, write: signedIn }))
  await expect(missing).rejects.toThrow(
    /^No row of "games" can be made up: .*result_is_known.* Give values: { games: \(\) => \({ … }\) }\.$/,
  )
  expect(await walkTenants(await clubApp({ read: signedIn, write: signedIn }), { values })).toEqual([])
})

test('a resource of which nobody sees a record is no resource without leaks', async () => {
  const app = await clubApp({ read: where(() => ({ result: 'lost' })), write: nobody })
  expect(await walkTenants(app, { values })).toEqual([
    'Nobody saw a record of "games" of their own tenant, so nothing of it was tried. Give values or roles that let somebody, or name it in except.',
  ])
})

test('a resource without its tenant is found, unless it is named as one that all share', async () => {
  expect((await walkTenants(await clubApp({ read: signedIn }, { tenant: false }), { values })).join('\n')).toContain('of the other tenant')
  expect(await walkTenants(await clubApp({ read: signedIn }, { tenant: false }), { values, except: ['games'] })).toEqual([])
})

// S9 of the guarantees: whatever a caller may not set is refused by name, in every way to write, and nothing is changed.

import { anyone, defineApp, defineResource, owner, role, signedIn } from 'plinth'
import { integer, pgTable, serial, softDelete, text, timestamps } from 'plinth/db'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApp, testApp } from '../../src/testing/test-app.ts'
import { actAs, header, user } from '../support/act-as.ts'
import { testDatabases } from '../support/postgres.ts'

const accounts = pgTable('accounts', {
  id: serial().primaryKey(),
  owner_id: integer(),
  name: text().notNull(),
  role: text().notNull().default('user'),
  is_admin: text(),
  tenant_id: integer(),
  token: text(),
  loud: text().generatedAlwaysAs(sql`upper(name)`),
  ...timestamps,
  ...softDelete,
})

const definition = defineApp({
  name: 'accounts',
  resources: [
    defineResource(accounts, {
      access: { read: anyone, create: signedIn, update: owner('owner_id'), fields: { role: { read: anyone, write: role('admin') } } },
      readOnly: ['tenant_id', 'is_admin'],
      hidden: ['token'],
    }),
  ],
})

/** What nobody but an administrator, code, or the database may set; and what is no column at all. */
const forbidden: readonly (readonly [field: string, value: unknown])[] = [
  ['id', 77],
  ['role', 'admin'],
  ['is_admin', 'true'],
  ['tenant_id', 9],
  ['token', 'stolen'],
  ['loud', 'X'],
  ['created_at', '2000-01-01T00:00:00Z'],
  ['updated_at', '2000-01-01T00:00:00Z'],
  ['deleted_at', null],
  ['owner', { id: 1 }],
  ['__proto__x', 1],
  ['constructor', 1],
]

describe.each(testDatabases())('mass assignment on $name', ({ url }) => {
  let app: TestApp
  beforeAll(async () => {
    app = await testApp(definition, { url })
    actAs(app.app, { ada: user(1), admin: user(1, { roles: ['admin'] }) })
    await app.app.db.query(`insert into accounts (owner_id, name) values (1, 'Ada')`)
  })
  afterAll(() => app.close())

  const print = async () => (await app.app.db.query(`select md5(string_agg(a::text, ',' order by id)) print from accounts a`))[0]

  test.each(forbidden)('%s is refused by name, and nothing is changed', async (field, value) => {
    const before = await print()
    const as = { [header]: 'ada' }
    const values = { name: 'x', owner_id: 1, [field]: value }
    for (const reply of [
      await app.post('/api/accounts', values, as),
      await app.post('/api/accounts', [{ name: 'y' }, values], as),
      await app.put('/api/accounts/1', values, as),
      await app.patch('/api/accounts/1', { [field]: value }, as),
      ...(field === 'id' ? [] : [await app.patch('/api/accounts', [{ id: 1, name: 'z', [field]: value }], as)]),
    ]) {
      expect(reply.status, reply.text).toBe(400)
      expect(reply.body.details.map((detail: { field: string }) => detail.field)).toEqual([field])
    }
    expect(await print()).toEqual(before)
  })

  test('what a caller may set is set: by anybody who may, and by an administrator alone', async () => {
    expect((await app.patch('/api/accounts/1', { name: 'Ada L.' }, { [header]: 'ada' })).body.data).toMatchObject({
      name: 'Ada L.',
      loud: 'ADA L.',
    })
    expect((await app.patch('/api/accounts/1', { role: 'chief' }, { [header]: 'admin' })).body.data).toMatchObject({ role: 'chief' })
  })
})

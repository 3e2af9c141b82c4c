// Resources of the tables that identity has: one of the users lets everybody change the own record, in which who signs in as whom is not; what
// those of roles change is in the audit.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { anyone, defineApp, defineResource, owner, signedIn } from 'plinth'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import { pgTable, text } from 'plinth/db'
import { type TestApp, testApp } from 'plinth/testing'
import { Browser, password } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'

const users = pgTable('users', { ...userColumns, display_name: text(), handle: text().unique() })
const user_roles = userRoles(users)
const hooked: string[] = []
const access = { read: signedIn, update: owner('id') }
const definition = defineApp({
  name: 'shop',
  models: { users, user_roles, roles, permissions, role_permissions },
  resources: [
    defineResource(users, { access }),
    defineResource(users, { name: 'staff', access: { read: anyone, update: owner('id') }, writable: ['email'] }),
    defineResource(user_roles, {
      access: { read: signedIn, write: signedIn },
      hooks: {
        afterWrite(row) {
          hooked.push(row.role_id)
        },
      },
    }),
    defineResource(role_permissions, { access: { read: signedIn, write: signedIn } }),
  ],
  auth: { users, userRoles: user_roles, signUpFields: ['handle'], roles: { editor: ['articles.write'], chief: [] } },
})

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition, { url: testDatabase().url })
})
afterAll(() => app.close())

async function somebody(email: string): Promise<{ readonly id: string; readonly browser: Browser }> {
  const id = (await app.app.auth?.accounts.create({ email, password })) ?? ''
  return { id, browser: await new Browser(app).enter(email) }
}

test.each([{ email: 'boss@example.com' }, { email_verified_at: '2020-01-01T00:00:00Z' }, { disabled_at: '2020-01-01T00:00:00Z' }])(
  'a user who may change the own record cannot write %j',
  async (values) => {
    const email = `${Object.keys(values)[0]}@example.com`
    const { id, browser } = await somebody(email)
    expect((await browser.send('PATCH', `/api/users/${id}`, { display_name: 'Ann' })).status).toBe(200)
    expect((await browser.send('PATCH', `/api/users/${id}`, values)).status).toBe(400)
    expect(await app.app.auth?.accounts.find(id)).toMatchObject({ email, disabled: false })
  },
)

test('a resource opens such a column by its name, and no other with it', async () => {
  const { id, browser } = await somebody('bob@example.com')
  expect((await browser.send('PATCH', `/api/staff/${id}`, { email: 'robert@example.com' })).status).toBe(200)
  expect((await browser.send('PATCH', `/api/staff/${id}`, { disabled_at: '2020-01-01T00:00:00Z' })).status).toBe(400)
})

test('a sign-up with a name that somebody else has is refused alike, whether its address has an account or not', async () => {
  await somebody('cleo@example.com')
  const signUp = (email: string, handle: string) => new Browser(app).send('POST', '/auth/sign-up', { email, password, handle })
  expect((await signUp('dora@example.com', 'taken')).status).toBe(202)
  const [known, unknown] = [await signUp('cleo@example.com', 'taken'), await signUp('eve@example.com', 'taken')]
  expect(known).toMatchObject({ status: 409, body: { code: 'DB_UNIQUE' } })
  expect({ ...known.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' })
  expect((await signUp('cleo@example.com', 'free')).status).toBe(202)
  expect((await signUp('eve@example.com', 'free')).status).toBe(202)
})

test('roles that are given and taken are in the audit once, by whom, from where and in which request, however it is done', async () => {
  const { db, auth, resource } = app.app
  const [boss, { id: user }] = [await somebody('gina@example.com'), await somebody('hugo@example.com')]
  const idOf = async (table: string) =>
    Object.fromEntries((await db.query<{ name: string; id: string }>(`SELECT name, id FROM ${table}`)).map(({ name, id }) => [name, id]))
  const { editor = '', chief = '' } = await idOf('roles')
  const key = (role_id: string) => ({ user_id: user, role_id })
  const { send } = boss.browser
  const asBoss = send.bind(boss.browser)
  expect((await asBoss('POST', '/api/user_roles', key(editor))).status).toBe(201)
  expect((await asBoss('POST', '/api/user_roles', [key(chief), key(editor)])).status).toBe(409)
  expect((await asBoss('POST', '/api/user_roles', [key(chief)])).status).toBe(201)
  expect((await asBoss('DELETE', `/api/user_roles/${user}/${editor}`)).status).toBe(204)
  await resource('user_roles')
    .as((await auth?.loadCaller(boss.id)) ?? expect.fail())
    .delete([user, chief])
  await auth?.accounts.grant(user, 'chief')
  const undone = db.transaction(() =>
    resource('user_roles')
      .create(key(editor))
      .then(() => Promise.reject(new Error('undone'))),
  )
  await expect(undone).rejects.toThrow('undone')
  const permission_id = (await idOf('permissions'))['articles.write']
  expect((await asBoss('DELETE', `/api/role_permissions/${editor}/${permission_id}`)).status).toBe(204)
  const rows = await db.query(
    `SELECT action, actor, subject, host(address) AS address, request_id IS NOT NULL AS asked, details FROM plinth.audit WHERE action ~ '^role' ORDER BY id`,
  )
  const there = { actor: boss.id, address: boss.browser.address, asked: true }
  const here = { address: null, asked: false }
  expect(rows).toEqual([
    { action: 'role.granted', subject: user, ...there, details: { role: 'editor' } },
    { action: 'role.granted', subject: user, ...there, details: { role: 'chief' } },
    { action: 'role.revoked', subject: user, ...there, details: { role: 'editor' } },
    { action: 'role.revoked', subject: user, ...here, actor: boss.id, details: { role: 'chief' } },
    { action: 'role.granted', subject: user, ...here, actor: null, details: { role: 'chief' } },
    {
      action: 'role.changed',
      subject: null,
      ...there,
      details: { table: 'role_permissions', operation: 'delete', record: { role_id: editor, permission_id } },
    },
  ])
  expect(hooked).toEqual([editor, chief, editor, chief, editor])
})

// A resource of the users, which lets everybody change the own record: who signs in as whom is not in it.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { anyone, defineApp, defineResource, owner, signedIn } from 'plinth'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import { pgTable, text } from 'plinth/db'
import { type TestApp, testApp } from 'plinth/testing'
import { Browser, password } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'

const users = pgTable('users', { ...userColumns, display_name: text() })
const user_roles = userRoles(users)
const access = { read: signedIn, update: owner('id') }
const definition = defineApp({
  name: 'shop',
  models: { users, user_roles, roles, permissions, role_permissions },
  resources: [
    defineResource(users, { access }),
    defineResource(users, { name: 'staff', access: { read: anyone, update: owner('id') }, writable: ['email'] }),
  ],
  auth: { users, userRoles: user_roles },
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

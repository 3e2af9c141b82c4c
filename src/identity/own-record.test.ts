// A resource of the users, which lets everybody change the own record: who signs in as whom is not in it.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { anyone, defineApp, defineResource, owner, signedIn } from 'plinth'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import { pgTable, text } from 'plinth/db'
import { type TestApp, testApp } from 'plinth/testing'
import { Browser, password } from '../../test/support/identity-app.ts'
import { testDatabase } from '../../test/support/postgres.ts'

const users = pgTable('users', { ...userColumns, display_name: text(), handle: text().unique() })
const user_roles = userRoles(users)
const access = { read: signedIn, update: owner('id') }
const definition = defineApp({
  name: 'shop',
  models: { users, user_roles, roles, permissions, role_permissions },
  resources: [
    defineResource(users, { access }),
    defineResource(users, { name: 'staff', access: { read: anyone, update: owner('id') }, writable: ['email'] }),
  ],
  auth: { users, userRoles: user_roles, signUpFields: ['handle'] },
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

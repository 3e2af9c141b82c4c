// From a sign-up to a note that two people share, through HTTP alone; and what somebody of another organization sees of it.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import definition from '../api/app.ts'
import { acceptInvitation, openInvitation, type Person, signUp } from './people.ts'

let app: TestApp
let ann: Person
let bob: Person
let carol: Person
let acme: string
let globex: string

beforeAll(async () => {
  app = await testApp(definition)
  ann = await signUp(app, 'ann@example.com')
  carol = await signUp(app, 'carol@example.com')
  acme = (await ann.post('/api/organizations', { name: 'Acme' })).body.data.id
  globex = (await carol.post('/api/organizations', { name: 'Globex' })).body.data.id
  await ann.post('/api/invitations', { email: 'bob@example.com' })
  bob = await acceptInvitation(app, 'bob@example.com')
})
afterAll(() => app.close())

const noted = async (who: Person, values: object): Promise<string> => (await who.post('/api/notes', values)).body.data.id
const titles = async (who: Person, query = ''): Promise<string[]> =>
  (await who.get(`/api/notes?sort=title${query}`)).body.data.map(({ title }: { title: string }) => title)

test('whoever makes an organization owns it, and who was invited is a member', async () => {
  const { body } = await ann.get('/api/members?include=user&sort=created_at')
  expect(body.data).toMatchObject([
    { organization_id: acme, role: 'owner', user: { email: 'ann@example.com' } },
    { organization_id: acme, role: 'member', user: { email: 'bob@example.com' } },
  ])
  expect((await bob.get('/auth/tenants')).body.data).toEqual([{ tenant: acme, name: 'Acme', current: true }])
})

test("a note is its author's alone until it is shared, and then the whole organization reads and changes it", async () => {
  const id = await noted(ann, { title: 'Plans', body: 'Secret.' })
  expect((await bob.get(`/api/notes/${id}`)).status).toBe(404)
  await ann.patch(`/api/notes/${id}`, { shared: true })
  expect((await bob.get(`/api/notes/${id}`)).body.data).toMatchObject({ title: 'Plans', author_id: ann.id, organization_id: acme })
  expect((await bob.patch(`/api/notes/${id}`, { body: 'Not so secret.' })).status).toBe(200)
  expect((await ann.get(`/api/notes/${id}`)).body.data.body).toBe('Not so secret.')
  // It stays Ann's: to be deleted by her, or by an owner.
  expect((await bob.delete(`/api/notes/${id}`)).status).toBe(403)
  expect((await ann.delete(`/api/notes/${id}`)).status).toBe(204)
})

test('notes have tags, and lead to them in both directions', async () => {
  const note_id = await noted(ann, { title: 'Order', shared: true })
  const tag_id = (await bob.post('/api/tags', { name: 'anvils' })).body.data.id
  expect((await bob.post('/api/note_tags', { note_id, tag_id })).status).toBe(201)
  expect((await ann.get(`/api/notes/${note_id}?include=tags`)).body.data.tags).toMatchObject([{ name: 'anvils' }])
  expect(await titles(ann, '&filter[tags.name]=anvils')).toEqual(['Order'])
  expect((await ann.get('/api/tags?include=notes')).body.data).toMatchObject([{ name: 'anvils', notes: [{ title: 'Order' }] }])
})

test('somebody of another organization sees nothing of it, and cannot name it', async () => {
  const id = await noted(ann, { title: 'Ours', shared: true })
  for (const path of ['/api/notes', '/api/tags', '/api/note_tags'])
    expect((await carol.get(`${path}?count=exact`)).body).toMatchObject({ data: [], meta: { total: 0 } })
  expect((await carol.get('/api/users')).body.data).toMatchObject([{ email: 'carol@example.com' }])
  expect((await carol.get('/api/organizations')).body.data).toMatchObject([{ name: 'Globex' }])
  for (const reply of [
    await carol.get(`/api/notes/${id}`),
    await carol.patch(`/api/notes/${id}`, { title: 'Mine' }),
    await carol.delete(`/api/notes/${id}`),
  ])
    expect(reply.status).toBe(404)
  expect(await carol.in(acme).get('/api/notes')).toMatchObject({ status: 403, body: { code: 'AUTH_NOT_A_MEMBER' } })
  const theirs = await carol.post('/api/notes', { title: 'Theirs', organization_id: acme })
  expect(theirs).toMatchObject({ status: 403, body: { error: expect.stringContaining('organization_id') } })
})

test('a tag of another organization is as one that there is not', async () => {
  const note_id = await noted(carol, { title: 'Globes', shared: true })
  const [tag] = (await ann.get('/api/tags')).body.data
  const tagged = async (tag_id: string) => {
    const { status, body } = await carol.post('/api/note_tags', { note_id, tag_id })
    return { status, body: JSON.parse(JSON.stringify(body).replaceAll(tag_id, '…')) }
  }
  const missing = await tagged('00000000-0000-4000-8000-000000000000')
  expect(missing.status).toBe(409)
  expect(await tagged(tag.id)).toEqual(missing)
})

test('two organizations have tags of the same name, one of them has it once', async () => {
  expect((await carol.post('/api/tags', { name: 'anvils' })).status).toBe(201)
  expect((await carol.post('/api/tags', { name: 'anvils' })).status).toBe(409)
})

test('owners invite, and nobody else', async () => {
  const email = 'dave@example.com'
  expect(await bob.post('/api/invitations', { email })).toMatchObject({ status: 403, body: { code: 'NOTES_NOT_AN_OWNER' } })
  expect((await app.post('/api/invitations', { email })).status).toBe(401)
  const erin = await signUp(app, 'erin@example.com')
  expect(await erin.post('/api/invitations', { email })).toMatchObject({ status: 403, body: { code: 'AUTH_TENANT_REQUIRED' } })
})

test('a program invites for an owner with the scope for it, and not with one for reading', async () => {
  const email = 'dave@example.com'
  const reader = await ann.program('members:read')
  expect((await reader.get('/api/members')).status).toBe(200)
  expect(await reader.post('/api/invitations', { email })).toMatchObject({ status: 403, body: { code: 'AUTH_FORBIDDEN' } })
  const writer = await ann.program('members:read', 'members:write')
  expect((await writer.post('/api/invitations', { email })).status).toBe(202)
})

test('a user of two organizations says which one is meant', async () => {
  await carol.post('/api/invitations', { email: 'bob@example.com' })
  await acceptInvitation(app, 'bob@example.com')
  // Known within a second.
  await expect.poll(async () => (await bob.get('/api/notes')).body.code).toBe('AUTH_TENANT_REQUIRED')
  expect(await titles(bob.in(globex))).toEqual(['Globes'])
  expect(await titles(bob.in(acme))).toEqual(['Order', 'Ours'])
  await bob.put('/auth/tenant', { tenant: globex })
  expect(await titles(bob)).toEqual(['Globes'])
})

test('an owner who is put out does not come back by an invitation of his own', async () => {
  const membership = `/api/members/${globex}/${bob.id}`
  expect((await carol.patch(membership, { role: 'owner' })).status).toBe(200)
  expect((await bob.in(globex).post('/api/invitations', { email: bob.email })).status).toBe(202)
  expect((await carol.delete(membership)).status).toBe(204)
  expect(await openInvitation(app, bob.email)).toMatchObject({ status: 403, body: { code: 'NOTES_INVITATION_OVER' } })
  expect((await carol.get('/api/members')).body.data).toMatchObject([{ user_id: carol.id }])
})

test('who leaves an organization sees nothing of it from then on', async () => {
  expect((await bob.in(acme).delete(`/api/members/${acme}/${bob.id}`)).status).toBe(204)
  await expect.poll(async () => (await bob.in(acme).get('/api/notes')).status).toBe(403)
})

// What an attack on the policies found once: each way in stays shut.

import { sql } from 'drizzle-orm'
import { all, anonymousCaller, anyone, defineApp, defineResource, member, owner, role, signedIn, where } from 'plinth'
import { boolean, integer, pgTable, primaryKey, serial, softDelete, text, unique } from 'plinth/db'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { actAs, header, user } from '../../../test/support/act-as.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import type { Caller } from '../../core/caller.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'

const users = pgTable('users', { id: serial().primaryKey(), name: text().notNull() })
const organizations = pgTable('organizations', { id: serial().primaryKey(), name: text().notNull() })
const organization_id = () => integer().references(() => organizations.id)
const memberships = pgTable(
  'memberships',
  { organization_id: organization_id().notNull(), user_id: integer().references(() => users.id) },
  (table) => [primaryKey({ columns: [table.organization_id, table.user_id] })],
)
const notes = pgTable(
  'notes',
  {
    id: serial().primaryKey(),
    organization_id: organization_id(),
    author_id: integer().references(() => users.id),
    slug: text().notNull(),
    status: text().notNull().default('draft'),
    level: text().generatedAlwaysAs(sql`case when slug like 'pub%' then 'public' else 'private' end`),
    confidential: boolean().notNull().default(false),
    body: text(),
    ...softDelete,
  },
  (table) => [unique().on(table.organization_id, table.slug)],
)
/** Named as the engine once named the tables of its own conditions. */
const r1 = pgTable('r1', { id: serial().primaryKey(), organization_id: organization_id(), secret: text() })
const ledgers = pgTable('ledgers', { id: serial().primaryKey(), r1_id: integer().references(() => r1.id) })
const models = { ledgers, users, organizations, memberships, notes, r1 }

let hookWho: Caller | undefined

const resources = [
  defineResource(notes, { name: 'tenant', access: { read: member('organization_id'), write: member('organization_id') } }),
  defineResource(r1, { access: { read: member('organization_id'), write: member('organization_id') } }),
  defineResource(notes, { name: 'signed', access: { read: signedIn, write: owner('author_id') } }),
  defineResource(notes, { name: 'kept', access: { read: signedIn, update: where(() => ({ level: 'private' })) } }),
  defineResource(notes, {
    name: 'redacted',
    access: { read: anyone, write: signedIn, fields: { confidential: role('editor') } },
    hooks: { serialize: (row) => (row['confidential'] === true ? { ...row, body: '***' } : row) },
  }),
  defineResource(notes, { name: 'binned', access: { read: where(() => ({ body: { ne: 'x' } })), delete: owner('author_id') } }),
  defineResource(notes, { name: 'open', access: { read: anyone, delete: owner('author_id') }, count: 'exact' }),
  defineResource(notes, {
    name: 'failing',
    access: {
      read: where((who) => (who.roles.includes('editor') ? { nosuch: 1 } : { status: 'draft' })),
      delete: where((who) => {
        if (who.kind === 'user') throw new Error('not today')
        return false
      }),
    },
  }),
  defineResource(notes, {
    name: 'hooked',
    access: { read: signedIn, write: role('editor') },
    hooks: { beforeWrite: (_values, { who }) => void (hookWho = who) },
  }),
  defineResource(notes, {
    name: 'filled',
    access: {
      read: member('organization_id'),
      create: all(
        member('organization_id'),
        where(() => ({ status: 'draft', level: 'private' })),
      ),
    },
  }),
]
const callers = {
  writer: user(1, { scopes: ['tenant:write', 'signed:write'] }),
  ada: user(1),
  alan: user(2),
  grace: user(3, { roles: ['editor'] }),
}

describe.each(testDatabases())('on $name', ({ url }) => {
  let app: TestApp

  beforeAll(async () => {
    app = await testApp(defineApp({ name: 'hardened', models, resources }), { url })
    actAs(app.app, callers)
  })
  afterAll(() => app.close())
  beforeEach(() =>
    app.app.db.query(`truncate users, organizations, memberships, notes, r1, ledgers restart identity cascade;
      insert into users (name) values ('Ada'), ('Alan'), ('Grace');
      insert into organizations (name) values ('North'), ('South');
      insert into memberships values (1, 1), (2, 2);
      insert into notes (organization_id, author_id, slug, confidential, body) values
        (1, 1, 'a', true, 'secret'), (2, 2, 'b', false, 'x'), (1, 1, 'c', false, 'y');
      insert into r1 (organization_id, secret) values (1, 's1'), (2, 's2');
      insert into ledgers (r1_id) values (1);
      update notes set deleted_at = now() where id = 3`),
  )

  const as = (name: keyof typeof callers): Record<string, string> => ({ [header]: name })
  type Reply = Awaited<ReturnType<TestApp['get']>>
  const told = ({ status, body }: Reply) => [status, body?.code]
  /** What a reply says, without what every request has of its own. */
  const said = ({ status, body }: Reply) => ({ status, body: { ...body, requestId: undefined } })

  test('a write that is refused says the same whether a constraint would have refused it or not', async () => {
    const free = await app.post('/api/tenant', { organization_id: 1, slug: 'free' }, as('alan'))
    expect(told(free)).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(said(await app.post('/api/tenant', { organization_id: 1, slug: 'a' }, as('alan')))).toEqual(said(free))
    expect(said(await app.post('/api/tenant', { organization_id: 99, slug: 'a' }, as('alan')))).toEqual(said(free))
    const key = { ...as('alan'), 'idempotency-key': 'k' }
    expect(said(await app.post('/api/tenant', { organization_id: 1, slug: 'a' }, key))).toEqual(said(free))
    const moved = await app.patch('/api/tenant/2', { organization_id: 1, slug: 'free' }, as('alan'))
    expect(told(moved)).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(said(await app.patch('/api/tenant/2', { organization_id: 1, slug: 'a' }, as('alan')))).toEqual(said(moved))
    expect(said(await app.patch('/api/tenant/2', { organization_id: 1, slug: 'a' }, { ...as('alan'), 'if-match': '*' }))).toEqual(
      said(moved),
    )
  })

  test('a generated column is looked at again whatever is set', async () => {
    expect(told(await app.patch('/api/kept/1', { slug: 'public' }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.patch('/api/kept/1', { slug: 'quiet' }, as('ada')))).toEqual([200, undefined])
  })

  test('a table may have any name: conditions of a write are about the row that is written', async () => {
    expect(told(await app.get('/api/r1/2', as('ada')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect(told(await app.patch('/api/r1/2', { secret: 'x' }, as('ada')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect(told(await app.post('/api/r1', { organization_id: 2, secret: 'x' }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.delete('/api/r1/2', undefined, as('ada')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
  })

  test('hooks see the caller that code writes for, also one whom no condition holds back', async () => {
    await app.app.resource('hooked').as(callers.grace).patch(1, { body: 'z' })
    expect(hookWho).toEqual(callers.grace)
  })

  test('a serialize hook looks at fields that the caller does not see, and they stay unseen', async () => {
    const shown = { id: 1, body: '***', slug: 'a' }
    for (const { body } of [await app.get('/api/redacted/1'), await app.patch('/api/redacted/1', { status: 'x' }, as('ada'))]) {
      expect(body.data).toMatchObject(shown)
      expect(body.data).not.toHaveProperty('confidential')
    }
    expect((await app.get('/api/redacted?fields=body&sort=id')).body.data).toEqual([{ body: '***' }, { body: 'x' }])
    expect((await app.post('/api/redacted', { slug: 'n', body: 'mine' }, as('ada'))).headers['location']).toBe('/api/redacted/4')
    expect((await app.get('/api/redacted/1', as('grace'))).body.data).toMatchObject({ ...shown, confidential: true })
  })

  test('deleted records are listed to whoever may restore them', async () => {
    for (const name of ['open', 'binned']) {
      const ids = async (query: string, who = {}) =>
        (await app.get(`/api/${name}?${query}&fields=id&sort=id`, who)).body.data.map(({ id }: { id: number }) => id)
      expect(told(await app.get(`/api/${name}?deleted=only`))).toEqual([401, 'AUTH_REQUIRED'])
      expect(told(await app.get(`/api/${name}?deleted=with`))).toEqual([401, 'AUTH_REQUIRED'])
      expect(await ids('deleted=only', as('ada'))).toEqual([3])
      expect(await ids('deleted=only', as('alan'))).toEqual([])
      expect(await ids('deleted=with', as('alan'))).toEqual(name === 'open' ? [1, 2] : [1])
      expect(await app.app.resource(name).as(callers.alan).list({ deleted: 'only' })).toMatchObject({ records: [] })
      await expect(app.app.resource(name).as(anonymousCaller).list({ deleted: 'with' })).rejects.toMatchObject({ code: 'AUTH_REQUIRED' })
    }
    expect((await app.get('/api/open?deleted=only', as('ada'))).headers['vary']).toContain('Authorization')
  })

  test('a condition that fails for a caller is our mistake and not theirs, and nothing to what does not ask it', async () => {
    expect(told(await app.get('/api/failing/1', as('ada')))).toEqual([200, undefined])
    expect((await app.delete('/api/failing/1', undefined, as('ada'))).status).toBe(500)
    expect((await app.get('/api/failing', as('grace'))).status).toBe(500)
  })

  test('a key that only writes is told of records as its user is', async () => {
    const send = (id: number, more = {}) => app.patch(`/api/signed/${id}`, { body: 'n' }, { ...as('writer'), ...more })
    expect((await send(1, { 'if-match': '*' })).status).toBe(200)
    expect((await app.patch('/api/signed', [{ id: 1, body: 'n' }], as('writer'))).status).toBe(200)
    expect(told(await send(2))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await send(99))).toEqual([404, 'RESOURCE_NOT_FOUND'])
  })

  test('a table that the caller knows nothing of is not named where its rows stand in the way', async () => {
    const kept = await app.delete('/api/r1/1', undefined, as('ada'))
    expect(told(kept)).toEqual([409, 'WRITE_STILL_REFERENCED'])
    expect(JSON.stringify(kept.body)).not.toContain('ledgers')
  })

  test('an answer that was kept is not sent again to who has lost sight of the record', async () => {
    const key = (name: string) => ({ ...as('ada'), 'idempotency-key': name })
    const send = [
      () => app.patch('/api/tenant/1', { body: 'n' }, key('one')),
      () => app.post('/api/tenant', { organization_id: 1, slug: 'n' }, key('two')),
      () => app.patch('/api/tenant', [{ id: 1, body: 'm' }], key('three')),
    ]
    for (const again of [...send, ...send]) expect([200, 201]).toContain((await again()).status)
    await app.app.db.query('delete from memberships where user_id = 1')
    for (const again of send) expect(told(await again())).toEqual([404, 'RESOURCE_NOT_FOUND'])
  })

  test('in bulk as well, and every item that is refused is named', async () => {
    const make = (...slugs: string[]) => slugs.map((slug) => ({ organization_id: 1, slug }))
    const free = await app.post('/api/tenant', make('f', 'g'), as('alan'))
    expect([...told(free), free.body.details.length]).toEqual([403, 'WRITE_BULK_FORBIDDEN', 2])
    expect(said(await app.post('/api/tenant', make('a', 'g'), as('alan')))).toEqual(said(free))
    const moved = await app.patch('/api/tenant', [{ id: 2, organization_id: 1, slug: 'f' }], as('alan'))
    expect(said(await app.patch('/api/tenant', [{ id: 2, organization_id: 1, slug: 'a' }], as('alan')))).toEqual(said(moved))
  })

  test('whoever may write there is told what is wrong, also where the database fills in what the policy looks at', async () => {
    expect(told(await app.post('/api/tenant', { organization_id: 1, slug: 'a' }, as('ada')))).toEqual([409, 'WRITE_CONFLICT'])
    expect(told(await app.post('/api/tenant', [{ organization_id: 1, slug: 'a' }], as('ada')))).toEqual([409, 'WRITE_BULK_CONFLICT'])
    expect(told(await app.post('/api/filled', { organization_id: 1, slug: 'a' }, as('ada')))).toEqual([409, 'WRITE_CONFLICT'])
    await app.app.db.query(`update notes set slug = 'public' where id = 1`)
    expect(told(await app.post('/api/filled', { organization_id: 1, slug: 'public' }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.patch('/api/tenant/1', { organization_id: 1, slug: 'c' }, as('ada')))).toEqual([409, 'WRITE_CONFLICT'])
  })
})

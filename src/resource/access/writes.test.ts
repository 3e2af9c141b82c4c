// What callers may change through REST: the record before and the record after have to be theirs, and nothing happens when one is not.

import { AsyncLocalStorage } from 'node:async_hooks'
import { anyone, anonymousCaller, type Caller, defineApp, defineResource, owner, role, signedIn, where } from 'plinth'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { actAs, header, user } from '../../../test/support/act-as.ts'
import { watchReads } from '../../../test/support/cached-app.ts'
import { articles, newsroom, seedSql } from '../../../test/support/newsroom.ts'
import { testDatabases } from '../../../test/support/postgres.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'

const callers = { ada: user(1), alan: user(2), grace: user(3, { roles: ['editor'] }), writer: user(1, { scopes: ['owned:write'] }) }
type Name = keyof typeof callers | 'nobody'

describe.each(testDatabases())('writes on $name', ({ url }) => {
  let app: TestApp
  let seen: Caller[] = []
  const hooked = defineResource(articles, {
    name: 'hooked',
    access: { read: signedIn, write: owner('author_id') },
    hooks: {
      beforeWrite: (values, { who }) => {
        seen.push(who)
        return values.title === 'give away' ? { ...values, author_id: 2 } : values
      },
    },
  })
  const desk = defineResource(articles, {
    name: 'desk',
    access: { read: signedIn, update: owner('author_id'), create: where(() => ({ status: 'draft' })), delete: role('editor') },
    readOnly: ['author_id'],
  })
  const letters = defineResource(articles, { name: 'letters', access: { create: anyone, update: owner('author_id') } })
  const resources = [...(newsroom.options.resources as readonly ReturnType<typeof defineResource>[]), hooked, desk, letters]

  beforeAll(async () => {
    app = await testApp(defineApp({ ...newsroom.options, resources }), { url })
    actAs(app.app, callers)
  })
  afterAll(() => app.close())
  beforeEach(async () => {
    seen = []
    await app.app.db.query(seedSql)
  })

  const as = (name: Name): Record<string, string> => (name === 'nobody' ? {} : { [header]: name })
  const row = async (id: number) => (await app.app.db.query(`select * from articles where id = ${id}`))[0]
  const told = ({ status, body }: Awaited<ReturnType<TestApp['get']>>) => [status, body?.code]

  test('a record that is not seen is not found, one that is seen and not the caller’s is refused, and both stay as they were', async () => {
    const before = [await row(4), await row(3)]
    for (const send of [
      (path: string) => app.patch(path, { title: 'x' }, as('ada')),
      (path: string) => app.put(path, { title: 'x' }, as('ada')),
      (path: string) => app.delete(path, undefined, as('ada')),
    ]) {
      const [hidden, missing] = [await send('/api/owned/4'), await send('/api/owned/999')]
      expect(told(hidden)).toEqual([404, 'RESOURCE_NOT_FOUND'])
      expect(hidden.body).toEqual(missing.body)
      expect(told(await send('/api/hooked/3'))).toEqual([403, 'AUTH_FORBIDDEN'])
    }
    expect(told(await app.patch('/api/comments/1', { line: 'x' }, as('alan')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.patch('/api/comments/6', { line: 'x' }, as('ada')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect([await row(4), await row(3)]).toEqual(before)
  })

  test('a hidden record and one that does not exist take the same statements', async () => {
    const texts = watchReads(app.app.db)
    await app.patch('/api/owned/4', { title: 'x' }, as('ada'))
    await app.patch('/api/owned/999', { title: 'x' }, as('ada'))
    const [first, second, ...more] = texts()
    expect([first, more]).toEqual([second, []])
  })

  test('the caller’s own record is changed by one statement, without a transaction', async () => {
    const { db } = app.app
    const original = db.transaction
    db.transaction = () => Promise.reject(new Error('No transaction is needed.'))
    onTestFinished(() => void (db.transaction = original))
    expect(await app.patch('/api/owned/1', { title: 'mine' }, as('ada'))).toMatchObject({ status: 200, body: { data: { title: 'mine' } } })
    expect((await app.post('/api/owned', { title: 'new' }, as('alan'))).body.data).toMatchObject({ author_id: 2, title: 'new' })
    expect((await app.delete('/api/owned/2', undefined, as('ada'))).status).toBe(204)
  })

  test('a new record is its maker’s; who names another is refused by the name of the field', async () => {
    expect((await app.post('/api/owned', { title: 'a', author_id: 1 }, as('ada'))).body.data).toMatchObject({ author_id: 1 })
    const refused = await app.post('/api/owned', { title: 'a', author_id: 2 }, as('ada'))
    expect(told(refused)).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(refused.body.details).toEqual([expect.objectContaining({ field: 'author_id', code: 'AUTH_FORBIDDEN' })])
    expect(told(await app.post('/api/owned', { title: 'a' }))).toEqual([401, 'AUTH_REQUIRED'])
  })

  test('nobody moves a record to where it is not theirs, nor takes one in', async () => {
    expect(told(await app.patch('/api/owned/1', { author_id: 2 }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.patch('/api/owned/1', { author_id: null }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.patch('/api/owned/3', { author_id: 1 }, as('ada')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect(told(await app.patch('/api/joined/1', { organization_id: 2 }, as('alan')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
    const moved = await app.patch('/api/joined/2', { organization_id: 1 }, as('alan'))
    expect(told(moved)).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(moved.body.error).toContain('"organization_id"')
    expect(told(await app.patch('/api/joined/1', { organization_id: 2 }, as('ada')))).toEqual([200, undefined])
    expect(told(await app.post('/api/joined', { title: 'x', organization_id: 1 }, as('alan')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(await app.app.db.query(`select author_id, organization_id from articles where id in (1, 2) order by id`)).toEqual([
      { author_id: 1, organization_id: 2 },
      { author_id: 1, organization_id: 2 },
    ])
    expect(await app.app.db.query(`select count(*)::int n from articles`)).toEqual([{ n: 6 }])
  })

  test('a default of the database is looked at, too', async () => {
    expect(told(await app.post('/api/desk', { title: 'x' }, as('ada')))).toEqual([201, undefined])
    expect(told(await app.post('/api/desk', { title: 'x', status: 'published' }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.post('/api/published', { title: 'x' }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
  })

  test('fields that the caller may not set are refused by name, and nothing is changed', async () => {
    const before = await row(1)
    for (const [path, body] of [
      ['/api/owned/1', { title: 'x', fee: 100 }],
      ['/api/desk/1', { title: 'x', author_id: 2 }],
    ] as const) {
      const { status, body: reply } = await app.patch(path, body, as('ada'))
      expect([status, reply.details[0].field]).toEqual([400, Object.keys(body)[1]])
    }
    expect(await row(1)).toEqual(before)
    expect(told(await app.patch('/api/open/1', { fee: 100 }, as('grace')))).toEqual([200, undefined])
    const replaced = await app.put('/api/open/1', { title: 'whole' }, as('ada'))
    expect(replaced.body.data).not.toHaveProperty('fee')
    expect(await row(1)).toMatchObject({ title: 'whole', fee: 100 })
  })

  test('in bulk all or nothing: every item that is refused is named, those that are hidden as if they were not there', async () => {
    const changes = [
      { id: 1, line: 'x' },
      { id: 3, line: 'x' },
      { id: 4, line: 'x' },
      { id: 5, line: 'x' },
    ]
    const refused = await app.patch('/api/comments', changes, as('ada'))
    expect(told(refused)).toEqual([403, 'WRITE_BULK_FORBIDDEN'])
    expect(refused.body.details.map(({ index, code }: { index: number; code: string }) => [index, code])).toEqual([
      [1, 'AUTH_FORBIDDEN'],
      [3, 'AUTH_FORBIDDEN'],
    ])
    const hidden = await app.patch(
      '/api/comments',
      [
        { id: 6, line: 'x' },
        { id: 3, line: 'x' },
      ],
      as('ada'),
    )
    expect(hidden.body.details.map(({ index, code }: { index: number; code: string }) => [index, code])).toEqual([
      [0, 'RESOURCE_NOT_FOUND'],
      [1, 'AUTH_FORBIDDEN'],
    ])
    expect(told(await app.delete('/api/owned', [1, 4], as('ada')))).toEqual([404, 'WRITE_BULK_NOT_FOUND'])
    const made = await app.post(
      '/api/joined',
      [{ title: 'a', organization_id: 1 }, { title: 'b', organization_id: 2 }, { title: 'c' }],
      as('alan'),
    )
    expect(told(made)).toEqual([403, 'WRITE_BULK_FORBIDDEN'])
    expect(made.body.details.map(({ index }: { index: number }) => index)).toEqual([0, 2])
    const moved = await app.patch(
      '/api/joined',
      [
        { id: 2, title: 'x' },
        { id: 3, organization_id: 1 },
      ],
      as('alan'),
    )
    expect(moved.body.details.map(({ index }: { index: number }) => index)).toEqual([1])
    expect(
      await app.app.db.query(
        `select (select count(*)::int from articles where deleted_at is null and title <> 'x') a, (select count(*)::int from comments where line <> 'x') c`,
      ),
    ).toEqual([{ a: 6, c: 6 }])
    expect((await app.post('/api/owned', [{ title: 'a' }, { title: 'b', author_id: 1 }], as('ada'))).body.data).toMatchObject([
      { author_id: 1 },
      { author_id: 1 },
    ])
  })

  test('hooks see who asks, and what they change has to be the caller’s as well', async () => {
    expect((await app.patch('/api/hooked/1', { title: 'x' }, as('ada'))).status).toBe(200)
    expect(seen).toEqual([callers.ada])
    expect(told(await app.patch('/api/hooked/1', { title: 'give away' }, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(await row(1)).toMatchObject({ title: 'x', author_id: 1 })
    await app.app.resource('hooked').patch(3, { title: 'y' })
    expect(seen.at(-1)).toEqual(anonymousCaller)
  })

  test('deleting and restoring, conditions and idempotency keys keep to the policies', async () => {
    expect((await app.delete('/api/owned/1', undefined, as('ada'))).status).toBe(204)
    expect(told(await app.post('/api/owned/1/restore', undefined, as('alan')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect((await app.post('/api/owned/1/restore', undefined, as('ada'))).status).toBe(200)
    const tag = String((await app.get('/api/owned/1', as('ada'))).headers['etag'])
    expect(told(await app.patch('/api/owned/1', { title: 'x' }, { ...as('alan'), 'if-match': tag }))).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect(told(await app.patch('/api/hooked/1', { title: 'x' }, { ...as('alan'), 'if-match': '"other"' }))).toEqual([
      403,
      'AUTH_FORBIDDEN',
    ])
    expect((await app.patch('/api/owned/1', { title: 'x' }, { ...as('ada'), 'if-match': tag })).status).toBe(200)
    const key = { 'idempotency-key': 'once' }
    expect(told(await app.post('/api/owned', { title: 'k', author_id: 2 }, { ...as('ada'), ...key }))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect((await app.post('/api/owned', { title: 'k' }, { ...as('ada'), ...key })).status).toBe(201)
    const others = await app.post('/api/owned', { title: 'k' }, { ...as('alan'), ...key })
    expect([others.status, others.headers['idempotency-replayed'], others.body.data.author_id]).toEqual([201, undefined, 2])
    expect(told(await app.delete('/api/desk/1', undefined, as('ada')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect((await app.delete('/api/desk/1', undefined, as('grace'))).status).toBe(204)
  })

  test('where nobody reads, changes are for whoever may change; what others hold is not found', async () => {
    expect((await app.post('/api/letters', { title: 'x', author_id: 1 })).status).toBe(201)
    expect((await app.patch('/api/letters/1', { title: 'x' }, as('ada'))).status).toBe(200)
    expect(told(await app.patch('/api/letters/3', { title: 'x' }, as('ada')))).toEqual([404, 'RESOURCE_NOT_FOUND'])
  })

  test('a record that changes hands while it is being changed is not changed by who had it', async () => {
    const { db } = app.app
    const outside = AsyncLocalStorage.snapshot()
    let change: Promise<unknown> | undefined
    await db.transaction(async () => {
      await db.query(`update comments set author_id = 3 where id = 1`)
      change = outside(() => app.patch('/api/comments/1', { line: 'late' }, as('ada')))
      const waiting = `select count(*)::int n from pg_stat_activity where wait_event_type = 'Lock' and query like 'update%'`
      await vi.waitFor(async () => expect(await outside(() => db.query(waiting))).toEqual([{ n: 1 }]), { timeout: 5_000 })
    })
    expect(await change).toMatchObject({ status: 403 })
    expect(await db.query('select line from comments where id = 1')).toEqual([{ line: 'c1' }])
  })

  test('a key writes what its scopes name', async () => {
    expect((await app.patch('/api/owned/1', { title: 'x' }, as('writer'))).status).toBe(200)
    expect(told(await app.get('/api/owned/1', as('writer')))).toEqual([403, 'AUTH_FORBIDDEN'])
    expect(told(await app.patch('/api/signed/1', { title: 'x' }, as('writer')))).toEqual([403, 'AUTH_FORBIDDEN'])
  })
})

// Nobody changes records of another tenant, makes some there, moves one there, or learns by a write what is there.

import { runInContext } from '../../core/context.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { actAs, header } from '../../../test/support/act-as.ts'
import { watchReads } from '../../../test/support/cached-app.ts'
import { testDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { callers, inForce, type Name, seed, takeWallDown, tenancy } from '../../../test/support/tenancy.ts'
import type { Caller } from '../../core/caller.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'

// The engine alone on the first, with the wall of the database on the others.
describe.each(testDatabases())('writes of tenants on $name', ({ url, name }) => {
  let app: TestApp
  beforeAll(async () => {
    app = await testApp(tenancy, { url })
    actAs(app.app, callers)
    if (name === testDatabase().name) await takeWallDown(app.app)
  })
  afterAll(() => app.close())
  beforeEach(() => seed(app.app))

  type Reply = Awaited<ReturnType<TestApp['get']>>
  const as = (name: Name): Record<string, string> => ({ [header]: name })
  const told = ({ status, body }: Reply) => [status, body?.code]
  /** What a reply says, without what every request has of its own. */
  const said = ({ status, body }: Reply) => ({ status, body: { ...body, requestId: undefined } })
  const rows = (sql: string) => app.app.db.query(sql)
  const all = () => rows(`select * from notes order by id`)

  test('a new record is of the tenant that its maker acts in', async () => {
    for (const path of ['/api/notes', '/api/drafts', '/api/hooked', '/api/letters']) {
      expect((await app.post(path, { title: 'x' }, as('north'))).body.data, path).toMatchObject({ organization_id: 1 })
      expect((await app.post(path, { title: 'x' }, as('adaInSouth'))).body.data, path).toMatchObject({ organization_id: 2 })
    }
    expect((await app.post('/api/own_notes', { title: 'x' }, as('adaInSouth'))).body.data).toMatchObject({
      organization_id: 2,
      author_id: 1,
    })
    expect((await app.post('/api/notes', { title: 'x', organization_id: 1 }, as('north'))).status).toBe(201)
    const many = await app.post('/api/notes', [{ title: 'x' }, { title: 'y', organization_id: 2 }], as('south'))
    expect(many.body.data).toMatchObject([{ organization_id: 2 }, { organization_id: 2 }])
    expect(told(await app.post('/api/notes', { title: 'x' }, as('homeless')))).toEqual([403, 'AUTH_TENANT_REQUIRED'])
    expect(told(await app.post('/api/notes', [{ title: 'x' }], as('homeless')))).toEqual([403, 'AUTH_TENANT_REQUIRED'])
    expect(told(await app.post('/api/notes', { title: 'x', organization_id: 1 }))).toEqual([401, 'AUTH_REQUIRED'])
  })

  test('who names another tenant, also one of their own, is refused by the name of the field', async () => {
    const before = await all()
    const values = { title: 'x', organization_id: 2 }
    const refusals = [
      await app.post('/api/notes', values, as('north')),
      await app.put('/api/notes/1', values, as('north')),
      await app.patch('/api/notes/1', values, as('north')),
      await app.patch('/api/own_notes/1', values, as('north')),
      await app.post('/api/hooked', { title: 'move 2' }, as('north')),
      await app.put('/api/hooked/1', { title: 'move 2' }, as('north')),
      await app.patch('/api/hooked/1', { title: 'move 2' }, as('north')),
    ]
    for (const { status, body } of refusals) {
      expect([status, body.code]).toEqual([403, 'AUTH_FORBIDDEN'])
      expect(body.details).toEqual([expect.objectContaining({ field: 'organization_id', code: 'AUTH_FORBIDDEN' })])
    }
    for (const [path, item] of [
      ['/api/notes', values],
      ['/api/hooked', { title: 'move 2' }],
    ] as const) {
      const made = await app.post(path, [{ title: 'y' }, item], as('north'))
      const changed = await app.patch(
        path,
        [
          { id: 3, title: 'y' },
          { id: 1, ...item },
        ],
        as('north'),
      )
      for (const { status, body } of [made, changed]) {
        expect([status, body.code]).toEqual([403, 'WRITE_BULK_FORBIDDEN'])
        expect(body.details).toEqual([expect.objectContaining({ index: 1, field: 'organization_id' })])
      }
    }
    expect(told(await app.patch('/api/notes/1', { organization_id: null }, as('north')))).toEqual([400, 'WRITE_INVALID'])
    expect(await all()).toEqual(before)
  })

  test('records of another tenant are not found by writes, by the same statements as none, and stay as they were', async () => {
    const before = await all()
    const sends: ((path: string) => Promise<Reply>)[] = [
      (path) => app.patch(path, { title: 'x' }, as('north')),
      (path) => app.put(path, { title: 'x' }, as('north')),
      (path) => app.delete(path, undefined, as('north')),
      (path) => app.patch(path, { title: 'x' }, { ...as('north'), 'if-match': '"x"' }),
      (path) => app.patch(path, {}, as('north')),
    ]
    for (const base of ['/api/notes', '/api/own_notes', '/api/hooked', '/api/letters']) {
      for (const send of sends) {
        const texts = watchReads(app.app.db)
        const hidden = await send(`${base}/2`)
        const first = texts()
        const again = watchReads(app.app.db)
        expect(told(hidden), base).toEqual([404, 'RESOURCE_NOT_FOUND'])
        expect(hidden.body).toEqual((await send(`${base}/999`)).body)
        expect(again()).toEqual(first)
      }
    }
    const hidden = await app.post('/api/notes/6/restore', undefined, as('north'))
    expect(told(hidden)).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect(hidden.body).toEqual((await app.post('/api/notes/999/restore', undefined, as('north'))).body)
    const bulk = [
      await app.patch(
        '/api/notes',
        [
          { id: 1, title: 'x' },
          { id: 2, title: 'x' },
        ],
        as('north'),
      ),
      await app.delete('/api/notes', [1, 2], as('north')),
    ]
    for (const { status, body } of bulk) {
      expect([status, body.code]).toEqual([404, 'WRITE_BULK_NOT_FOUND'])
      expect(body.details.map(({ index }: { index: number }) => index)).toEqual([1])
    }
    expect(await all()).toEqual(before)
  })

  test('one’s own are changed, deleted and restored, by one statement each', async () => {
    const { db } = app.app
    const original = db.transaction
    db.transaction = () => Promise.reject(new Error('No transaction is needed.'))
    try {
      expect((await app.post('/api/notes', { title: 'x' }, as('south'))).status).toBe(201)
      expect((await app.patch('/api/notes/2', { title: 'x' }, as('south'))).status).toBe(200)
      expect((await app.put('/api/notes/2', { title: 'y' }, as('south'))).body.data).toMatchObject({ organization_id: 2, slug: null })
      expect((await app.delete('/api/notes/2', undefined, as('south'))).status).toBe(204)
      expect((await app.post('/api/notes/2/restore', undefined, as('south'))).status).toBe(200)
    } finally {
      db.transaction = original
    }
    const whole = (await app.get('/api/notes/2', as('south'))).body.data
    expect((await app.put('/api/notes/2', { ...whole, deleted_at: undefined }, as('south'))).status).toBe(200)
    expect((await app.delete('/api/notes', [2, 4], as('south'))).status).toBe(204)
  })

  test('a unique value that another tenant has is free', async () => {
    expect((await app.post('/api/notes', { title: 'x', slug: 'd' }, as('north'))).status).toBe(201)
    expect(told(await app.post('/api/notes', { title: 'x', slug: 'a' }, as('north')))).toEqual([409, 'WRITE_CONFLICT'])
  })

  describe('a foreign key to a record of another tenant is answered as one to none', () => {
    /** With the key of another tenant's record where the key of none is in the second. */
    const pairs: readonly (readonly [string, (id: number) => Promise<Reply>, number])[] = [
      ['create', (id) => app.post('/api/notes', { title: 'x', project_id: id }, as('north')), 2],
      ['create with an owner', (id) => app.post('/api/own_notes', { title: 'x', project_id: id }, as('north')), 2],
      ['create with a taken value', (id) => app.post('/api/notes', { title: 'x', slug: 'a', project_id: id }, as('north')), 2],
      ['replace', (id) => app.put('/api/notes/1', { title: 'x', project_id: id }, as('north')), 2],
      ['patch', (id) => app.patch('/api/notes/1', { project_id: id }, as('north')), 2],
      ['patch with If-Match', (id) => app.patch('/api/notes/1', { project_id: id }, { ...as('north'), 'if-match': '*' }), 2],
      ['patch with a key', (id) => app.patch('/api/notes/1', { project_id: id }, { ...as('north'), 'idempotency-key': `k${id}` }), 2],
      ['a hook that creates', (id) => app.post('/api/hooked', { title: `file ${id}` }, as('north')), 2],
      ['a hook that patches', (id) => app.patch('/api/hooked/1', { title: `file ${id}` }, as('north')), 2],
      [
        'bulk create',
        (id) => app.post('/api/notes', [{ title: 'x' }, { title: 'x', project_id: id }, { title: 'y', project_id: 1 }], as('north')),
        2,
      ],
      [
        'bulk create of which another fails',
        (id) =>
          app.post(
            '/api/notes',
            [
              { title: 'x', slug: 'a' },
              { title: 'x', project_id: id },
            ],
            as('north'),
          ),
        2,
      ],
      [
        'bulk patch',
        (id) =>
          app.patch(
            '/api/notes',
            [
              { id: 3, title: 'x' },
              { id: 1, project_id: id },
            ],
            as('north'),
          ),
        2,
      ],
      ['bulk through a hook', (id) => app.post('/api/hooked', [{ title: 'x' }, { title: `file ${id}` }], as('north')), 2],
      ['the same table', (id) => app.patch('/api/notes/1', { parent_id: id }, as('north')), 2],
      [
        'the same table in bulk',
        (id) =>
          app.post(
            '/api/notes',
            [
              { title: 'x', parent_id: 1 },
              { title: 'x', parent_id: id },
            ],
            as('north'),
          ),
        2,
      ],
      [
        'the same table, another fails',
        (id) =>
          app.post(
            '/api/notes',
            [
              { title: 'x', slug: 'a' },
              { title: 'x', parent_id: id },
            ],
            as('north'),
          ),
        2,
      ],
      ['an association', (id) => app.post('/api/note_tags', { note_id: id, tag_id: 1 }, as('north')), 2],
      ['an association that is there', (id) => app.post('/api/note_tags', { note_id: id, tag_id: 2 }, as('north')), 2],
      ['an association in bulk that is there', (id) => app.post('/api/note_tags', [{ note_id: id, tag_id: 2 }], as('north')), 2],
      ['a record of no tenant', (id) => app.post('/api/comments', { note_id: id, line: 'x' }, as('north')), 2],
      ['a record of no tenant, by somebody in none', (id) => app.post('/api/comments', { note_id: id, line: 'x' }, as('homeless')), 1],
      ['a record of no tenant, by nobody', (id) => app.patch('/api/comments/1', { note_id: id }), 3],
      ['a deleted record', (id) => app.patch('/api/notes/1', { parent_id: id }, as('north')), 6],
    ]
    test.each(pairs)('%s', async (_what, send, hidden) => {
      const [there, missing] = [await send(hidden), await send(999)]
      expect(there.status).toBe(409)
      expect(JSON.stringify(there.body)).toContain('WRITE_MISSING_REFERENCE')
      expect(said(there)).toEqual(said(missing))
      expect(await rows(`select count(*)::int n from notes where project_id in (2, 4) and organization_id = 1`)).toEqual([{ n: 0 }])
    })

    test('and one to a record of the tenant is set: also to those that the same request makes, and to deleted ones', async () => {
      expect((await app.patch('/api/notes/1', { project_id: 3, parent_id: 5 }, as('north'))).status).toBe(200)
      await seed(app.app, `select setval('notes_id_seq', 100)`)
      const tree = [{ title: 'x' }, { title: 'y', parent_id: 101 }, { title: 'z', parent_id: 102 }]
      expect((await app.post('/api/notes', tree, as('north'))).status).toBe(201)
      expect((await app.post('/api/note_tags', { note_id: 3, tag_id: 1 }, as('north'))).status).toBe(201)
      expect((await app.post('/api/comments', { note_id: 3, line: 'x' }, as('north'))).status).toBe(201)
      expect((await app.patch('/api/notes/1', { project_id: null }, as('north'))).status).toBe(200)
    })
  })

  test('an answer to an Idempotency-Key is of the tenant in which it was asked for', async () => {
    const key = { 'idempotency-key': 'once' }
    const first = await app.post('/api/notes', { title: 'k' }, { ...as('north'), ...key })
    const again = await app.post('/api/notes', { title: 'k' }, { ...as('north'), ...key })
    const other = await app.post('/api/notes', { title: 'k' }, { ...as('adaInSouth'), ...key })
    expect([again.headers['idempotency-replayed'], again.body.data]).toEqual(['true', first.body.data])
    expect([other.status, other.headers['idempotency-replayed'], other.body.data.organization_id]).toEqual([201, undefined, 2])
  })

  describe('code of the application', () => {
    const inRequest = <result>(caller: Caller, work: () => Promise<result>): Promise<result> =>
      runInContext({ requestId: 'r', startedAt: 0, deadline: Infinity, caller }, work)

    test('outside of requests writes in the tenant that it names', async () => {
      const notes = app.app.resource('notes')
      expect(await notes.create({ title: 'x', organization_id: 2 })).toMatchObject({ organization_id: 2 })
      expect(await notes.patch(1, { project_id: 2 })).toMatchObject({ organization_id: 1, project_id: 2 })
      await expect(notes.create({ title: 'x' })).rejects.toMatchObject({ code: 'WRITE_INVALID', field: 'organization_id' })
      expect(await notes.replace(1, { title: 'x' })).toMatchObject({ organization_id: 1 })
    })

    test('inside of a request acts in the request’s tenant, however it is asked', async () => {
      const { north, homeless, south } = callers
      const notes = app.app.resource('notes')
      await inRequest(north, async () => {
        expect((await notes.list()).records.map(({ id }) => id)).toEqual([1, 3])
        expect(await notes.get(2)).toBeUndefined()
        expect((await notes.list({ deleted: 'only' })).records).toMatchObject([{ id: 5 }])
        expect(await app.app.resource('comments').get(2, { include: { note: {} } })).toMatchObject({ note: null })
        expect(await notes.create({ title: 'x' })).toMatchObject({ organization_id: 1 })
        expect(await notes.createMany([{ title: 'x' }])).toMatchObject([{ organization_id: 1 }])
        await expect(notes.create({ title: 'x', organization_id: 2 })).rejects.toMatchObject({ code: 'AUTH_FORBIDDEN' })
        await expect(notes.patch(2, { title: 'x' })).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
        await expect(notes.delete(2)).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
        await expect(notes.restore(6)).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
        await expect(notes.patch(1, { project_id: 2 })).rejects.toMatchObject({ code: 'WRITE_MISSING_REFERENCE' })
        await expect(app.app.resource('comments').create({ note_id: 2, line: 'x' })).rejects.toMatchObject({
          code: 'WRITE_MISSING_REFERENCE',
        })
        expect(await app.app.acrossTenants(() => notes.get(2))).toMatchObject({ id: 2 })
        expect(await app.app.acrossTenants(() => notes.patch(2, { title: 'seen' }))).toMatchObject({ title: 'seen' })
        expect(await notes.as(south).get(2)).toMatchObject({ id: 2 })
        expect(
          await app.app
            .resource('own_notes')
            .patch(5, { title: 'x' })
            .catch(({ code }) => code),
        ).toBe('RESOURCE_NOT_FOUND')
        expect(await app.app.resource('own_notes').patch(3, { author_id: 2 })).toMatchObject({ author_id: 2 })
      })
      await inRequest(homeless, async () => {
        await expect(notes.list()).rejects.toMatchObject({ code: 'AUTH_TENANT_REQUIRED' })
        await expect(notes.create({ title: 'x', organization_id: 1 })).rejects.toMatchObject({ code: 'AUTH_TENANT_REQUIRED' })
        expect(await app.app.resource('users').get(1)).toMatchObject({ name: 'Ada' })
      })
    })

    test('hooks of a write in the name of a caller act in that caller’s tenant', async () => {
      const { south } = callers
      await expect(app.app.resource('hooked').as(south).patch(2, { title: 'move 1' })).rejects.toMatchObject({ code: 'AUTH_FORBIDDEN' })
      expect(inForce.at(-1)).toBe('2')
      expect(await app.app.resource('hooked').patch(4, { title: 'move 1' })).toMatchObject({ organization_id: 1 })
      expect(inForce.at(-1)).toBe('*')
    })

    test('what such hooks do after the commit of somebody else’s transaction is done in that caller’s tenant, too', async () => {
      const { north, south } = callers
      const hooked = app.app.resource('hooked')
      await app.app.db.transaction(async () => {
        await hooked.as(north).patch(1, { title: 'x' })
        await hooked.as(south).patch(2, { title: 'x' })
        await hooked.patch(4, { title: 'x' })
      })
      expect(inForce.slice(-3)).toEqual(['1', '2', '*'])
    })
  })
})

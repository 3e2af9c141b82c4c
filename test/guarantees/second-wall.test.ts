// S7, without its first half: where the engine has forgotten that records belong to tenants, row-level security shows none of another tenant's and changes none.

import { anyone, defineApp, defineResource } from 'plinth'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type App, createAppWith } from '../../src/app/create.ts'
import { withClient } from '../../src/db/scratch-database.ts'
import { send, type TestReply, type TestRequest } from '../../src/testing/request.ts'
import { type TestApp, testApp } from '../../src/testing/test-app.ts'
import { actAs, header } from '../support/act-as.ts'
import { loseCondition } from '../support/lose-condition.ts'
import { testDatabase, testDatabases } from '../support/postgres.ts'
import { callers, comments, models, type Name, notes, projects, seed, tags, tenancy } from '../support/tenancy.ts'

const walled = ['organizations', 'notes', 'projects', 'tags', 'note_tags']

describe.each(testDatabases())('with the tenant taken out of every decision, on $name', ({ url }) => {
  let whole: TestApp
  let app: App
  beforeAll(async () => {
    whole = await testApp(tenancy, { url })
    app = await createAppWith({ withoutFirstWall: true }, tenancy, whole.app.config)
    actAs(app, callers)
  })
  afterAll(async () => {
    await app.stop()
    await whole.close()
  })
  beforeEach(() => seed(app))

  const as = (name: Name, request: TestRequest): Promise<TestReply> =>
    send(app, { ...request, headers: { ...request.headers, [header]: name } })
  const get = (name: Name, path: string): Promise<TestReply> => as(name, { path })
  /** As a superuser sees it, whom nothing holds. */
  const rowsOf = (tenant: number): Promise<unknown[]> =>
    withClient(whole.url, async (client) => {
      const all: unknown[] = []
      for (const table of walled) {
        const column = table === 'organizations' ? 'id' : 'organization_id'
        all.push((await client.query(`select * from ${table} where ${column} = $1 order by 1, 2`, [tenant])).rows)
      }
      return all
    })

  /** Without walls, until they are put up again. */
  const wall = (verb: 'DISABLE' | 'ENABLE'): Promise<unknown> =>
    withClient(whole.url, (client) => client.query(walled.map((table) => `ALTER TABLE ${table} ${verb} ROW LEVEL SECURITY`).join('; ')))

  const paths = [
    '/api/notes?sort=id&fields=id,title',
    '/api/notes/2',
    '/api/notes?count=exact&filter[title][ends]=two',
    '/api/notes?search=plan',
    '/api/notes?deleted=only',
    '/api/organizations',
    '/api/note_titles',
    '/api/projects?include=notes',
    '/api/projects?filter[notes.title][ends]=four',
    '/api/users?include=notes.project',
    '/api/comments?include=note.tags,note.project',
    '/api/comments?filter[note.title][ends]=two',
    '/api/comments?filter[note.project.name]=gamma',
    '/api/tags/2',
  ]
  const foreign = /plan two|list four|gone six|South|gamma|"organization_id":2|"id":2,"name":"red"/

  test('nothing of another tenant is listed, got, counted, found, included or reached by filters; without the wall all of it is', async () => {
    for (const path of paths) expect((await get('north', path)).text, path).not.toMatch(foreign)
    expect(ids(await get('south', '/api/notes?sort=id'))).toEqual([2, 4])
    expect(ids(await get('star', '/api/notes'))).toEqual([])
    expect(ids(await get('homeless', '/api/notes'))).toEqual([])
    expect((await get('north', '/api/notes?count=exact')).body.meta.total).toBe(2)
    expect(ids(await get('north', '/api/comments?filter[note.title][ends]=two'))).toEqual([])
    await wall('DISABLE')
    const shown = await Promise.all(paths.map(async (path) => (await get('north', path)).body))
    const counted = (await get('north', '/api/notes?count=exact')).body.meta.total
    await wall('ENABLE')
    expect(shown.map(({ success, data }) => [success, [data].flat().length > 0])).toEqual(paths.map(() => [true, true]))
    expect(counted).toBe(4)
  })

  const attempts: Readonly<Record<string, TestRequest>> = {
    'create in another tenant': { method: 'POST', path: '/api/notes', body: { title: 'x', organization_id: 2 } },
    'create several in another tenant': {
      method: 'POST',
      path: '/api/tags',
      body: [
        { name: 'x', organization_id: 2 },
        { name: 'y', organization_id: 2 },
      ],
    },
    'create with a key that another tenant has': { method: 'PUT', path: '/api/notes/2', body: { title: 'x', organization_id: 2 } },
    patch: { method: 'PATCH', path: '/api/notes/2', body: { title: 'x' } },
    'take into ones own': { method: 'PATCH', path: '/api/notes/2', body: { organization_id: 1 } },
    'give to another tenant': { method: 'PATCH', path: '/api/notes/1', body: { organization_id: 2 } },
    'patch several': {
      method: 'PATCH',
      path: '/api/notes',
      body: [
        { id: 2, title: 'x' },
        { id: 4, title: 'x' },
      ],
    },
    'patch a tenant': { method: 'PATCH', path: '/api/organizations/2', body: { name: 'x' } },
    delete: { method: 'DELETE', path: '/api/notes/2' },
    'delete for good': { method: 'DELETE', path: '/api/tags/2' },
    'delete several': { method: 'DELETE', path: '/api/notes', body: [2, 4] },
    restore: { method: 'POST', path: '/api/notes/6/restore' },
    'by a hook': { method: 'POST', path: '/api/hooked', body: { title: 'move 2', organization_id: 1 } },
  }

  test.each(Object.keys(attempts))('to %s changes nothing there', async (what) => {
    const before = await rowsOf(2)
    const request = attempts[what]
    const reply = request && (await as('north', request))
    expect([what, reply?.status, reply?.body?.code]).toEqual([what, expect.any(Number), expect.any(String)])
    expect([403, 404]).toContain(reply?.status)
    expect(JSON.stringify(reply?.body)).not.toMatch(/plan two|list four|South|gamma/)
    expect(await rowsOf(2)).toEqual(before)
  })

  test('what it refuses has a code of its own', async () => {
    const reply = await as('north', { method: 'POST', path: '/api/notes', body: { title: 'x', organization_id: 2 } })
    expect([reply.status, reply.body.code]).toEqual([403, 'DB_OTHER_TENANT'])
  })
})

describe('with the condition lost on the way', () => {
  const tenant = 'organization_id'
  const kept = defineApp({
    name: 'tenancy',
    models,
    resources: [
      defineResource(notes, { tenant, access: { read: anyone }, cache: '5m' }),
      defineResource(projects, { tenant, access: { read: anyone } }),
      defineResource(tags, { tenant, access: { read: anyone }, cache: { ttl: '5m', near: '1m' } }),
      defineResource(comments, { access: { read: anyone }, cache: '5m' }),
    ],
  })

  test('what the wall let through for one tenant is kept for that one alone', async () => {
    const whole = await testApp(kept, { url: testDatabase().url })
    onTestFinished(() => whole.close())
    const { app } = whole
    loseCondition(app)
    onTestFinished(() => void vi.restoreAllMocks())
    actAs(app, callers)
    await seed(app)
    const get = (name: Name, path: string): Promise<TestReply> => send(app, { path, headers: { [header]: name } })
    const paths = [
      '/api/notes?sort=id',
      '/api/notes/1',
      '/api/notes/2',
      '/api/tags',
      '/api/tags/1',
      '/api/comments?include=note',
      '/api/comments/2?include=note',
    ]
    const shown = async (name: Name): Promise<string[]> =>
      Promise.all(paths.map(async (path) => (await get(name, path)).text.replace(/"request_id":"[^"]*"/, '')))
    const first = { north: await shown('north'), south: await shown('south') }
    expect(first.north.join()).not.toMatch(/plan two|list four|"organization_id":2/)
    expect(first.south.join()).not.toMatch(/plan one|list three|"organization_id":1/)
    await expect.poll(async () => (await get('north', '/api/notes?sort=id')).headers['x-cache']).toBe('hit')
    expect({ south: await shown('south'), north: await shown('north') }).toEqual(first)
  })
})

function ids({ body }: TestReply): unknown[] {
  return (body.data as { id: unknown }[]).map(({ id }) => id)
}

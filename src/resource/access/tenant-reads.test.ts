// Records of another tenant are as if they were not there, whichever way they are asked for.

import { anonymousCaller } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actAs, header } from '../../../test/support/act-as.ts'
import { watchReads } from '../../../test/support/cached-app.ts'
import { testDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { callers, type Name, seed, takeWallDown, tenancy } from '../../../test/support/tenancy.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'

// The engine alone on the first, with the wall of the database on the others.
describe.each(testDatabases())('reads of tenants on $name', ({ url, name }) => {
  let app: TestApp
  beforeAll(async () => {
    app = await testApp(tenancy, { url })
    actAs(app.app, callers)
    if (name === testDatabase().name) await takeWallDown(app.app)
    await seed(app.app)
  })
  afterAll(() => app.close())

  const get = (name: Name, path: string) => app.get(path, { [header]: name })
  const ids = async (name: Name, path: string) => {
    const { status, body } = await get(name, path)
    return status === 200 ? body.data.map(({ id }: { id: number }) => id) : body.code
  }

  test('a list has the records of one tenant, in any order, filtered, searched, counted and paged', async () => {
    expect(await ids('north', '/api/notes?sort=id')).toEqual([1, 3])
    expect(await ids('south', '/api/notes?sort=id')).toEqual([2, 4])
    expect(await ids('adaInSouth', '/api/notes?sort=-title')).toEqual([2, 4])
    expect(await ids('north', '/api/notes?filter[slug]=a')).toEqual([1])
    expect(await ids('north', '/api/notes?filter[or][0][id]=2&filter[or][1][id]=3')).toEqual([3])
    expect(await ids('north', '/api/notes?filter[organization_id]=2')).toEqual([])
    expect(await ids('north', '/api/notes?search=plan')).toEqual([1])
    expect((await get('north', '/api/notes?count=exact&page[size]=1')).body.meta.total).toBe(2)
    expect((await get('north', '/api/notes?count=exact&page[number]=9')).body.meta.total).toBe(2)
    const first = await get('south', '/api/notes?sort=title&page[size]=1')
    const second = await get('south', `/api/notes?sort=title&page[size]=1&page[after]=${first.body.meta.page.next}`)
    expect([first, second].map(({ body }) => body.data[0].id)).toEqual([4, 2])
    expect(second.body.meta.page.has_more).toBe(false)
  })

  test('a policy narrows what is the tenant’s, and opens nothing beyond it', async () => {
    expect(await ids('north', '/api/drafts?sort=id')).toEqual([1, 3])
    expect(await ids('adaInSouth', '/api/drafts?sort=id')).toEqual([4])
    expect(await ids('south', '/api/own_notes?sort=id')).toEqual([2, 4])
  })

  test('a record of another tenant is answered as one that does not exist, by the same statement', async () => {
    const texts = watchReads(app.app.db)
    const [hidden, missing] = [await get('north', '/api/notes/2'), await get('north', '/api/notes/999')]
    expect([hidden.status, hidden.body]).toEqual([404, missing.body])
    const [first, second, ...more] = texts()
    expect([first, more]).toEqual([second, []])
    expect((await get('south', '/api/notes/2')).body.data).toMatchObject({ id: 2, organization_id: 2 })
  })

  test('tenants share the text of their statements', async () => {
    const texts = watchReads(app.app.db)
    await get('north', '/api/notes?filter[title]=x')
    await get('south', '/api/notes?filter[title]=x')
    const [first, second] = texts()
    expect(first).toBe(second)
    expect(first).toContain('"organization_id" = $')
  })

  test('relations lead to records of the tenant alone: in includes, filters, sorts, over associations, and where none is asked for', async () => {
    const include = async (name: Name, path: string) => (await get(name, path)).body.data
    expect((await include('north', '/api/users/1?include=notes')).notes.map(({ id }: { id: number }) => id)).toEqual([1, 3])
    expect((await include('adaInSouth', '/api/users/1?include=notes')).notes.map(({ id }: { id: number }) => id)).toEqual([4])
    expect(await include('north', '/api/comments/2?include=note')).toMatchObject({ note: null })
    expect(await include('south', '/api/comments/2?include=note.project')).toMatchObject({ note: { id: 2, project: { id: 2 } } })
    expect(await ids('north', '/api/comments?filter[note.title][starts]=plan')).toEqual([1])
    expect(await ids('north', '/api/comments?filter[note][null]=true&sort=id')).toEqual([2, 4])
    expect(await ids('north', '/api/comments?sort=note.title,id')).toEqual([3, 1, 2, 4])
    expect(await ids('north', '/api/users?filter[notes.slug]=d')).toEqual([])
    expect(await ids('adaInSouth', '/api/users?filter[notes.slug]=d')).toEqual([1])
    expect(await include('north', '/api/tags?include=notes')).toMatchObject([{ id: 1, notes: [{ id: 1 }] }])
    expect(await include('south', '/api/organizations?include=notes&sort=id')).toMatchObject([{ id: 2, notes: [{ id: 2 }, { id: 4 }] }])
    expect(await ids('homeless', '/api/users?include=notes')).toBe('RESOURCE_UNKNOWN_RELATION')
    expect(await ids('homeless', '/api/comments?filter[note.title]=x')).toBe('RESOURCE_UNKNOWN_RELATION')
    expect(await ids('nobody', '/api/comments?sort=note.title')).toBe('RESOURCE_UNKNOWN_RELATION')
    expect(await ids('nobody', '/api/comments?sort=id')).toEqual([1, 2, 3, 4])
  })

  test('a row of an association that is another tenant’s leads nowhere, though both ends are one’s own', async () => {
    await app.app.db.query('insert into note_tags values (2, 3, 1)')
    expect((await get('north', '/api/notes/3?include=tags')).body.data.tags).toEqual([])
    await app.app.db.query('update note_tags set organization_id = 1 where note_id = 3')
    expect((await get('north', '/api/notes/3?include=tags')).body.data.tags).toMatchObject([{ id: 1 }])
    await app.app.db.query('delete from note_tags where note_id = 3')
  })

  test('views are read by tenant, too', async () => {
    expect(await ids('north', '/api/note_titles?sort=id')).toEqual([1, 3, 5])
    expect(await ids('homeless', '/api/note_titles')).toBe('AUTH_TENANT_REQUIRED')
  })

  test('deleted records are those of the tenant', async () => {
    expect(await ids('north', '/api/notes?deleted=only')).toEqual([5])
    expect(await ids('south', '/api/notes?deleted=with&sort=id')).toEqual([2, 4, 6])
    expect(await ids('south', '/api/own_notes?deleted=only')).toEqual([6])
    expect(await ids('adaInSouth', '/api/own_notes?deleted=only')).toEqual([])
  })

  test('who acts in no tenant is told to say one, and who has not signed in to do so', async () => {
    for (const path of ['/api/notes', '/api/notes/1', '/api/own_notes', '/api/note_titles']) {
      for (const name of ['homeless', 'star'] as const) {
        const { status, body } = await get(name, path)
        expect([status, body.code, body.hint], `${name} ${path}`).toEqual([403, 'AUTH_TENANT_REQUIRED', 'Send its key: X-Tenant: …'])
      }
      expect(await get('nobody', path), path).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
    }
    expect(await ids('odd', '/api/notes')).toBe('AUTH_FORBIDDEN')
  })

  test('what anyone of the tenant may, a key may that its scopes name', async () => {
    expect(await ids('key', '/api/notes?sort=id')).toEqual([1, 3])
    expect(await ids('key', '/api/projects')).toBe('AUTH_FORBIDDEN')
    expect((await app.patch('/api/notes/1', { title: 'x' }, { [header]: 'key' })).body.code).toBe('AUTH_FORBIDDEN')
  })

  test('replies depend on the caller, and say so', async () => {
    for (const path of ['/api/notes', '/api/notes/1', '/api/comments'])
      expect((await get('north', path)).headers['vary'], path).toContain('Authorization')
  })

  test('code in the process acts in every tenant, in that of a caller, and inside of a request in the request’s', async () => {
    const notes = app.app.resource('notes')
    const seen = async (work: () => Promise<{ readonly records: readonly { readonly [field: string]: unknown }[] }>) =>
      (await work()).records.map(({ id }) => Number(id)).toSorted((a, b) => a - b)
    expect(await seen(() => notes.list())).toEqual([1, 2, 3, 4])
    expect(await seen(() => notes.as(callers.north).list())).toEqual([1, 3])
    expect(await notes.as(callers.north).get(2)).toBeUndefined()
    await expect(notes.as(callers.homeless).list()).rejects.toMatchObject({ code: 'AUTH_TENANT_REQUIRED' })
    await expect(notes.as(anonymousCaller).list()).rejects.toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(await seen(() => app.app.acrossTenants(() => notes.as(callers.north).list()))).toEqual([1, 3])
    expect(await notes.as(callers.north).as(callers.south).get(2)).toMatchObject({ id: 2 })
  })
})

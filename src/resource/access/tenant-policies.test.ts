// Policies that look at records of tenants: whoever may because of a record of theirs may not because of another tenant's, also from a cache.

import { anyone, defineApp, defineResource, member, where } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actAs, header } from '../../../test/support/act-as.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import {
  callers,
  comments,
  memberships,
  models,
  type Name,
  note_tags,
  notes,
  organizations,
  seed,
  takeWallDown,
  tags,
} from '../../../test/support/tenancy.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'

const [tenant, access, cache] = ['organization_id', { read: anyone, write: anyone }, '5m'] as const
const planned = where(() => ({ 'note.title': { starts: 'plan' } }))
const red = where(() => ({ 'note.tags.name': 'red' }))

const definition = defineApp({
  name: 'policies-of-tenants',
  models,
  resources: [
    defineResource(notes, { tenant, access }),
    defineResource(tags, { tenant, access }),
    defineResource(note_tags, { tenant, access }),
    defineResource(memberships, { tenant, access: { read: anyone } }),
    defineResource(comments, { name: 'planned', access: { read: planned, write: planned }, cache }),
    defineResource(comments, { name: 'red', access: { read: red }, cache }),
    defineResource(organizations, { access: { read: member('id') }, cache }),
  ],
})

describe.each(['the engine alone', 'with the wall'])('%s', (how) => {
  let app: TestApp
  beforeAll(async () => {
    app = await testApp(definition, { url: testDatabase().url })
    actAs(app.app, callers)
    if (how === 'the engine alone') await takeWallDown(app.app)
    // The last leads from a note to a tag of North, and is South's.
    await seed(app.app)
    await seed(app.app, 'insert into note_tags values (2, 3, 1)')
  })
  afterAll(() => app.close())

  const ids = async (name: Name, path: string) => {
    const { status, body } = await app.get(`${path}?sort=id`, { [header]: name })
    return status === 200 ? body.data.map(({ id }: { id: number }) => id) : status
  }

  test.each<[string, unknown, unknown, unknown]>([
    ['/api/planned', [1], [2], []],
    ['/api/red', [1], [2], []],
    ['/api/organizations', [1], [2], []],
  ])('%s', async (path, north, south, homeless) => {
    for (const round of ['miss', 'hit']) {
      expect(await ids('north', path), round).toEqual(north)
      expect(await ids('adaInSouth', path), round).toEqual(south)
      expect(await ids('homeless', path), round).toEqual(homeless)
    }
  })

  test('a change that a record of another tenant would let is not let', async () => {
    const patch = async (name: Name) => (await app.patch('/api/planned/2', { line: 'x' }, { [header]: name })).status
    expect([await patch('north'), await patch('homeless'), await patch('south')]).toEqual([404, 404, 200])
  })
})

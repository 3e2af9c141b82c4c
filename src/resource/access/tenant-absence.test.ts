// Policies that let what has no record of a tenant beside it. Nobody sees all tenants' records, so each would get the rows of all others: such
// a policy is refused at the start, and one that is found out only when somebody asks is met by no row.

import { all, any, anyone, defineApp, defineResource, member, not, type Policy, role, signedIn, where } from 'plinth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { actAs, header } from '../../../test/support/act-as.ts'
import { testDatabase } from '../../../test/support/postgres.ts'
import {
  callers,
  comments,
  memberships,
  models,
  note_tags,
  notes,
  organizations,
  seed,
  tags,
  takeWallDown,
  users,
} from '../../../test/support/tenancy.ts'
import { readRegistry } from '../../app/create.ts'
import { type TestApp, testApp } from '../../testing/test-app.ts'

const [tenant, access] = ['organization_id', { read: anyone, write: anyone }] as const
const ofTenants = [
  defineResource(notes, { tenant, access }),
  defineResource(tags, { tenant, access }),
  defineResource(note_tags, { tenant, access }),
  defineResource(memberships, { tenant, access: { read: anyone } }),
]

/** The condition is nothing that the start can see. */
let isServing = false
const later = (condition: object): Policy => where(() => (isServing ? condition : { id: 0 }) as never)

const shapes = {
  slug: { 'note.slug': { null: false } },
  title: { 'note.title': { starts: '' } },
  foreign: { 'note.title': { starts: 'nothing' } },
  tag: { 'note.tags.name': 'red' },
  author: { 'note.author.name': 'Ada' },
  there: { note: { null: false } },
  either: { or: [{ 'note.title': 'plan one' }, { line: 'c9' }] },
}

const absences: Record<string, (one: (condition: object) => Policy) => Policy> = {
  ...Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [`not-${name}`, (one: typeof later) => not(one(shape))])),
  null: (one) => one({ note: { null: true } }),
  'null-or-never': (one) => any(one({ note: { null: true } }), role('none')),
  'signed-in': (one) => all(signedIn, not(one(shapes.slug))),
  'not-any': (one) => not(any(one(shapes.slug), one({ line: 'c1' }))),
  'not-not-null': (one) => not(not(one({ note: { null: true } }))),
}

const plain = (condition: object): Policy => where(() => condition as never)
const startWith = (resource: ReturnType<typeof defineResource>) => () =>
  readRegistry(defineApp({ name: 'x', models, resources: [...ofTenants, resource] as never }))

test.each(Object.entries(absences))('%s is refused at the start', (_name, policy) => {
  expect(startWith(defineResource(comments, { access: { read: policy(plain) } }))).toThrow(
    /resource "comments": access: it lets records that have none of "(notes|tags)" beside them.*each tenant would get what has to do with all others/s,
  )
})

test('so is whoever is no member, also in the policy of a change', () => {
  expect(startWith(defineResource(organizations, { access: { read: not(member('id')) } }))).toThrow('none of "memberships"')
  expect(startWith(defineResource(organizations, { access: { read: anyone, update: not(member('id')) } }))).toThrow('none of "memberships"')
  expect(startWith(defineResource(users, { access: { read: not(where(() => ({ 'notes.title': 'x' }))) } }))).toThrow('none of "notes"')
})

test('what is there, what is not of tenants, and what lies beside a record of the tenant may be turned as ever', () => {
  const notNot = not(not(where(() => ({ 'note.title': 'plan one' }))))
  expect(startWith(defineResource(comments, { access: { read: notNot } }))).not.toThrow()
  expect(startWith(defineResource(comments, { access: { read: not(where(() => ({ line: 'c1' }))) } }))).not.toThrow()
  expect(
    startWith(defineResource(notes, { name: 'some', tenant, access: { read: not(where(() => ({ 'tags.name': 'red' }))) } })),
  ).not.toThrow()
})

const definition = defineApp({
  name: 'absences-of-tenants',
  models,
  resources: [
    ...ofTenants,
    ...Object.entries(absences).map(([name, policy]) =>
      defineResource(comments, { name, access: { read: policy(later), write: policy(later) } }),
    ),
    defineResource(comments, { name: 'double', access: { read: not(later({ note: { null: true } })) } }),
    defineResource(comments, {
      name: 'or-own',
      access: {
        read: any(
          where(() => ({ line: 'c4' })),
          not(later(shapes.slug)),
        ),
      },
    }),
    defineResource(comments, { name: 'and-own', access: { read: not(later({ 'note.title': 'plan one', line: 'c4' })) } }),
    defineResource(notes, { name: 'not-red', tenant, access: { read: not(where(() => ({ 'tags.name': 'red' }))) } }),
  ],
})

describe.each(['the engine alone', 'with the wall'])('%s', (how) => {
  let app: TestApp
  beforeAll(async () => {
    isServing = false
    app = await testApp(definition, { url: testDatabase().url })
    actAs(app.app, callers)
    if (how === 'the engine alone') await takeWallDown(app.app)
    await seed(app.app)
    isServing = true
  })
  afterAll(() => app.close())

  const ids = async (who: string, path: string) => {
    const { status, body } = await app.get(`${path}?sort=id`, who === 'nobody' ? {} : { [header]: who })
    return status === 200 ? body.data.map(({ id }: { id: number }) => id) : status
  }
  const everybody = ['north', 'adaInSouth', 'homeless', 'star', 'nobody']

  test.each(Object.keys(absences))('%s opens nothing, to nobody', async (name) => {
    for (const who of everybody) {
      expect([[], 401, 403], `${who} lists`).toContainEqual(await ids(who, `/api/${name}`))
      const headers: Record<string, string> = who === 'nobody' ? {} : { [header]: who }
      for (const id of [1, 2]) {
        expect([401, 403, 404], `${who} gets ${id}`).toContain((await app.get(`/api/${name}/${id}`, headers)).status)
        expect([401, 403, 404], `${who} changes ${id}`).toContain((await app.patch(`/api/${name}/${id}`, { line: 'x' }, headers)).status)
      }
    }
  })

  test('what is turned twice asks for what is there', async () => {
    expect(await Promise.all(everybody.map((who) => ids(who, '/api/double')))).toEqual([[1, 3], [2, 4], [], [], []])
  })

  test('what else a policy lets is let', async () => {
    for (const who of everybody) expect(await ids(who, '/api/or-own')).toEqual([4])
    for (const who of everybody) expect(await ids(who, '/api/and-own')).toEqual([1, 2, 3])
  })

  test('records of the tenant may be chosen by what they have not', async () => {
    expect(await Promise.all(everybody.map((who) => ids(who, '/api/not-red')))).toEqual([[3], [4], 403, 403, 401])
  })
})

// Policies that cannot be: found at start, all at once, each with its place and the near name.

import { all, any, member, not, owner, permission, role, signedIn, where } from '../../auth/policies.ts'
import { expect, test } from 'vitest'
import { anonymousCaller, type Caller } from '../../core/caller.ts'
import { articles, memberships, organizations, users } from '../../../test/support/newsroom.ts'
import { readTable } from '../../model/read-table.ts'
import { compileResources } from '../compile.ts'
import { defineResource } from '../define.ts'

function problems(access: object, options: object = {}): string {
  const definition = defineResource(articles, { access, ...options } as never)
  const model = readTable(articles)
  const models = [model, ...[users, organizations, memberships].map((table) => readTable(table))]
  try {
    compileResources([{ definition, model }], models)
    return ''
  } catch (error) {
    expect(error).toMatchObject({ code: 'RESOURCE_INVALID_DEFINITION' })
    return (error as Error).message
  }
}

test('all mistakes are reported together, with file, resource and the word they stand under', () => {
  const message = problems({
    read: owner('autor_id'),
    update: any(role('editor'), member('title')),
    delete: member('organisation_id'),
    raed: signedIn,
    fields: { fe: signedIn, id: { read: role('x') }, fee: owner('author_id') },
  })
  for (const line of [
    'src/resource/access/mistakes.test.ts: resource "articles": access.read: owner: "autor_id" is not a field of "articles".',
    'access.update: member: "title" refers to no table, and is no key.',
    'access.delete: member: "organisation_id" is not a field of "articles".',
    'access: "raed" is not an operation. Perhaps you meant "read".',
    'access.fields.fe: "fe" is not a field of "articles". Perhaps you meant "fee".',
    'access.fields.id: the key is a part of every address',
    'access.fields.fee: a field is shown or not, whatever the row',
  ])
    expect(message).toContain(line)
})

test.each<[string, object, string]>([
  ['a word that is none', { read: { policy: 'members' } }, 'access.read: this is not a policy. There are anyone, nobody'],
  ['a word that was not called', { read: role }, 'access.read: a policy is a word such as signedIn'],
  ['a role without a name', { read: role() }, 'access.read: role() takes one or more names.'],
  ['a permission that is no name', { read: permission('') }, 'access.read: permission() takes one or more names.'],
  ['nothing in all', { read: not(all()) }, 'access.read: all() has no policy in it.'],
  ['a field that is hidden anyway', { read: signedIn, fields: { fee: role('x') } }, 'access.fields.fee: it is hidden from everybody.'],
  [
    'a role of members in a table without one',
    { read: member('organization_id', { through: 'articles', role: 'x' }) },
    '"articles" has no column "role"',
  ],
  [
    'a table of members that is not there',
    { read: member('organization_id', { through: 'membership' }) },
    'Perhaps you meant "memberships".',
  ],
  ['a user column that is not there', { read: member('organization_id', { through: 'memberships', user: 'who' }) }, 'a column "who"'],
  ['a condition on a field that is not there', { read: where(() => ({ stauts: 'x' })) }, 'where: "stauts" is not a field of "articles"'],
  ['a condition behind a relation that is not there', { read: where(() => ({ 'autor.name': 'x' })) }, 'where: "autor" is not a relation'],
  [
    'an operator that does not fit',
    { read: where(() => ({ fee: { contains: '1' } })) },
    'where: "contains" is not an operator of the field "fee"',
  ],
  ['a field compared with no values', { read: where(() => ({ fee: [] })) }, 'where: fee is compared with nothing'],
  ['a field compared with no operator', { read: where(() => ({ fee: {} })) }, 'where: fee is compared with nothing'],
  ['a field compared with a Set', { read: where(() => ({ fee: new Set([1]) as never })) }, 'where: fee is compared with nothing'],
  ['all of no conditions', { read: where(() => ({ and: [] })) }, 'where: "and" has no conditions'],
  [
    'a word of a field that is none',
    { read: signedIn, fields: { fee: { raed: signedIn } } },
    'access.fields.fee: "raed" is neither read nor write.',
  ],
  [
    'an owner who is no user',
    { read: owner('organization_id') },
    'owner: "organization_id" refers to "organizations", and not to "users".',
  ],
  ['a condition that is empty', { read: where(() => ({})) }, 'A condition of where() is true, false, or an object'],
  [
    'a condition that is a promise',
    { read: where((async () => ({ fee: 1 })) as never) },
    'A condition of where() is true, false, or an object',
  ],
  [
    'a condition that fails without a caller',
    { read: where(({ id }) => ({ title: (id as string).trim() })) },
    'for a caller who has not signed in',
  ],
  ['a condition that is no function', { read: where({ fee: 1 } as never) }, 'where() takes a function'],
])('%s is refused', (_what, access, line) => {
  expect(problems(access, line.includes('hidden') ? { hidden: ['fee'] } : {})).toContain(line)
})

test.each<[string, () => string]>([
  ['new Date', () => new Date().toISOString()],
  ['Date.now', () => String(Date.now())],
  ['Date as a function', () => Date()],
])('a condition that looks at the time is refused, because it is asked once for each caller: %s', (_what, now) => {
  const real = Date
  expect(problems({ read: where(() => ({ title: now() })) })).toContain(
    'where: the condition looks at the time. It is asked once for each caller',
  )
  expect(problems({ read: where(() => ({ title: new Date('2026-01-02').toISOString() })) })).toBe('')
  expect(problems({ read: where(() => (now(), true)) })).toContain('looks at the time')
  expect(Date).toBe(real)
})

test('conditions on what is hidden, and on tables that nobody exposes, are right', () => {
  const access = { read: where((who) => ({ 'author.name': { starts: 'A' }, fee: { gte: 1 }, organization_id: who.tenant })) }
  expect(problems(access, { hidden: ['fee'] })).toBe('')
  expect(problems({ read: member('organization_id') })).toBe('')
})

test('a condition that looks at the time for some callers only fails when it is asked about one, or says so where that is wanted', () => {
  const access = { read: where((who) => (who.roles.includes('editor') ? { title: { lte: new Date().toISOString() } } : false)) }
  const definition = defineResource(articles, { access })
  const model = readTable(articles)
  const [visitor, editor] = [anonymousCaller, { ...anonymousCaller, roles: ['editor'] }]
  const ask = (who: Caller, onTimed?: (problem: string) => void) => {
    const { resources, sights } = compileResources([{ definition, model }], [model], undefined, { onTimed })
    return sights.of(resources.get('articles') ?? expect.fail('There is no resource.'), who).decision.rows.list
  }
  const message = /mistakes\.test\.ts: resource "articles": where: the condition looks at the time\. It is asked once for each caller/
  expect(ask(visitor)).toBe(false)
  expect(() => ask(editor)).toThrow(message)
  const told: string[] = []
  expect(ask(editor, (problem) => told.push(problem))).toMatchObject({ type: 'all' })
  expect(told).toEqual(expect.arrayContaining([expect.stringMatching(message)]))
})

// Tenants that cannot be, and constraints that would tell one tenant what another has: found at start, each with what to write instead.

import { getTableName } from 'drizzle-orm'
import type { AnyPgColumn, PgTable, PgView } from 'drizzle-orm/pg-core'
import { anyone, defineApp, defineResource, type Policy, type ResourceDefinition, signedIn } from 'plinth'
import { date, eq, exists, integer, pgTable, pgView, primaryKey, serial, sql, text, unique, uniqueIndex, uuid } from 'plinth/db'
import { expect, test } from 'vitest'
import { readTable } from '../../model/read-table.ts'
import { type CompileOptions, compileResources } from '../compile.ts'
import { tenancy } from '../../../test/support/tenancy.ts'
import { readRegistry } from '../../app/create.ts'
import type { Registry } from '../registry.ts'
import { isSameForAll } from './same-for-all.ts'

const organizations = pgTable('organizations', { id: serial().primaryKey(), name: text() })
const others = pgTable('others', { id: serial().primaryKey() })
const organization_id = integer()
  .notNull()
  .references(() => organizations.id)
const id = serial().primaryKey()
const open = { read: anyone, write: anyone }

function problems(table: PgTable, tenant: unknown, more: readonly (readonly [PgTable | PgView, object])[] = [], tenants?: string): string {
  const definitions = [
    defineResource(table, { tenant: tenant as never, access: open }),
    ...more.map(([one, options]) => defineResource(one, options as never)),
  ]
  const models = new Map([table, organizations, others, ...more.map(([one]) => one)].map((one) => [one, readTable(one)]))
  try {
    const declarations = definitions.map((definition) => ({ definition, model: readTable(definition.table) }))
    const known = declarations.map((one) => ({
      ...one,
      model: [...models.values()].find(({ name }) => name === one.model.name) ?? one.model,
    }))
    compileResources(known, [...models.values()], undefined, { tenants: tenants ?? getTableName(organizations) })
    return ''
  } catch (error) {
    expect(error).toMatchObject({ code: 'RESOURCE_INVALID_DEFINITION' })
    return (error as Error).message
  }
}

function compiling(
  definitions: readonly ResourceDefinition[],
  tables: readonly PgTable[],
  options: CompileOptions = { tenants: 'organizations' },
) {
  const models = new Map(tables.map((table) => [table, readTable(table)]))
  const declarations = definitions.map((definition) => ({
    definition,
    model: models.get(definition.table as PgTable) ?? readTable(definition.table),
  }))
  return () => compileResources(declarations, [...models.values()], undefined, options)
}

test('a column that is right, with constraints that have it in them, is taken', () => {
  const table = pgTable('notes', { id, organization_id, slug: text(), email: text() }, (one) => [
    unique().on(one.organization_id, one.slug),
    uniqueIndex('notes_email').on(one.organization_id, sql`lower(${one.email})`),
    uniqueIndex('notes_live')
      .on(one.organization_id, one.slug)
      .where(sql`email is null`),
  ])
  expect(problems(table, 'organization_id')).toBe('')
  expect(problems(pgTable('notes', { id: uuid().primaryKey(), organization_id }), 'organization_id')).toBe('')
  expect(
    problems(
      pgTable('notes', { organization_id, code: text().notNull() }, (one) => [primaryKey({ columns: [one.organization_id, one.code] })]),
      'organization_id',
    ),
  ).toBe('')
  expect(readRegistry(tenancy).resources.get('notes')?.tenant?.name).toBe('organization_id')
})

test.each<[string, PgTable, string]>([
  [
    'is not there',
    pgTable('notes', { id, organisation_id: organization_id }),
    '"organization_id" is not a field of "notes". Perhaps you meant "organisation_id".',
  ],
  [
    'may be null',
    pgTable('notes', { id, organization_id: integer().references(() => organizations.id) }),
    "may be null, and a record without a tenant would be nobody's. Add .notNull().",
  ],
  ['holds several', pgTable('notes', { id, organization_id: integer().array().notNull() }), '"organization_id" holds several values'],
  [
    'is generated',
    pgTable('notes', {
      id,
      organization_id: integer()
        .notNull()
        .generatedAlwaysAs(sql`1`),
    }),
    '"organization_id" is made by the database',
  ],
  [
    'refers to nothing',
    pgTable('notes', { id, organization_id: integer().notNull() }),
    'is no foreign key to "organizations", which auth.tenants names. Add .references(() => organizations.id).',
  ],
  [
    'refers elsewhere',
    pgTable('notes', {
      id,
      organization_id: integer()
        .notNull()
        .references(() => others.id),
    }),
    'is no foreign key to "organizations"',
  ],
])('a column that %s is refused', (_what, table, line) => {
  expect(problems(table, 'organization_id')).toContain(`resource "notes": tenant: `)
  expect(problems(table, 'organization_id')).toContain(line)
})

test('where the application names no tenants, any column will do', () => {
  expect(problems(pgTable('notes', { id, organization_id: text().notNull() }), 'organization_id', [], 'no such table')).toBe('')
})

const slugs = pgTable('notes', { id, organization_id, slug: text().unique() })
const loose = pgTable('notes', { id, organization_id, email: text(), slug: text() }, (one) => [
  uniqueIndex('notes_email').on(sql`lower(${one.email})`),
  uniqueIndex('notes_live')
    .on(one.slug)
    .where(sql`email is null`),
])

test('what is unique over all tenants is refused by its name, with what to write instead', () => {
  expect(problems(slugs, 'organization_id')).toContain(
    'tenant: "notes_slug_key" is unique over all tenants: a 409 would tell one what another has. Write unique().on(table.organization_id, table.slug), or name it in sharedUniques.',
  )
  expect(problems(loose, 'organization_id')).toContain(
    '"notes_email" is unique over all tenants: a 409 would tell one what another has. Write uniqueIndex().on(table.organization_id, …)',
  )
  expect(problems(loose, 'organization_id')).toContain('Write uniqueIndex().on(table.organization_id, table.slug).where(…)')
})

test('what is shared on purpose is named, by the constraint or its only field, and has to be there', () => {
  const option = (...sharedUniques: string[]) => ({ field: 'organization_id', sharedUniques })
  expect(problems(slugs, option('slug'))).toBe('')
  expect(problems(slugs, option('notes_slug_key'))).toBe('')
  expect(problems(loose, option('notes_email', 'slug'))).toBe('')
  expect(problems(slugs, option('slug', 'slugg'))).toContain(
    'sharedUniques: nothing unique of "notes" is called "slugg". Perhaps you meant "slug".',
  )
})

test('a key that its maker chooses tells whether another tenant has it', () => {
  const chosen = pgTable('notes', { code: text().primaryKey(), organization_id })
  expect(problems(chosen, 'organization_id')).toContain('whoever chooses the key of a new record is told whether another tenant has it.')
  expect(problems(chosen, { field: 'organization_id', sharedUniques: ['code'] })).toBe('')
})

test('so does a key that the database makes where nobody says one, and that anybody may say', () => {
  const days = pgTable('days', { day: date().primaryKey().defaultNow(), organization_id })
  expect(problems(days, 'organization_id')).toContain('whoever chooses the key of a new record is told whether another tenant has it.')
})

test('a relation goes through no table of tenants that nobody has said to be theirs', () => {
  const [people, drugs] = [pgTable('people', { id }), pgTable('drugs', { id })]
  const ends = { person_id: integer().references(() => people.id), drug_id: integer().references(() => drugs.id) }
  const key = (one: { person_id: AnyPgColumn; drug_id: AnyPgColumn }) => [primaryKey({ columns: [one.person_id, one.drug_id] })]
  const clinics = pgTable('clinics', { id, organization_id })
  const shared = [people, drugs].map((table) => defineResource(table, { access: open }))
  const own = defineResource(clinics, { tenant: 'organization_id', access: open })
  const start = (link: PgTable, ...more: readonly ResourceDefinition[]) =>
    compiling([...shared, own, ...more], [organizations, people, drugs, clinics, link])
  const line = 'the relation "drugs" goes through "prescriptions", whose rows belong to tenants by'
  const ofTenant = pgTable('prescriptions', { ...ends, organization_id }, key)
  expect(start(ofTenant)).toThrow(`resource "people": tenant: ${line} "organization_id", and no resource says so.`)
  expect(start(ofTenant, defineResource(ofTenant, { tenant: false, access: open }))).not.toThrow()
  expect(
    start(
      ofTenant,
      defineResource(ofTenant, { tenant: { field: 'organization_id', sharedUniques: ['prescriptions_pkey'] }, access: open }),
    ),
  ).not.toThrow()
  const ofClinic = pgTable('prescriptions', { ...ends, clinic_id: integer().references(() => clinics.id) }, key)
  expect(start(ofClinic)).toThrow(`${line} "clinic_id"`)
  expect(start(pgTable('prescriptions', ends, key))).not.toThrow()
})

test('a uuid that is the key of a record of no tenant is known to whoever sees that', () => {
  const people = pgTable('people', { id: uuid().primaryKey() })
  const projects = pgTable('projects', { id: uuid().primaryKey(), organization_id })
  const person_id = uuid().references(() => people.id)
  const told = 'whoever chooses the key of a new record is told whether another tenant has it. Make it a uuid of its own or serial'
  const withPeople = (table: PgTable, tenant: unknown = 'organization_id') => problems(table, tenant, [[people, { access: open }]])
  const profiles = pgTable('profiles', { person_id: person_id.primaryKey(), organization_id })
  expect(withPeople(profiles)).toContain(told)
  expect(withPeople(profiles, { field: 'organization_id', sharedUniques: ['person_id'] })).toBe('')
  const days = { person_id: person_id.notNull(), organization_id, day: text().notNull() }
  expect(withPeople(pgTable('days', days, (one) => [primaryKey({ columns: [one.person_id, one.day] })]))).toContain(told)
  expect(withPeople(pgTable('days', days, (one) => [primaryKey({ columns: [one.organization_id, one.person_id, one.day] })]))).toBe('')
  const ofProject = pgTable('budgets', {
    project_id: uuid()
      .primaryKey()
      .references(() => projects.id),
    organization_id,
  })
  expect(problems(ofProject, 'organization_id', [[projects, { tenant: 'organization_id', access: open }]])).toBe('')
})

test('every resource of a table says the same', () => {
  const table = pgTable('notes', { id, organization_id })
  expect(problems(table, 'organization_id', [[table, { name: 'all_notes', access: open }]])).toContain(
    `resource "all_notes": tenant: records of "notes" belong to tenants, as "notes" says. Add tenant: 'organization_id'.`,
  )
  const two = pgTable('notes', { id, organization_id, other_id: organization_id })
  expect(problems(two, 'organization_id', [[two, { name: 'others', access: open, tenant: 'other_id' }]])).toContain(
    'A record has one tenant.',
  )
})

test('records with a foreign key to the tenants are theirs, or are said not to be', () => {
  const table = pgTable('notes', { id, organization_id })
  const line = `resource "notes": tenant: "notes" has a foreign key to "organizations", which auth.tenants names. Add tenant: 'organization_id', or tenant: false where`
  expect(problems(table, undefined)).toContain(line)
  expect(problems(table, false)).toBe('')
  expect(compiling([defineResource(table, { tenant: 'organization_id', access: {} })], [table, organizations])).not.toThrow()
  expect(problems(table, undefined, [], 'no such table')).toBe('')
  expect(problems(pgTable('notes', { id, other_id: integer().references(() => others.id) }), undefined)).toBe('')
  expect(problems(organizations, undefined)).toBe('')
  const child = pgTable('children', { id, parent_id: integer().references(() => organizations.id) })
  expect(problems(child, undefined)).toContain(`Add tenant: 'parent_id'`)
})

test('that they are not is no way around another resource that says so', () => {
  const table = pgTable('notes', { id, organization_id })
  expect(problems(table, 'organization_id', [[table, { name: 'all_notes', access: open, tenant: false }]])).toContain(
    `resource "all_notes": tenant: records of "notes" belong to tenants, as "notes" says. Add tenant: 'organization_id'.`,
  )
})

test('a view of their records says so, too, however it reads them', () => {
  const table = pgTable('notes', { id, organization_id })
  const views = [
    pgView('shown').as((select) => select.select({ id: table.id }).from(table)),
    pgView('shown').as((select) => select.select({ id: others.id }).from(others).leftJoin(table, eq(table.id, others.id))),
    pgView('shown').as((select) =>
      select
        .select({ id: others.id })
        .from(others)
        .where(exists(select.select({ id: table.id }).from(table))),
    ),
    pgView('shown').as((select) => {
      const inner = select.select({ id: table.id }).from(table).as('inner')
      return select.select({ id: inner.id }).from(inner)
    }),
    pgView('shown').as((select) => {
      const first = select.$with('first').as(select.select({ id: table.id }).from(table))
      return select.with(first).select({ id: first.id }).from(first)
    }),
    pgView('shown').as((select) => select.select().from(pgView('first').as((one) => one.select({ id: table.id }).from(table)))),
    pgView('shown', { id: integer() }).as(sql`select id from ${table}`),
  ]
  for (const view of views)
    expect(problems(table, 'organization_id', [[view, { access: { read: anyone } }]])).toContain(
      `resource "shown": tenant: "shown" reads "notes", whose records belong to tenants. Select its "organization_id", and add tenant: 'organization_id'.`,
    )
  const harmless = pgView('shown').as((select) => select.select({ id: others.id }).from(others))
  expect(problems(table, 'organization_id', [[harmless, { access: { read: anyone } }]])).toBe('')
})

test('a resource of the tenants themselves is told apart by their key, and makes none', () => {
  const own = (tenant: string, access: object) =>
    problems(organizations, tenant, []) +
    problems(pgTable('notes', { id, organization_id }), 'organization_id', [[organizations, { tenant, access }]])
  expect(own('name', { read: signedIn })).toContain(`"organizations" are the tenants, so it is their key: 'id'.`)
  expect(own('id', { read: signedIn })).toContain('a new record of "organizations" is a new tenant')
  expect(
    problems(pgTable('notes', { id, organization_id }), 'organization_id', [[organizations, { tenant: 'id', access: { read: signedIn } }]]),
  ).toBe('')
})

test('what depends on the tenant is believed by no browser without asking: the next one is shown at the same address', () => {
  const slow = (tenant: unknown) =>
    defineResource(slugs, { tenant: tenant as never, access: { read: anyone }, cacheControl: { maxAge: '1m' } })
  const start = (tenant: unknown) => () => readRegistry(defineApp({ name: 'x', resources: [slow(tenant)] }))
  expect(start({ field: 'organization_id', sharedUniques: ['slug'] })).toThrow(
    'cacheControl.maxAge: its replies depend on the tenant. Whoever changes to another asks at the same address',
  )
  expect(start(undefined)).not.toThrow()
  const own = defineResource(slugs, { tenant: { field: 'organization_id', sharedUniques: ['slug'] }, access: open })
  const leading = pgTable('leading', { id, slug_id: integer().references(() => slugs.id) })
  const leads = (read: Policy) => defineResource(leading, { access: { read }, cacheControl: { maxAge: '1m' } })
  const tables = [organizations, slugs, leading]
  const tooOld = 'resource "leading": cacheControl.maxAge'
  expect(compiling([own, leads(anyone)], tables)).toThrow(tooOld)
  expect(compiling([leads(signedIn)], tables)).toThrow(tooOld)
  expect(compiling([leads(anyone)], tables)).not.toThrow()
  expect(compiling([leads(signedIn)], tables, {})).not.toThrow()
})

test('what depends on the tenant is for no cache that several people share', () => {
  const shared = defineResource(slugs, {
    tenant: { field: 'organization_id', sharedUniques: ['slug'] },
    access: { read: anyone },
    cacheControl: { public: true },
  })
  expect(() => readRegistry(defineApp({ name: 'x', resources: [shared] }))).toThrow(
    'cacheControl.public needs reads that are open to anyone',
  )
  const users = pgTable('members', { id, note_id: integer().references(() => slugs.id) })
  const leads = defineResource(users, { access: { read: anyone }, cacheControl: { public: true } })
  const plain = defineResource(slugs, { tenant: { field: 'organization_id', sharedUniques: ['slug'] }, access: { read: anyone } })
  expect(() => readRegistry(defineApp({ name: 'x', resources: [plain, leads] }))).toThrow('its replies can include "notes"')
  const unknown = pgView('unknown', { id: integer() }).as(sql`select id from notes`)
  const viewed = (tenant?: false) =>
    readRegistry(
      defineApp({
        name: 'x',
        resources: [plain, defineResource(unknown, { tenant, access: { read: anyone }, cacheControl: { public: true } })],
      }),
    )
  expect(() => viewed()).toThrow('its replies can include "unknown", a view that may read records of tenants')
  expect(() => viewed(false)).not.toThrow()
  const registry = (tenant?: false) =>
    readRegistry(defineApp({ name: 'x', resources: [plain, defineResource(unknown, { tenant, access: { read: anyone } })] }))
  const isSame = ({ resources }: Registry) => [...resources.values()].filter(isSameForAll).map(({ name }) => name)
  expect([isSame(registry()), isSame(registry(false))]).toEqual([[], ['unknown']])
})

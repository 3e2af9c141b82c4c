import { integer, pgEnum, pgSchema, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { defineResource } from '../resource/define.ts'
import { anyone } from '../auth/policies.ts'
import { defineApp } from './define.ts'
import { readRegistry } from './create.ts'
import { readModels, schemaOf } from './models.ts'

const open = { read: anyone, write: anyone }
const mood = pgEnum('mood', ['good', 'bad'])
const countries = pgTable('countries', { id: serial().primaryKey(), name: text() })
const cities = pgTable('cities', { id: serial().primaryKey(), country_id: integer().references(() => countries.id), mood: mood() })

test('an application has the tables its resources expose and those their foreign keys lead to', () => {
  const { options } = defineApp({ name: 'a', resources: [defineResource(cities, { access: open })] })
  expect(readModels(options).models.map(({ name }) => name)).toEqual(['cities', 'countries'])
  expect(Object.values(schemaOf(options))).toEqual([cities, countries])
})

test('what a models file exports besides tables reaches migrations and no model', () => {
  const { options } = defineApp({ name: 'a', models: { mood, cities, countries }, resources: [] })
  expect(readModels(options).models.map(({ name }) => name)).toEqual(['cities', 'countries'])
  expect(schemaOf(options)).toEqual({ mood, cities, countries })
})

test('tables of one name in two schemas are two resources, each with its own relations', () => {
  const billing = pgSchema('billing')
  const accounts = pgTable('accounts', { id: serial().primaryKey() })
  const billed = billing.table('accounts', { id: serial().primaryKey() })
  const invoices = billing.table('invoices', { id: serial().primaryKey(), account_id: integer().references(() => billed.id) })
  const resources = [
    defineResource(accounts, { access: open }),
    defineResource(billed, { access: open }),
    defineResource(invoices, { access: open }),
  ]
  const registry = readRegistry(defineApp({ name: 'a', models: { accounts, billed, invoices }, resources }))
  expect([...registry.resources.keys()]).toEqual(['accounts', 'billing_accounts', 'invoices'])
  expect(registry.resources.get('invoices')?.relations.get('account')?.target.name).toBe('billing_accounts')
  expect([...(registry.resources.get('accounts')?.relations.keys() ?? [])]).toEqual([])
})

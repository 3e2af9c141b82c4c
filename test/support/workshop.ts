// An application with everything that a tenant's records can be: numbered and composite keys, trees, deleted records, association tables, views,
// caches, fields of some, a table without a column of the tenant, values that are unique in each, and tables that all share.

import { any, anyone, defineApp, defineResource, member, owner, role, signedIn, where, type ResourceDefinition } from 'plinth'
import { permissions, role_permissions, roles, userColumns, userRoles } from 'plinth/auth'
import {
  boolean,
  eq,
  foreignKey,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  pgView,
  primaryKey,
  serial,
  softDelete,
  text,
  timestamps,
  unique,
  uuid,
  varchar,
} from 'plinth/db'

const rank = pgEnum('rank', ['owner', 'member'])
const users = pgTable('users', { ...userColumns, nickname: text().notNull().default('') })
const user_roles = userRoles(users)
const countries = pgTable('countries', { code: varchar({ length: 8 }).primaryKey(), name: text().notNull() })
const firms = pgTable('firms', {
  id: serial().primaryKey(),
  name: text().notNull(),
  country_code: varchar({ length: 8 }).references(() => countries.code),
})
const staff = pgTable(
  'staff',
  {
    user_id: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    firm_id: integer()
      .notNull()
      .references(() => firms.id),
    role: rank().notNull(),
  },
  (table) => [unique().on(table.user_id, table.firm_id)],
)
const firm = {
  firm_id: integer()
    .notNull()
    .references(() => firms.id),
}
const machines = pgTable(
  'machines',
  {
    id: serial().primaryKey(),
    ...firm,
    code: text().notNull(),
    parent_id: integer(),
    keeper_id: uuid().references(() => users.id),
    country_code: varchar({ length: 8 }).references(() => countries.code),
    price: integer(),
    open: boolean().notNull().default(true),
    data: jsonb(),
    ...timestamps,
    ...softDelete,
  },
  (table) => [
    unique().on(table.firm_id, table.code),
    // A tree whose keys do not say that parent and child are of one firm: the engine has to.
    foreignKey({ columns: [table.parent_id], foreignColumns: [table.id] }),
  ],
)
const orders = pgTable(
  'orders',
  {
    ...firm,
    number: integer().notNull(),
    title: text().notNull(),
    status: rank().notNull(),
    machine_id: integer().references(() => machines.id),
  },
  (table) => [primaryKey({ columns: [table.firm_id, table.number] })],
)
const parts = pgTable('parts', { id: uuid().primaryKey().defaultRandom(), ...firm, name: text().notNull(), serial_number: text().unique() })
const machine_parts = pgTable(
  'machine_parts',
  {
    ...firm,
    machine_id: integer()
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
    part_id: uuid()
      .notNull()
      .references(() => parts.id, { onDelete: 'cascade' }),
  },
  (table) => [primaryKey({ columns: [table.machine_id, table.part_id] })],
)
/** Belongs to a firm by its machine alone. */
const remarks = pgTable('remarks', {
  id: serial().primaryKey(),
  machine_id: integer()
    .notNull()
    .references(() => machines.id),
  line: text().notNull(),
})
const open_machines = pgView('open_machines').as((query) =>
  query.select({ id: machines.id, firm_id: machines.firm_id, code: machines.code }).from(machines).where(eq(machines.open, true)),
)

const models = {
  rank,
  users,
  user_roles,
  roles,
  permissions,
  role_permissions,
  countries,
  firms,
  staff,
  machines,
  orders,
  parts,
  machine_parts,
  remarks,
  open_machines,
}
const open = { read: anyone, write: anyone }
const ofMyFirm = where((who) => ({ 'machine.firm_id': who.tenant }))

/** By name, so that a test can leave the tenant out of one. */
const definitions: Readonly<Record<string, ({ tenant }: { readonly tenant: false | 'firm_id' }) => ResourceDefinition>> = {
  machines: ({ tenant }) =>
    defineResource(machines, { tenant, access: { ...open, fields: { price: role('bookkeeper') } }, search: ['code'] }),
  orders: ({ tenant }) =>
    defineResource(orders, {
      tenant,
      access: { read: signedIn, write: any(member('firm_id', { role: 'owner' }), signedIn) },
      cache: { ttl: '1m' },
    }),
  parts: ({ tenant }) =>
    defineResource(parts, {
      tenant: tenant === false ? tenant : { field: tenant, sharedUniques: ['serial_number'] },
      access: open,
      cache: { ttl: '1m', near: '1s' },
      requireMatch: true,
    }),
  machine_parts: ({ tenant }) => defineResource(machine_parts, { tenant, access: open }),
  staff: ({ tenant }) => defineResource(staff, { tenant, access: { read: signedIn } }),
}

/** @param without  resource whose records are said to be nobody's alone */
export function workshop(without?: string) {
  const own = Object.entries(definitions).map(([name, define]) => define({ tenant: name === without ? false : 'firm_id' }))
  return defineApp({
    name: 'workshop',
    models,
    resources: [
      ...own,
      defineResource(open_machines, { ...(without === 'machines' ? {} : { tenant: 'firm_id' }), access: { read: anyone } }),
      defineResource(remarks, { access: { read: ofMyFirm, write: ofMyFirm } }),
      defineResource(firms, { access: { read: member('id'), update: member('id', { role: 'owner' }) } }),
      defineResource(countries, { access: { read: anyone } }),
      defineResource(users, { access: { read: owner('id') } }),
    ],
    auth: { users, userRoles: user_roles, roles: { bookkeeper: [] }, tenants: { table: firms, members: staff } },
    routes: [
      (fastify, { app }) => void fastify.get('/api/summary', async () => ({ records: (await app.resource('machines').list()).records })),
    ],
  })
}

// An application of two tenants whose records look alike. Every resource of theirs is open to anyone, so that nothing but the tenant keeps
// them apart; the comments belong to no tenant and lead to records that do.

import { anyone, defineApp, defineResource, owner, signedIn, where } from 'plinth'
import { type AnyPgColumn, integer, pgTable, pgView, primaryKey, serial, softDelete, text, unique } from 'plinth/db'
import { Client } from 'pg'
import type { App } from '../../src/app/create.ts'
import { tenantInForce } from '../../src/core/tenant.ts'
import { user } from './act-as.ts'

export const users = pgTable('users', { id: serial().primaryKey(), name: text().notNull() })
export const organizations = pgTable('organizations', { id: serial().primaryKey(), name: text().notNull() })

const organization_id = () =>
  integer()
    .notNull()
    .references(() => organizations.id)

export const memberships = pgTable(
  'memberships',
  {
    organization_id: organization_id(),
    user_id: integer()
      .notNull()
      .references(() => users.id),
  },
  (table) => [primaryKey({ columns: [table.organization_id, table.user_id] })],
)
export const projects = pgTable(
  'projects',
  { id: serial().primaryKey(), organization_id: organization_id(), name: text().notNull(), ...softDelete },
  (table) => [unique().on(table.organization_id, table.name)],
)
export const notes = pgTable(
  'notes',
  {
    id: serial().primaryKey(),
    organization_id: organization_id(),
    author_id: integer().references(() => users.id),
    project_id: integer().references(() => projects.id),
    parent_id: integer().references((): AnyPgColumn => notes.id),
    title: text().notNull(),
    slug: text(),
    ...softDelete,
  },
  (table) => [unique().on(table.organization_id, table.slug)],
)
export const tags = pgTable('tags', { id: serial().primaryKey(), organization_id: organization_id(), name: text().notNull() })
export const note_tags = pgTable(
  'note_tags',
  {
    organization_id: organization_id(),
    note_id: integer()
      .notNull()
      .references(() => notes.id),
    tag_id: integer()
      .notNull()
      .references(() => tags.id),
  },
  (table) => [primaryKey({ columns: [table.note_id, table.tag_id] })],
)
export const comments = pgTable('comments', {
  id: serial().primaryKey(),
  note_id: integer()
    .notNull()
    .references(() => notes.id),
  line: text().notNull(),
})
export const note_titles = pgView('note_titles').as((select) =>
  select.select({ id: notes.id, organization_id: notes.organization_id, title: notes.title }).from(notes),
)

export const models = { users, organizations, memberships, projects, notes, tags, note_tags, comments, note_titles }

/** The tenants in which hooks have run. */
export const inForce: string[] = []

const open = { read: anyone, write: anyone }
const tenant = 'organization_id'

export const resources = [
  defineResource(notes, { tenant, access: open, search: ['title'] }),
  defineResource(notes, { name: 'own_notes', tenant, access: { read: signedIn, write: owner('author_id') } }),
  defineResource(notes, { name: 'drafts', tenant, access: { read: where((who) => ({ author_id: who.id })), create: signedIn } }),
  defineResource(notes, { name: 'letters', tenant, access: { write: anyone } }),
  defineResource(notes, {
    name: 'hooked',
    tenant,
    access: open,
    hooks: {
      beforeWrite: (values) => {
        inForce.push(tenantInForce())
        const [word, to] = String(values.title).split(' ')
        return word === 'move'
          ? { ...values, organization_id: Number(to) }
          : word === 'file'
            ? { ...values, project_id: Number(to) }
            : values
      },
      afterCommit: () => void inForce.push(tenantInForce()),
    },
  }),
  defineResource(projects, { tenant, access: open }),
  defineResource(tags, { tenant, access: open }),
  defineResource(note_tags, { tenant, access: open }),
  defineResource(organizations, { tenant: 'id', access: { read: anyone, update: anyone } }),
  defineResource(note_titles, { tenant, access: { read: anyone } }),
  defineResource(comments, { access: open }),
  defineResource(users, { access: { read: anyone } }),
]

export const tenancy = defineApp({ name: 'tenancy', models, resources })

/** Ada belongs to both tenants and acts in one of them. */
export const callers = {
  north: user(1, { tenant: '1' }),
  south: user(2, { tenant: '2' }),
  adaInSouth: user(1, { tenant: '2' }),
  homeless: user(3),
  star: user(3, { tenant: '*' }),
  odd: user(3, { tenant: 'north' }),
  key: user(1, { tenant: '1', scopes: ['notes:read'] }),
}
export type Name = keyof typeof callers | 'nobody'

/** Odd keys are of tenant 1, even ones of tenant 2. */
const seedSql = `
  truncate users, organizations, memberships, projects, notes, tags, note_tags, comments restart identity cascade;
  insert into users (name) values ('Ada'), ('Alan'), ('Grace');
  insert into organizations (name) values ('North'), ('South');
  insert into memberships values (1, 1), (2, 1), (2, 2);
  insert into projects (organization_id, name) values (1, 'alpha'), (2, 'alpha'), (1, 'beta'), (2, 'gamma');
  insert into notes (organization_id, author_id, project_id, title, slug) values
    (1, 1, 1, 'plan one', 'a'), (2, 2, 2, 'plan two', 'a'), (1, 1, 3, 'list three', 'c'), (2, 1, 4, 'list four', 'd'),
    (1, 2, 1, 'plan five', 'e'), (2, 2, null, 'gone six', 'f');
  update notes set deleted_at = now() where id in (5, 6);
  insert into tags (organization_id, name) values (1, 'red'), (2, 'red');
  insert into note_tags values (1, 1, 1), (2, 2, 2);
  insert into comments (note_id, line) values (1, 'c1'), (2, 'c2'), (3, 'c3'), (4, 'c4')`

/** Runs SQL as the owner of the tables, whom nothing holds: without it, makes the records. */
export async function seed({ config }: Pick<App, 'config'>, sql = seedSql): Promise<void> {
  const client = new Client({ connectionString: config.database.url })
  await client.connect()
  try {
    await client.query(`set plinth.tenant = '*'`)
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Takes row-level security down, which would hide a fault of the engine: what a test says then, the engine alone holds. */
export async function takeWallDown(app: Pick<App, 'config'>): Promise<void> {
  await seed(
    app,
    `do $$ declare walled regclass; begin
       for walled in select polrelid from pg_policy where polname = 'plinth_tenant' loop
         execute format('alter table %s disable row level security', walled);
       end loop;
     end $$`,
  )
}

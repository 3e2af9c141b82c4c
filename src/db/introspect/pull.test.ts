// The whole way of `db pull`: a database becomes models, resources and a first migration, and nothing is lost on the way.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { scratchDatabase, testDatabase, testDatabases, type ScratchDatabase } from '../../../test/support/postgres.ts'
import { trackTables } from '../../../test/support/tracked.ts'
import { compareCatalogs, readCatalog } from '../migrate/catalog.ts'
import { readMigrations } from '../migrate/folder.ts'
import { downgrade, upgrade } from '../migrate/upgrade.ts'

import { dumpSchema } from './pull.ts'
import { readSchema } from './read-schema.ts'
import { renderModels } from './render-models.ts'

const run = promisify(execFile)
const repository = resolve(import.meta.dirname, '../../..')
const awkward = readFileSync(join(repository, 'test/support/awkward.sql'), 'utf8')

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined) // its database is dropped when the test ends
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

async function database(serverUrl: string, sql = ''): Promise<ScratchDatabase & { client: Client }> {
  const scratch = await scratchDatabase(serverUrl)
  onTestFinished(scratch.drop)
  const client = await connect(scratch.url)
  await client.query(sql)
  return { ...scratch, client }
}

/** An application folder that finds this package as `plinth`. */
async function applicationFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-pull-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'node_modules'))
  await symlink(repository, join(folder, 'node_modules/plinth'))
  await symlink(join(repository, 'node_modules/pg'), join(folder, 'node_modules/pg'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(repository, 'tsconfig.json'),
      compilerOptions: { noEmit: true, declaration: false, composite: false, rootDir: '/', types: [] },
      include: ['api'],
    }),
  )
  return folder
}

async function writeFiles(folder: string, files: readonly { path: string; content: string }[]): Promise<void> {
  for (const { path, content } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
}

/** Runs a script in the folder and returns what it printed last, parsed. */
async function script(folder: string, url: string, source: string): Promise<unknown> {
  await writeFile(join(folder, 'script.ts'), source)
  const { stdout } = await run(process.execPath, ['--conditions=source', 'script.ts'], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: url, LOG_LEVEL: 'silent', APP_ENV: 'testing' },
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null')
}

const room = (file: string): string => JSON.stringify(join(repository, 'src/db', file))

/** What the command does after it has written the files. */
const adopt = `
  import { Client } from 'pg'
  import * as models from './api/models/index.ts'
  import { writePulled } from ${room('introspect/pull.ts')}
  import { check } from ${room('migrate/check.ts')}
  import { stamp } from ${room('migrate/stamp.ts')}
  const client = new Client({ connectionString: process.env.DATABASE_URL })
  await client.connect()
  const revision = await writePulled('migrations', client, models)
  const stamped = await stamp(client, 'migrations', 'head')
  console.log(JSON.stringify({ revision, stamped, differences: await check(models, 'migrations') }))
  await client.end()`

/** The next change of the models, as somebody makes it who goes on from a pulled database. */
const change = `
  import { Client } from 'pg'
  import { integer, pgTable, text } from 'plinth/db'
  import * as models from './api/models/index.ts'
  import { planMigration, writeMigration } from ${room('migrate/plan.ts')}
  import { upgrade } from ${room('migrate/upgrade.ts')}
  const scratchpad = pgTable('scratchpad', { id: integer().primaryKey(), note: text().default('new') })
  const plan = await planMigration({ models: { ...models, scratchpad }, directory: 'migrations' })
  await writeMigration('migrations', 'note', plan)
  const client = new Client({ connectionString: process.env.DATABASE_URL })
  await client.connect()
  const applied = await upgrade(client, 'migrations')
  console.log(JSON.stringify({ up: plan.parts.map(({ up }) => up), warnings: plan.warnings, applied }))
  await client.end()`

const serve = `
  import { createApp, defineApp, readConfig } from 'plinth'
  import * as models from './api/models/index.ts'
  import * as resources from './api/resources/index.ts'
  const app = await createApp(defineApp({ name: 'pulled', models, resources }), readConfig(process.env, process.cwd()))
  const replies = {}
  for (const name of Object.values(resources).map((it) => it.options.name ?? it.table[Symbol.for('drizzle:Name')] ?? it.table[Symbol.for('drizzle:ViewBaseConfig')].name)) {
    replies[name] = (await app.inject('/api/' + name)).statusCode
  }
  const created = await app.inject({ method: 'POST', url: '/api/order_lines', payload: { 'Order Id': 1, 'Line No': 2, "What's up?": 'x', 'with.dot': 3 } })
  console.log(JSON.stringify({ replies, created: JSON.parse(created.body) }))
  await app.stop()`

describe.each(testDatabases())('on $name', ({ url: serverUrl }) => {
  test('an awkward database becomes files that type-check, start and agree with their migration', { timeout: 120_000 }, async () => {
    const { url, client } = await database(serverUrl, awkward)
    const folder = await applicationFolder()
    await writeFiles(folder, renderModels(await readSchema(client)))

    const { stdout } = await run(join(repository, 'node_modules/.bin/tsc'), ['-p', folder]).catch((error: { stdout: string }) => error)
    expect(stdout.split('\n').filter((line) => line.includes(`${folder}/`.slice(1)))).toEqual([])

    expect(await script(folder, url, adopt)).toEqual({ revision: '0001_pulled', stamped: ['0001_pulled'], differences: [] })
    const served = (await script(folder, url, serve)) as { replies: Record<string, number>; created: unknown }
    expect(Object.entries(served.replies).filter(([, status]) => status !== 200)).toEqual([])
    expect(Object.keys(served.replies)).toContain('line_notes')
    expect(served.created).toMatchObject({
      success: true,
      data: { 'Order Id': 1, 'Line No': 2, "What's up?": 'x', '2nd': null, 'with.dot': 3 },
    })

    expect(await script(folder, url, change)).toEqual({
      up: [[`ALTER TABLE "scratchpad" ADD COLUMN "note" text DEFAULT 'new';`]],
      warnings: [expect.stringContaining('not compared with a fresh schema')],
      applied: ['0002_note'],
    })

    const copy = await database(serverUrl)
    await upgrade(copy.client, join(folder, 'migrations'))
    expect(compareCatalogs(await readCatalog(client), await readCatalog(copy.client))).toEqual([])
    await downgrade(copy.client, join(folder, 'migrations'), { to: 'base' })
    expect([...(await readCatalog(copy.client)).keys()]).toEqual([])
  })
})

describe('the generated files', () => {
  let files: Map<string, string>

  beforeAll(async () => {
    const scratch = await scratchDatabase(testDatabase().url)
    const client = new Client({ connectionString: scratch.url })
    await client.connect()
    await client.query(awkward)
    files = new Map(renderModels(await readSchema(client)).map(({ path, content }) => [path, content]))
    await client.end()
    await scratch.drop()
  })

  const file = (path: string): string => files.get(path) ?? `no ${path} in ${[...files.keys()].join(' ')}`

  test('a plain table reads as if written by hand', () => {
    expect(file('api/models/orders.ts')).toBe(`// The table orders, made by "plinth db pull".

import { bigserial, foreignKey, integer, pgTable, type PgTableExtraConfigValue } from 'plinth/db'
import { invoices } from './invoices.ts'

export const orders = pgTable('orders', {
  id: bigserial({ mode: 'bigint' }).primaryKey(),
  invoice_id: integer(),
}, (table): PgTableExtraConfigValue[] => [
  foreignKey({ name: 'orders_invoice_id_fkey', columns: [table.invoice_id], foreignColumns: [invoices.id] }),
])
`)
  })

  test('what Drizzle cannot say is told in a comment, not lost in silence', () => {
    expect(file('api/models/invoices.ts')).toContain(' * In the database only: apart EXCLUDE USING gist (order_id WITH =, during WITH &&)')
    expect(file('api/models/invoices.ts')).toContain(
      ' * In the database only: CREATE INDEX invoices_covering ON public.invoices USING btree (order_id) INCLUDE (amount)',
    )
  })

  test('names that are no identifiers, reserved words and quotes are written so that they stay what they are', () => {
    expect(file('api/models/order_lines.ts')).toContain(`  "What's up?": text("What's up?").default('back\\\\slash \`tick'),`)
    expect(file('api/models/order_lines.ts')).toContain(`check('Order Lines_with.dot_check', sql\`("with.dot" > 0)\`)`)
    expect(file('api/models/user.ts')).toContain(
      `  class: text(),\n  constructor: text(),\n  proto__: text('__proto__'),\n  firstName: text(),`,
    )
  })

  test('types, defaults, identities and domains keep what they say', () => {
    const types = file('api/models/types_table.ts')
    for (const line of [
      'id: uuid().primaryKey().defaultRandom(),',
      `b: bigint({ mode: 'bigint' }).default(9007199254740993n),`,
      `c: numeric({ precision: 12, scale: 3 }).default('1.500'),`,
      'n: timestamp({ precision: 3 }).defaultNow(),',
      'k: date().default(sql`CURRENT_DATE`),',
      `p: interval({ fields: 'day to second', precision: 3 }),`,
      'af: bit_8(),',
      `am: shop_State().default('new').notNull(),`,
      'an: shop_Price().default(sql`0`).notNull(),',
      "ap: integer().default(sql`nextval('ticket_numbers'::regclass)`),",
      "aq: citext().array().default(sql`ARRAY['x'::citext]`),",
      'ar: text().generatedAlwaysAs(sql`shout((g)::text)`),',
    ])
      expect(types).toContain(`  ${line}\n`)
    expect(file('api/models/line_notes.ts')).toContain(`generatedAlwaysAsIdentity({ startWith: '1000', increment: '10', cache: 5 })`)
    expect(file('api/models/types.ts')).toContain(
      `export const shop_Price = customType<{ data: string }>({ dataType: () => 'shop."Price"' })`,
    )
  })

  test('tables of one name in two schemas, and tables named like builders, keep apart', () => {
    expect(file('api/models/types_table.ts')).toContain(`export const types = pgTable('types'`)
    expect(file('api/models/shop_types.ts')).toContain(`export const shop_types = shop.table('types'`)
    expect(file('api/resources/shop_types.ts')).toContain(`name: 'shop_types'`)
    expect(file('api/models/index_table.ts')).toContain(`export const index_table = pgTable('index'`)
  })

  test('views and tables without a key are for reading', () => {
    for (const name of ['paid', 'paid_totals', 'totals', 'no_key']) {
      expect(file(`api/resources/${name}.ts`)).toContain(`access: { read: anyone },\n  operations: ['list'],`)
    }
    expect(file('api/resources/orders.ts')).toContain('access: { read: anyone, write: anyone },')
  })

  test('partitions are not tables of their own', () => {
    expect([...files.keys()].filter((path) => path.includes('events'))).toEqual(['api/models/events.ts', 'api/resources/events.ts'])
    expect(file('api/models/events.ts')).toContain('/** In the database only: PARTITION BY RANGE (at) */')
  })
})

test('only the schemas that are asked for are pulled', async () => {
  const { client } = await database(testDatabase().url, awkward)
  const pulled = await readSchema(client, { schemas: ['shop'] })
  expect(pulled.relations.map(({ schema, name }) => `${schema}.${name}`)).toEqual(['shop.Paid Totals', 'shop.types'])
  const model = renderModels(pulled).find(({ path }) => path === 'api/models/types_table.ts')
  expect(model?.content).toContain('/** In the database only: types_user_id_fkey REFERENCES public.user, which was not pulled */')
})

test('a pull into a folder that has migrations is refused', async () => {
  const { client } = await database(testDatabase().url, 'CREATE TABLE t (id int)')
  const { writePulled } = await import('./pull.ts')
  const folder = await mkdtemp(join(tmpdir(), 'plinth-pull-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writePulled(folder, client, {})
  expect((await readMigrations(folder)).map(({ revision }) => revision)).toEqual(['0001_pulled'])
  expect(await readFile(join(folder, '0001_pulled/down.sql'), 'utf8')).toContain('-- WARNING: DROP TABLE public.t CASCADE drops its rows.')
  await expect(writePulled(folder, client, {})).rejects.toMatchObject({ code: 'PULL_MIGRATIONS_EXIST' })
})

test('what a cache has put into a database is left out', async () => {
  const { client } = await database(testDatabase().url)
  await trackTables(client, 'CREATE TABLE items (id integer PRIMARY KEY)', { versioned: ['items'], tracked: ['items'], fenced: ['items'] })
  const { relations } = await readSchema(client)
  expect(relations.map(({ name, columns }) => [name, columns.map((column) => column.name)])).toEqual([['items', ['id']]])
  expect(JSON.stringify(await dumpSchema(client))).not.toContain('plinth')
})

import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import {
  bigint,
  index,
  integer,
  pgEnum,
  pgSchema,
  pgSequence,
  pgTable,
  pgView,
  serial,
  text,
  uniqueIndex,
  varchar,
  type PgColumnBuilder,
  type PgTable,
} from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { testDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { check } from './check.ts'
import type { Models } from './differ.ts'
import { importTool } from './import-tool.ts'
import { emptyMigration, planMigration, writeMigration, type MigrationPlan, type PlanOptions } from './plan.ts'
import { parseRename, type RenameAnswer } from './renames.ts'
import { connect, editFile, scratchFolder, scratchUrl } from '../../../test/support/migrations.ts'
import { serverShadow } from './shadow.ts'
import { downgrade, upgrade } from './upgrade.ts'

type Options = Omit<PlanOptions, 'models' | 'directory'>

function plan(directory: string, models: Models, options: Options = {}): Promise<MigrationPlan> {
  return planMigration({ models, directory, shadow: serverShadow(testDatabase().url), ...options })
}

/** Plans, expects a migration and writes it. */
async function migrate(directory: string, models: Models, options: Options = {}): Promise<string[]> {
  const planned = await plan(directory, models, options)
  if (planned.kind !== 'migration') throw new Error(`Planned ${JSON.stringify(planned)}`)
  return writeMigration(directory, 'Next step', planned)
}

function read(directory: string, file: string): Promise<string> {
  return readFile(join(directory, file), 'utf8')
}

function rename(value: string, kind?: Parameters<typeof parseRename>[1]) {
  const answer = parseRename(value, kind)
  if (answer === undefined) throw new Error(value)
  return answer
}

const posts = pgTable('posts', { id: serial().primaryKey(), title: varchar({ length: 50 }).notNull() })

describe('writing', () => {
  test('a first migration becomes a folder with up.sql, down.sql and a snapshot that leaves nothing to do', async () => {
    const directory = await scratchFolder()
    expect(await migrate(directory, { posts })).toEqual(['0001_next_step'])
    expect((await readdir(join(directory, '0001_next_step'))).toSorted()).toEqual(['down.sql', 'snapshot.json', 'up.sql'])
    expect(await read(directory, '0001_next_step/up.sql')).toBe(
      '-- Up: made by "plinth db migrate". Change it as you like until it is applied.\n\n' +
        'CREATE TABLE "posts" (\n  "id" serial PRIMARY KEY,\n  "title" varchar(50) NOT NULL\n);\n',
    )
    expect(await read(directory, '0001_next_step/down.sql')).toContain(
      '-- WARNING: drops the table "posts" with its rows.\nDROP TABLE "posts";',
    )
    expect(await plan(directory, { posts })).toEqual({ kind: 'none' })
  })

  test('enums and schemas need not be exported to be migrated', async () => {
    const directory = await scratchFolder()
    const shop = pgSchema('shop')
    await migrate(directory, {
      orders: shop.table('orders', { id: serial().primaryKey(), state: shop.enum('state', ['new', 'paid'])().notNull() }),
    })
    const up = await read(directory, '0001_next_step/up.sql')
    expect(up).toContain('CREATE SCHEMA "shop"')
    expect(up).toContain(`CREATE TYPE "shop"."state" AS ENUM('new', 'paid')`)
  })

  test('a column type of an extension creates the extension', async () => {
    const directory = await scratchFolder()
    const people = pgTable('people', { id: serial().primaryKey(), name: text() }, (it) => [
      index('people_name').using('gin', it.name.op('gin_trgm_ops')),
    ])
    await migrate(directory, { people }, { shadow: serverShadow((testDatabases().at(-1) ?? testDatabase()).url) })
    expect(await read(directory, '0001_next_step/up.sql')).toContain('CREATE EXTENSION IF NOT EXISTS "pg_trgm";\n\nCREATE TABLE')
  })

  test('an empty migration is for SQL written by hand, and does not change what the models are compared with', async () => {
    const directory = await scratchFolder()
    await migrate(directory, { posts })
    expect(await writeMigration(directory, 'Fill titles', await emptyMigration(directory))).toEqual(['0002_fill_titles'])
    expect(await check({ posts }, directory)).toEqual([])
  })

  test('two things of one name are refused as a mistake in the models, and the process lives', async () => {
    const twice = pgTable('twice', { a: text() }, (it) => [index('same').on(it.a), index('same').on(it.a)])
    await expect(plan(await scratchFolder(), { twice })).rejects.toMatchObject({
      code: 'MIGRATE_INVALID_MODELS',
      message: expect.stringContaining('same'),
    })
  })

  test('models that PostgreSQL does not accept are refused with its reason', async () => {
    const broken = pgTable('broken', { a: integer().default(sql`now()`) })
    await expect(plan(await scratchFolder(), { broken })).rejects.toMatchObject({
      code: 'MIGRATE_INVALID_MODELS',
      message: expect.stringContaining('default expression is of type timestamp'),
    })
  })

  test('PGlite in memory is the shadow when none is given', { timeout: 60_000 }, async () => {
    const people = pgTable('people', { id: serial().primaryKey(), name: text() }, (it) => [
      index('people_name').using('gin', it.name.op('gin_trgm_ops')),
    ])
    const planned = await planMigration({ models: { people }, directory: await scratchFolder() })
    expect(planned).toMatchObject({ kind: 'migration', warnings: [] })
  })

  test('without a shadow that has the extension the migration says that it was not tried', async () => {
    const planned = await plan(await scratchFolder(), { posts }, { shadow: async () => undefined })
    expect(planned).toMatchObject({ kind: 'migration', warnings: [expect.stringContaining('not tried')] })
  })

  test('a missing package is told with the command that installs it', async () => {
    const missing = (): Promise<never> =>
      Promise.reject(Object.assign(new Error(`Cannot find package 'drizzle-kit' imported from here`), { code: 'ERR_MODULE_NOT_FOUND' }))
    await expect(importTool('drizzle-kit', missing)).rejects.toMatchObject({
      code: 'MIGRATE_TOOL_MISSING',
      hint: 'npm install --save-dev drizzle-kit',
    })
  })
})

test('quotes and large letters in names survive creation, renames, serials and the way down', async () => {
  const directory = await scratchFolder()
  const table = (name: string, column: string, key: 'integer' | 'serial'): PgTable =>
    pgTable(name, { 'Key"s': (key === 'serial' ? serial() : integer()).primaryKey(), [column]: text().unique() })
  await migrate(directory, { it: table('My "Table"', 'a "b"', 'integer') })
  const renames: RenameAnswer[] = [
    { kind: 'table', entity: 'Your "Table"', from: 'My "Table"' },
    { kind: 'column', entity: 'Your "Table".c "d"', from: 'Your "Table".a "b"' },
  ]
  await migrate(directory, { it: table('Your "Table"', 'c "d"', 'serial') }, { renames })
  expect(await read(directory, '0002_next_step/up.sql')).toContain('ALTER TABLE "Your ""Table""" RENAME COLUMN "a ""b""" TO "c ""d""";')
})

describe('renames', () => {
  const renamedColumn = pgTable('posts', { id: serial().primaryKey(), heading: varchar({ length: 50 }).notNull() })
  const renamedTable = pgTable('articles', { id: serial().primaryKey(), title: varchar({ length: 50 }).notNull() })

  test('a column that may be a renamed one becomes a question with the flag that answers it', async () => {
    const directory = await scratchFolder()
    await migrate(directory, { posts })
    expect(await plan(directory, { posts: renamedColumn })).toEqual({
      kind: 'questions',
      possibleRenames: [{ kind: 'column', entity: 'posts.heading', candidates: ['posts.title'], flags: ['--rename posts.title:heading'] }],
    })
  })

  test('an answered rename keeps the data, both ways', async () => {
    const directory = await scratchFolder()
    const client = await connect(await scratchUrl(testDatabase().url))
    await migrate(directory, { posts })
    await upgrade(client, directory)
    await client.query(`INSERT INTO posts (title) VALUES ('kept')`)
    await migrate(directory, { posts: renamedColumn }, { renames: [rename('posts.title:heading')] })
    await upgrade(client, directory)
    expect((await client.query('SELECT heading FROM posts')).rows).toEqual([{ heading: 'kept' }])
    await downgrade(client, directory)
    expect((await client.query('SELECT title FROM posts')).rows).toEqual([{ title: 'kept' }])
  })

  test('"no rename" makes it a loss, which has to be accepted by name', async () => {
    const directory = await scratchFolder()
    await migrate(directory, { posts })
    const refused = await plan(directory, { posts: renamedColumn }, { noRename: true })
    expect(refused).toMatchObject({ kind: 'refused', losses: [{ kind: 'column', name: 'posts.title', flag: '--allow-loss posts.title' }] })
    await migrate(directory, { posts: renamedColumn }, { noRename: true, acceptLoss: ['posts.title'] })
    expect(await read(directory, '0002_next_step/up.sql')).toContain(
      '-- WARNING: drops the column "posts.title" and what is in it.\nALTER TABLE "posts" DROP COLUMN "title";',
    )
  })

  test('one new column can be new and another renamed', async () => {
    const directory = await scratchFolder()
    const before = pgTable('t', { id: serial().primaryKey(), a: text(), b: text() })
    const after = pgTable('t', { id: serial().primaryKey(), c: text(), d: text() })
    await migrate(directory, { before })
    const answers = [rename('t.a:d'), { kind: 'column', entity: 't.c', from: null } as const]
    expect(await plan(directory, { after }, { renames: answers })).toMatchObject({ kind: 'refused', losses: [{ name: 't.b' }] })
  })

  test('what one answer has renamed is not offered for the next column', async () => {
    const directory = await scratchFolder()
    await migrate(directory, { posts })
    const after = pgTable('posts', { id: serial().primaryKey(), heading: varchar({ length: 50 }).notNull(), note: text(), more: text() })
    expect(await plan(directory, { after }, { renames: [rename('posts.title:heading')] })).toMatchObject({ kind: 'migration', losses: [] })
  })

  test('a renamed table takes its constraints, indexes and sequences along, so that their names stay those of the models', async () => {
    const directory = await scratchFolder()
    const before = pgTable('posts', { id: serial().primaryKey(), title: text().unique() })
    const after = pgTable('articles', { id: serial().primaryKey(), title: text().unique() })
    await migrate(directory, { before })
    await migrate(directory, { after }, { renames: [rename('posts:articles', 'table')] })
    const up = await read(directory, '0002_next_step/up.sql')
    expect(up).toContain('RENAME CONSTRAINT "posts_pkey" TO "articles_pkey"')
    expect(up).toContain('RENAME CONSTRAINT "posts_title_key" TO "articles_title_key"')
    expect(up).toContain('ALTER SEQUENCE "posts_id_seq" RENAME TO "articles_id_seq"')
  })

  test('a renamed column is followed by checks, generated columns and indexes instead of making them again', async () => {
    const directory = await scratchFolder()
    const table = (name: 'title' | 'heading'): PgTable =>
      pgTable(
        'posts',
        { id: serial().primaryKey(), [name]: text(), upper: text().generatedAlwaysAs(sql.raw(`upper("${name}")`)) },
        (it) => [uniqueIndex('posts_lower').on(sql`lower(${it[name]})`)],
      )
    await migrate(directory, { posts: table('title') })
    await migrate(directory, { posts: table('heading') }, { renames: [rename('posts.title:heading')] })
    expect((await read(directory, '0002_next_step/up.sql')).match(/^[A-Z].*/gm)).toEqual([
      'ALTER TABLE "posts" RENAME COLUMN "title" TO "heading";',
    ])
  })

  test('tables, enums, schemas and sequences are asked about too', async () => {
    const directory = await scratchFolder()
    const models = (schema: string, type: string, sequence: string, table: string): Models => {
      const place = pgSchema(schema)
      return { place, state: pgEnum(type, ['a']), numbers: pgSequence(sequence), table: place.table(table, { id: serial().primaryKey() }) }
    }
    await migrate(directory, models('shop', 'state', 'numbers', 'orders'))
    const asked = async (options: Options): Promise<unknown> => {
      const planned = await plan(directory, models('store', 'status', 'counters', 'orders'), options)
      return planned.kind === 'questions' && planned.possibleRenames.flatMap(({ flags }) => flags)
    }
    expect(await asked({})).toEqual(['--rename-schema shop:store'])
    expect(await asked({ renames: [rename('shop:store', 'schema')] })).toEqual([
      '--rename-enum state:status',
      '--rename-sequence numbers:counters',
    ])
    await migrate(directory, models('store', 'status', 'counters', 'orders'), {
      renames: [rename('shop:store', 'schema'), rename('state:status', 'enum'), rename('numbers:counters', 'sequence')],
    })
    expect((await read(directory, '0002_next_step/up.sql')).match(/^[A-Z].*/gm)).toEqual([
      'ALTER SCHEMA "shop" RENAME TO "store";',
      'ALTER TYPE "state" RENAME TO "status";',
      'ALTER SEQUENCE "numbers" RENAME TO "counters";',
    ])
  })

  test('a rename that matches nothing is refused with those that are possible', async () => {
    const directory = await scratchFolder()
    await migrate(directory, { posts })
    await expect(
      plan(directory, { posts: renamedColumn }, { renames: [rename('posts.titel:heading')], noRename: true }),
    ).rejects.toMatchObject({
      code: 'MIGRATE_UNKNOWN_RENAME',
      hint: expect.stringContaining('posts.title:posts.heading'),
    })
    await expect(plan(directory, { renamedTable }, { renames: [rename('posts.id:key')], noRename: true })).rejects.toMatchObject({
      code: 'MIGRATE_UNKNOWN_RENAME',
    })
  })
})

describe('losses', () => {
  const mood = (values: [string, ...string[]]) => pgEnum('mood', values)
  const table = (columns: Record<string, PgColumnBuilder>): Models => ({
    t: pgTable('t', { id: serial().primaryKey(), ...(columns as Record<string, ReturnType<typeof text>>) }),
  })

  test.each([
    ['dropping a table', { ...table({}), gone: pgTable('gone', { id: serial() }) }, table({}), 'gone'],
    ['dropping a column', table({ a: text() }), table({}), 't.a'],
    ['a shorter varchar', table({ a: varchar({ length: 20 }) }), table({ a: varchar({ length: 10 }) }), 't.a'],
    ['text to integer', table({ a: text() }), table({ a: integer() }), 't.a'],
    ['bigint to integer', table({ a: bigint({ mode: 'bigint' }) }), table({ a: integer() }), 't.a'],
    ['a scalar to an array', table({ a: text() }), table({ a: text().array() }), 't.a'],
    ['NOT NULL without a default', table({ a: text() }), table({ a: text().notNull() }), 't.a'],
    ['an enum value removed', table({ a: mood(['sad', 'ok'])() }), table({ a: mood(['ok'])() }), 'mood.sad'],
    ['a column that becomes a generated one', table({ a: text() }), table({ a: text().generatedAlwaysAs(sql`'x'`) }), 't.a'],
    ['dropping a schema', { ...table({}), x: pgSchema('x') }, table({}), 'x'],
    ['dropping a sequence', { ...table({}), s: pgSequence('s') }, table({}), 's'],
  ])('%s is refused until it is accepted by name', async (_, before: Models, after: Models, name) => {
    const directory = await scratchFolder()
    await migrate(directory, before)
    const refused = await plan(directory, after)
    expect(refused).toMatchObject({ kind: 'refused', losses: [{ name, flag: `--allow-loss ${name}` }] })
    expect(await plan(directory, after, { acceptLoss: ['other'] })).toEqual(refused)
    await migrate(directory, after, { acceptLoss: [name] })
    const up = await read(directory, '0002_next_step/up.sql')
    expect(up).toMatch(/-- WARNING: .*\n[A-Z]/)
  })

  test.each([
    ['a longer varchar', table({ a: varchar({ length: 10 }) }), table({ a: varchar({ length: 20 }) })],
    ['varchar to text', table({ a: varchar({ length: 10 }) }), table({ a: text() })],
    ['integer to bigint', table({ a: integer() }), table({ a: bigint({ mode: 'bigint' }) })],
    ['NOT NULL dropped', table({ a: text().notNull() }), table({ a: text() })],
    ['a new nullable column', table({}), table({ a: text() })],
    ['an enum value added', table({ a: mood(['ok'])() }), table({ a: mood(['sad', 'ok'])() })],
    ['a generated column dropped', table({ a: text().generatedAlwaysAs(sql`'x'`) }), table({})],
  ])('%s is no loss', async (_, before: Models, after: Models) => {
    const directory = await scratchFolder()
    await migrate(directory, before)
    expect(await plan(directory, after)).toMatchObject({ kind: 'migration', losses: [] })
  })

  test('NOT NULL with a default fills the rows that are NULL, and says so', async () => {
    const directory = await scratchFolder()
    const client = await connect(await scratchUrl(testDatabase().url))
    await migrate(directory, table({ a: text() }))
    await upgrade(client, directory)
    await client.query('INSERT INTO t (a) VALUES (NULL)')
    const planned = await plan(directory, table({ a: text().notNull().default('none') }))
    expect(planned).toMatchObject({ kind: 'migration', warnings: ['rows where "t.a" is NULL get its default'] })
    await migrate(directory, table({ a: text().notNull().default('none') }))
    await upgrade(client, directory)
    expect((await client.query('SELECT a FROM t')).rows).toEqual([{ a: 'none' }])
  })

  test('a column that becomes an identity goes on behind its highest value', async () => {
    const directory = await scratchFolder()
    const client = await connect(await scratchUrl(testDatabase().url))
    await migrate(directory, { t: pgTable('t', { id: serial().primaryKey(), n: integer() }) })
    await upgrade(client, directory)
    await client.query('INSERT INTO t (id) VALUES (41)')
    await migrate(directory, { t: pgTable('t', { id: integer().primaryKey().generatedByDefaultAsIdentity(), n: integer() }) })
    await upgrade(client, directory)
    expect((await client.query('INSERT INTO t (n) VALUES (1) RETURNING id')).rows).toEqual([{ id: 42 }])
  })

  test('a new column that rows cannot have is a warning', async () => {
    const directory = await scratchFolder()
    await migrate(directory, table({}))
    expect(await plan(directory, table({ a: text().notNull().unique() }))).toMatchObject({
      warnings: [
        'adding "t.a" NOT NULL without a default fails when the table has rows',
        '"t.t_a_key" fails when rows have the same values already',
      ],
    })
  })
})

describe('changes that need more than one migration', () => {
  test('a concurrent index on a table that is there gets a folder of its own, outside a transaction', async () => {
    const directory = await scratchFolder()
    const client = await connect(await scratchUrl(testDatabase().url))
    await migrate(directory, { posts })
    const indexed = pgTable('posts', { id: serial().primaryKey(), title: varchar({ length: 50 }).notNull(), body: text() }, (it) => [
      index('posts_title').on(it.title).concurrently(),
    ])
    expect(await migrate(directory, { posts: indexed })).toEqual(['0002_next_step', '0003_next_step_indexes'])
    expect(await read(directory, '0003_next_step_indexes/up.sql')).toMatch(
      /^-- plinth: no-transaction\n[\s\S]*CREATE INDEX CONCURRENTLY IF NOT EXISTS "posts_title" ON "posts" \("title"\);/,
    )
    await upgrade(client, directory)
    expect(await check({ posts: indexed }, directory)).toEqual([])
    expect(await downgrade(client, directory, { to: 'base' })).toEqual(['0003_next_step_indexes', '0002_next_step', '0001_next_step'])
  })

  test('a concurrent index on a new table is made with it', async () => {
    const directory = await scratchFolder()
    const indexed = pgTable('posts', { id: serial().primaryKey(), title: text() }, (it) => [
      index('posts_title').on(it.title).concurrently(),
    ])
    expect(await migrate(directory, { posts: indexed })).toEqual(['0001_next_step'])
    expect(await read(directory, '0001_next_step/up.sql')).toContain('CREATE INDEX "posts_title"')
  })

  test('an enum value that is used at once is added in a migration before', async () => {
    const directory = await scratchFolder()
    const client = await connect(await scratchUrl(testDatabase().url))
    const models = (values: [string, ...string[]]): Models => ({
      t: pgTable('t', { id: serial().primaryKey(), state: pgEnum('state', values)().default(values.at(-1) ?? '') }),
    })
    await migrate(directory, models(['new']))
    expect(await migrate(directory, models(['new', `can't`]))).toEqual(['0002_next_step_values', '0003_next_step'])
    await upgrade(client, directory)
    expect((await client.query('INSERT INTO t DEFAULT VALUES RETURNING state')).rows).toEqual([{ state: `can't` }])
  })
})

describe('branches', () => {
  const tags = pgTable('tags', { id: serial().primaryKey() })
  const notes = pgTable('notes', { id: serial().primaryKey() })

  /** Two people migrate from the same state, and git merges both folders. */
  async function branched(): Promise<string> {
    const [mine, theirs] = [await scratchFolder(), await scratchFolder()]
    await migrate(mine, { posts })
    for (const file of ['up.sql', 'down.sql', 'snapshot.json']) await copy(mine, theirs, `0001_next_step/${file}`)
    await migrate(mine, { posts, tags })
    const planned = await plan(theirs, { posts, notes })
    if (planned.kind === 'migration') await writeMigration(mine, 'Ours', { ...planned, parts: planned.parts })
    return mine
  }

  async function copy(from: string, to: string, file: string): Promise<void> {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(join(to, '0001_next_step'), { recursive: true })
    await editFile(to, file, await read(from, file))
  }

  test('two ends are joined by an empty migration when both together give the models', async () => {
    const directory = await branched()
    await expect(check({ posts, tags, notes }, directory)).rejects.toMatchObject({ code: 'MIGRATE_BRANCHED' })
    expect(await plan(directory, { posts, tags, notes })).toMatchObject({
      kind: 'migration',
      warnings: ['joins 0002_next_step and 0003_ours'],
    })
    await migrate(directory, { posts, tags, notes })
    expect(await check({ posts, tags, notes }, directory)).toEqual([])
  })

  test('two ends that do not give the models are refused with the difference', async () => {
    const directory = await branched()
    await expect(plan(directory, { posts, tags })).rejects.toMatchObject({
      code: 'MIGRATE_MERGE_DIFFERS',
      message: expect.stringContaining('table public.notes'),
    })
  })
})

describe('check', () => {
  test('says what the models have and the migrations do not', async () => {
    const directory = await scratchFolder()
    await migrate(directory, { posts })
    const changed = pgTable('posts', { id: serial().primaryKey(), title: text().default('x') }, (it) => [index('posts_title').on(it.title)])
    const view = pgView('titles').as((query) => query.select().from(changed))
    expect(await check({ changed, view, tags: pgTable('tags', { id: serial() }) }, directory)).toEqual([
      'table "tags" is new',
      'index "posts.posts_title" is new',
      'view "titles" is new',
      'column "posts.title": type varchar(50) → text',
      'column "posts.title": nullability NOT NULL → nullable',
      `column "posts.title": default none → 'x'`,
    ])
  })
})

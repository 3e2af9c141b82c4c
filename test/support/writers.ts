// Resources to write to: tables with every kind of constraint, compiled as an application compiles them, on a fresh database.

import { sql } from 'drizzle-orm'
import {
  boolean,
  char,
  check,
  foreignKey,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  serial,
  text,
  timestamp,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { pino } from 'pino'
import { createDatabase } from '../../src/db/create-database.ts'
import type { Database } from '../../src/db/database.ts'
import { readTable } from '../../src/model/read-table.ts'
import { compileResources } from '../../src/resource/compile.ts'
import { defineResource, type ResourceDefinition } from '../../src/resource/define.ts'
import { anyone } from '../../src/auth/policies.ts'
import { recordShaper } from '../../src/resource/record-shaper.ts'
import { writeBulk, writeRecord, type WrittenRecord } from '../../src/resource/write.ts'
import { compileWriter, type Writer } from '../../src/resource/writer.ts'
import type { BulkRequest, WriteRequest } from '../../src/resource/request.ts'
import { AppError } from '../../src/core/errors.ts'
import { scratchDatabase } from './postgres.ts'

export const authors = pgTable(
  'authors',
  { id: serial().primaryKey(), name: text().notNull(), email: varchar({ length: 40 }) },
  (table) => [unique('authors_email_key').on(table.email)],
)

export const posts = pgTable(
  'posts',
  {
    id: serial().primaryKey(),
    title: varchar({ length: 20 }).notNull(),
    slug: text().notNull(),
    price: numeric({ precision: 6, scale: 2 }),
    rating: integer().notNull().default(3),
    author_id: integer(),
    tags: text().array(),
    meta: jsonb(),
    secret: text(),
    double_rating: integer().generatedAlwaysAs(sql`rating * 2`),
    token: text().$defaultFn(() => 'made'),
    created_at: timestamp({ withTimezone: true }).notNull().defaultNow(),
    updated_at: timestamp({ withTimezone: true })
      .notNull()
      .defaultNow()
      .$onUpdate(() => new Date()),
    deleted_at: timestamp({ withTimezone: true }),
  },
  (table) => [
    unique('posts_slug_key').on(table.slug),
    check('posts_rating_check', sql`${table.rating} between 0 and 5`),
    foreignKey({ name: 'posts_author_id_fkey', columns: [table.author_id], foreignColumns: [authors.id] }),
  ],
)

export const lines = pgTable(
  'lines',
  { order_id: integer(), line: integer(), product: text().notNull(), quantity: integer().notNull().default(1), gift: boolean() },
  (table) => [primaryKey({ columns: [table.order_id, table.line] })],
)

export const notes = pgTable('notes', { id: uuid().primaryKey().defaultRandom(), code: char({ length: 3 }), note: text() })

const ddl = `
  create table authors (id serial primary key, name text not null, email varchar(40), constraint authors_email_key unique (email));
  create table posts (
    id serial primary key, title varchar(20) not null, slug text not null constraint posts_slug_key unique, price numeric(6, 2),
    rating integer not null default 3 constraint posts_rating_check check (rating between 0 and 5),
    author_id integer constraint posts_author_id_fkey references authors (id), tags text[], meta jsonb, secret text,
    double_rating integer generated always as (rating * 2) stored, token text,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now(), deleted_at timestamptz);
  create table lines (
    order_id integer, line integer, product text not null, quantity integer not null default 1, gift boolean, primary key (order_id, line));
  create table notes (id uuid primary key default gen_random_uuid(), code char(3), note text);
`

const open = { read: anyone, write: anyone } as const

export const plainDefinitions: readonly ResourceDefinition[] = [
  defineResource(authors, { access: open }),
  defineResource(posts, { access: open, hidden: ['secret'] }),
  defineResource(lines, { access: open }),
  defineResource(notes, { access: open, bulk: { max: 1500 } }),
]

/** What one database and its resources can do in a test. */
export interface Workbench {
  readonly db: Database
  /** Texts of the statements that were run since the last `clear`, transaction control left out. */
  readonly statements: string[]
  /** What the log was told, as JSON lines. */
  readonly logged: string[]
  writer(resource: string): Writer
  write(resource: string, request: WriteRequest): Promise<Saved | undefined>
  bulk(resource: string, request: BulkRequest): Promise<Record<string, unknown>[]>
  /** The error of a write that must fail. */
  refusal(work: Promise<unknown>): Promise<AppError>
  rows(query: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export interface Saved extends WrittenRecord {
  readonly record: Record<string, unknown>
}

const testConfig = {
  root: '.',
  env: 'testing',
  replicaUrls: [],
  replicaMaxLagMs: 5_000,
  poolSize: 20,
  readerConnections: 1,
  reader: 'pg',
  connectTimeoutMs: 5000,
  statementTimeoutMs: 10_000,
  lockTimeoutMs: 10_000,
  idleInTransactionTimeoutMs: 10_000,
  migrationLockTimeoutMs: 1000,
} as const

const context = { requestId: 'request-1' }

/** A fresh database with the tables above, or with those of `tables`; `definitions` replace the plain resources. */
export async function workbench(
  serverUrl: string,
  definitions: readonly ResourceDefinition[] = plainDefinitions,
  tables = ddl,
): Promise<Workbench> {
  const scratch = await scratchDatabase(serverUrl)
  const logged: string[] = []
  const db = await createDatabase({ ...testConfig, url: scratch.url }, pino({}, { write: (line) => void logged.push(line) }))
  await db.query(tables)
  const statements: string[] = []
  const writers = compileWriters(recording(db, statements), definitions)
  const writer = (resource: string): Writer => writers.get(resource) as Writer
  return {
    db,
    statements,
    logged,
    writer,
    async write(resource, request) {
      const written = await writeRecord(writer(resource), request, context)
      return written === undefined ? undefined : { ...written, record: JSON.parse(written.json.toString()) as Record<string, unknown> }
    },
    async bulk(resource, request) {
      const { json } = await writeBulk(writer(resource), request, context)
      return JSON.parse(json.toString()) as Record<string, unknown>[]
    },
    refusal,
    rows: (query) => db.query(query),
    async close() {
      await db.close()
      await scratch.drop()
    },
  }
}

function compileWriters(db: Database, definitions: readonly ResourceDefinition[]): Map<string, Writer> {
  const declarations = definitions.map((definition) => ({ definition, model: readTable(definition.table) }))
  const others = [authors, posts, lines, notes]
    .map((table) => readTable(table))
    .filter(({ name }) => !declarations.some(({ model }) => model.name === name))
  const { resources } = compileResources(declarations, [...declarations.map(({ model }) => model), ...others])
  return new Map([...resources].map(([name, resource]) => [name, compileWriter(db, resource, recordShaper(resource))]))
}

/** The same database, noting what it is asked to run. */
function recording(db: Database, statements: string[]): Database {
  return new Proxy(db, {
    get(target, name: keyof Database) {
      const method = target[name] as (...args: unknown[]) => unknown
      return (...args: unknown[]) => {
        if (name === 'write' || name === 'read') statements.push((args[0] as { readonly text: string }).text)
        return method.apply(target, args)
      }
    },
  })
}

async function refusal(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => new Error('It was not refused.'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof AppError) return error
  throw error
}

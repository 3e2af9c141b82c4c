// Random pairs of schemas: the migration between them must go up, down and up again, and give what a fresh creation gives.
// This is how every fault named in obstacles.ts, enum-change.ts and repair.ts was found.

import { sql, type SQL } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  check,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  pgView,
  serial,
  text,
  timestamp,
  uniqueIndex,
  uuid,
  varchar,
  type AnyPgColumn,
  type PgColumnBuilder,
  type PgEnum,
  type PgTable,
} from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../../../test/support/postgres.ts'
import { snapshotOf, type Models } from './differ.ts'
import { planChange } from './plan.ts'
import type { Renaming } from './relocate.ts'
import { serverShadow, type Shadow } from './shadow.ts'
import type { Tracking } from './tracking.ts'
import { tryMigration } from './trial.ts'

type Key = 'serial' | 'bigserial' | 'identity' | 'uuid' | 'integer'

interface Column {
  name: string
  type: string
  notNull: boolean
  fallback: boolean
  unique: boolean
  /** Made from this column when set. */
  from?: string
}

interface Table {
  name: string
  key: Key
  columns: Column[]
  indexes: { column: string; kind: 'plain' | 'unique' | 'lower' | 'partial' | 'concurrent' }[]
  checked?: string
  parent?: string
  viewed?: boolean
}

interface Spec {
  enums: Record<string, string[]>
  tables: Table[]
}

/** mulberry32: small, seeded, good enough to choose with. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class Chooser {
  readonly #next: () => number
  constructor(seed: number) {
    this.#next = random(seed)
  }

  one<item>(items: readonly [item, ...item[]] | readonly item[]): item {
    const [chosen] = items.slice(Math.floor(this.#next() * items.length)) as [item] // callers pass at least one
    return chosen
  }

  chance(probability: number): boolean {
    return this.#next() < probability
  }
}

const types = [
  'integer',
  'bigint',
  'text',
  'varchar10',
  'varchar20',
  'boolean',
  'timestamp',
  'numeric',
  'jsonb',
  'uuid',
  'e1',
  'e1[]',
  'e2',
  'text[]',
]
const fallbacks: Record<string, unknown> = {
  integer: 0,
  bigint: 7n,
  text: "it's",
  varchar10: 'x',
  varchar20: 'y',
  boolean: false,
  timestamp: sql`now()`,
  numeric: '1.50',
  jsonb: { a: 1 },
  uuid: sql`gen_random_uuid()`,
  'text[]': ['a', 'b'],
}
const values = ['new', 'open', 'done', 'late', "can't"]
const keys: Key[] = ['serial', 'bigserial', 'identity', 'uuid', 'integer']

function newColumn(choose: Chooser, name: string): Column {
  return { name, type: choose.one(types), notNull: choose.chance(0.4), fallback: choose.chance(0.5), unique: choose.chance(0.15) }
}

function newTable(choose: Chooser, name: string): Table {
  const columns = ['a', 'b', 'c', 'd'].filter(() => choose.chance(0.7)).map((column) => newColumn(choose, column))
  return { name, key: choose.one(keys), columns: columns.length === 0 ? [newColumn(choose, 'a')] : columns, indexes: [] }
}

function newSpec(choose: Chooser): Spec {
  const spec: Spec = {
    enums: { e1: values.slice(0, 3), e2: values.slice(1, 4) },
    tables: ['t1', 't2', 't3'].filter(() => choose.chance(0.8)).map((name) => newTable(choose, name)),
  }
  for (let step = 0; step < 5; step++) mutate(choose, spec)
  return spec
}

/** One edit, as a user would make it. */
function mutate(choose: Chooser, spec: Spec): void {
  const table = spec.tables.length > 0 ? choose.one(spec.tables) : undefined
  const column = table && choose.one(table.columns)
  const edits: (() => void)[] = [
    () => void (spec.tables.some(({ name }) => name === 't4') || spec.tables.push(newTable(choose, 't4'))),
    () => void (spec.enums['e1'] = values.filter(() => choose.chance(0.7)).concat('last')),
    () => void spec.enums['e2']?.splice(choose.one([0, 1]), 0, choose.one(['x', 'y', 'z'])),
    () => void (spec.enums['e2'] = [...new Set(spec.enums['e2'])].slice(0, 4)),
  ]
  if (table && column) {
    edits.push(
      () => void (spec.tables.length > 1 && spec.tables.splice(spec.tables.indexOf(table), 1)),
      () => void (table.columns.some(({ name }) => name === 'e') || table.columns.push(newColumn(choose, 'e'))),
      () => void (table.columns.length > 1 && table.columns.splice(table.columns.indexOf(column), 1)),
      () => void (column.type = choose.one(types)),
      () => void (column.type = choose.one(types)),
      () => void (column.notNull = !column.notNull),
      () => void (column.fallback = !column.fallback),
      () => void (column.unique = !column.unique),
      () => void (table.key = choose.one(keys)),
      () => void table.indexes.push({ column: column.name, kind: choose.one(['plain', 'unique', 'lower', 'partial', 'concurrent']) }),
      () => void table.indexes.pop(),
      () => void (table.checked = choose.one([undefined, column.name])),
      () => void (table.parent = choose.one([undefined, choose.one(spec.tables).name])),
      () => void (table.viewed = !table.viewed),
      () =>
        void table.columns.push({
          name: `made_${column.name}`,
          type: 'text',
          notNull: false,
          fallback: false,
          unique: choose.chance(0.2),
          from: column.name,
        }),
    )
  }
  choose.one(edits)()
  spec.enums['e2'] = [...new Set(spec.enums['e2'])]
  for (const it of spec.tables)
    it.columns = it.columns.filter(({ name }, position) => it.columns.findIndex((other) => other.name === name) === position)
}

/** Text of a column inside a generated one must be immutable, which casts of enums, arrays and times are not. */
const immutable = new Set(['integer', 'bigint', 'text', 'varchar10', 'varchar20', 'boolean', 'numeric', 'uuid'])

function modelsOf(spec: Spec): Models {
  const enums = Object.fromEntries(Object.entries(spec.enums).map(([name, list]) => [name, pgEnum(name, list as [string, ...string[]])]))
  const tables: Record<string, PgTable> = {}
  const views: Models = Object.fromEntries(
    spec.tables
      .filter(({ viewed }) => viewed)
      .map((table) => [`v_${table.name}`, pgView(`v_${table.name}`, {}).as(sql.raw(viewText(table)))]),
  )
  for (const table of spec.tables) tables[table.name] = tableOf(table, spec, enums, tables)
  return { ...enums, ...tables, ...views }
}

function viewText(table: Table): string {
  return `select ${['id', ...table.columns.filter((column) => usable(column, table)).map(({ name }) => name)].map((name) => `"${name}"`).join(', ')} from "${table.name}"`
}

function tableOf(table: Table, spec: Spec, enums: Record<string, PgEnum<[string, ...string[]]>>, tables: Record<string, PgTable>): PgTable {
  const parent = spec.tables.find(({ name }) => name === table.parent)
  const columns: Record<string, PgColumnBuilder> = { id: keyOf(table.key) }
  for (const column of table.columns) if (usable(column, table)) columns[column.name] = columnOf(column, spec, enums)
  if (parent)
    columns['parent_id'] = referenceOf(parent.key).references((): AnyPgColumn => (tables[parent.name] as PgTable & { id: AnyPgColumn }).id)
  return pgTable(table.name, columns as Record<string, ReturnType<typeof text>>, (it) => {
    const has = (name: string): boolean => name in columns
    const indexes = table.indexes
      .filter(({ column }) => has(column))
      .map(({ column, kind }, position) => indexOf(`${table.name}_i${position}`, kind, it[column] as AnyPgColumn))
    return table.checked !== undefined && has(table.checked)
      ? [...indexes, check(`${table.name}_check`, sql`${it[table.checked]} is not null`)]
      : indexes
  })
}

function usable(column: Column, table: Table): boolean {
  const source = table.columns.find(({ name }) => name === column.from)
  return column.from === undefined || (source !== undefined && source.from === undefined && immutable.has(source.type))
}

function keyOf(key: Key): PgColumnBuilder {
  if (key === 'serial') return serial().primaryKey()
  if (key === 'bigserial') return bigserial({ mode: 'number' }).primaryKey()
  if (key === 'identity') return integer().primaryKey().generatedAlwaysAsIdentity()
  return key === 'uuid' ? uuid().primaryKey().defaultRandom() : integer().primaryKey()
}

function referenceOf(key: Key): ReturnType<typeof integer> {
  const builder = key === 'uuid' ? uuid() : key === 'bigserial' ? bigint({ mode: 'number' }) : integer()
  return builder as unknown as ReturnType<typeof integer> // only `.references` is called
}

function columnOf(column: Column, spec: Spec, enums: Record<string, PgEnum<[string, ...string[]]>>): PgColumnBuilder {
  if (column.from !== undefined) return text().generatedAlwaysAs(sql.raw(`"${column.from}"::text`))
  const name = column.type.replace('[]', '')
  let builder = (name in enums ? enums[name]?.() : plain(name)) as ReturnType<typeof text>
  if (column.type.endsWith('[]')) builder = builder.array()
  if (column.fallback) builder = builder.default(fallbackOf(column.type, spec) as SQL)
  if (column.notNull) builder = builder.notNull()
  return column.unique && column.type !== 'jsonb' ? builder.unique() : builder
}

function fallbackOf(type: string, spec: Spec): unknown {
  const list = spec.enums[type.replace('[]', '')]
  if (list === undefined) return fallbacks[type]
  return type.endsWith('[]') ? [list[0]] : list.at(-1)
}

function plain(type: string): unknown {
  if (type === 'integer') return integer()
  if (type === 'bigint') return bigint({ mode: 'bigint' })
  if (type.startsWith('varchar')) return varchar({ length: Number(type.slice(7)) })
  if (type === 'numeric') return numeric({ precision: 10, scale: 2 })
  return { text, boolean, timestamp, jsonb, uuid }[type as 'text']()
}

function indexOf(name: string, kind: Table['indexes'][number]['kind'], column: AnyPgColumn): ReturnType<ReturnType<typeof index>['on']> {
  if (kind === 'unique') return uniqueIndex(name).on(sql`(${column} is null)`)
  if (kind === 'lower')
    return index(name).on(column.getSQLType() === 'text' && !column.dimensions ? sql`lower(${column})` : sql`(${column} is null)`)
  if (kind === 'partial')
    return index(name)
      .on(sql`(1)`)
      .where(sql`${column} is not null`)
  const built = index(name).on(column.getSQLType() === 'jsonb' ? sql`(${column} is null)` : column)
  return kind === 'concurrent' ? built.concurrently() : built
}

/** Half of the runs rename a table and a column on the way. */
function renamed(choose: Chooser, spec: Spec): { spec: Spec; renamings: Renaming[] } {
  const copy = structuredClone(spec)
  const table = copy.tables[0]
  const column = table?.columns[0]
  if (!table || !column || !choose.chance(0.5)) return { spec: copy, renamings: [] }
  const old = { table: table.name, column: column.name }
  table.name = 'renamed'
  column.name = 'changed'
  for (const it of copy.tables) if (it.parent === old.table) it.parent = 'renamed'
  for (const it of table.columns) if (it.from === old.column) it.from = 'changed'
  for (const it of table.indexes) if (it.column === old.column) it.column = 'changed'
  if (table.checked === old.column) table.checked = 'changed'
  const wasMade = column.from !== undefined
  return {
    spec: copy,
    renamings: [
      { type: 'rename', kind: 'table', from: ['public', old.table], to: ['public', 'renamed'] },
      ...(wasMade
        ? []
        : [{ type: 'rename' as const, kind: 'column', from: ['public', 'renamed', old.column], to: ['public', 'renamed', 'changed'] }]),
    ],
  }
}

/** Every table may be cached, and may be of tenants by any of its columns, whatever else happens to it. */
function newTracking(choose: Chooser, { tables }: Spec): Tracking {
  const some = (): string[] => tables.filter(() => choose.chance(0.4)).map(({ name }) => `public.${name}`)
  const columnOf = (table: Table): string => choose.one(['id', ...table.columns.filter((it) => usable(it, table)).map(({ name }) => name)])
  const walled = tables.filter(() => choose.chance(0.4)).map((table) => [`public.${table.name}`, columnOf(table)] as const)
  return { versioned: some(), tracked: some(), fenced: some(), walled: Object.fromEntries(walled) }
}

let shadow: Shadow

beforeAll(async () => {
  const opened = await serverShadow(testDatabase().url)([])
  if (opened === undefined) throw new Error('no shadow')
  shadow = opened
})
afterAll(() => shadow.close())

async function tryPair(seed: number, edits: number): Promise<void> {
  const choose = new Chooser(seed)
  const old = newSpec(choose)
  const { spec, renamings } = renamed(choose, old)
  for (let edit = 0; edit < edits; edit++) mutate(choose, spec)
  const kept = renamings.filter(({ kind, to }) => {
    const table = spec.tables.find(({ name }) => name === 'renamed')
    if (spec.tables.some(({ name }) => name === renamings[0]?.from[1]) || table?.columns.some(({ name }) => name === renamings[1]?.from[2]))
      return false
    return table !== undefined && (kind === 'table' || table.columns.some((column) => column.name === to[2] && usable(column, table)))
  })
  const before = await snapshotOf(modelsOf(old), [], newTracking(choose, old))
  const after = await snapshotOf(modelsOf(spec), [before.id], newTracking(choose, spec))
  const parts = await planChange(before, after, kept)
  try {
    const isCompared = await tryMigration(shadow.connection, {
      before,
      after,
      history: [],
      files: parts.map(({ upSql, downSql }) => ({ up: upSql, down: downSql })),
    })
    expect(isCompared).toBe(true)
  } catch (error) {
    const texts = parts.map(({ upSql, downSql }) => `${upSql}\n${downSql}`)
    throw new Error(`${error instanceof Error ? error.message : ''}\n${texts.join('\n')}`, { cause: error })
  }
}

const runs = Number(process.env['PLINTH_FUZZ_RUNS'] ?? 40)

test(`${runs} random changes of a schema go up, down and up again`, { timeout: 60_000 + runs * 2_000 }, async () => {
  const pairs = fc.record({ seed: fc.integer(), edits: fc.integer({ min: 1, max: 8 }) })
  await fc.assert(
    fc.asyncProperty(pairs, ({ seed, edits }) => tryPair(seed, edits)),
    {
      numRuns: runs,
      seed: Number(process.env['PLINTH_FUZZ_SEED'] ?? 20_261_121),
      endOnFailure: false,
    },
  )
  expect(runs).toBeGreaterThan(0)
})

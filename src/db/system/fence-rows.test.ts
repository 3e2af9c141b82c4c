import { bigint, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../test/support/database.ts'
import { scratchDatabase, testDatabases } from '../../../test/support/postgres.ts'
import { createSchema } from '../../testing/create-schema.ts'
import type { Database } from '../database.ts'

const owners = pgTable('owners', { id: integer().primaryKey() })
const things = pgTable('things', {
  id: integer().primaryKey(),
  name: text(),
  owner_id: integer().references(() => owners.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
})
const lines = pgTable('lines', { z: bigint({ mode: 'number' }), a: text(), note: text() }, (table) => [
  primaryKey({ columns: [table.z, table.a] }),
])
const ids = pgTable('Odd "ids"', { id: uuid().primaryKey() })
const fenced = ['public.things', 'public.lines', 'public.Odd "ids"']

const fenceOn = { settings: { 'plinth.fenced': 'on' } }

interface Fencing {
  readonly xid: string
  readonly touched: string
  readonly state: string
}

/** Rows noted by `work` in a fenced transaction, by table. */
async function touchedBy(db: Database, work: () => Promise<unknown>): Promise<string[]> {
  return db.transaction(async () => {
    await work()
    const [fencing] = await db.query<Fencing>('select * from plinth.fencing()')
    const lines = (fencing?.touched ?? '').split('\n').filter((line) => line !== '')
    const oids = await db.query<{ oid: string; name: string }>(`select oid::text, relname as name from pg_class where relkind = 'r'`)
    const names = new Map(oids.map(({ oid, name }) => [Number(oid), name]))
    return lines
      .map((line) => (JSON.parse(line) as [number, ...string[]]).map((part, i) => (i === 0 ? names.get(part as number) : part)).join(' '))
      .toSorted()
  }, fenceOn)
}

describe.each(testDatabases())('rows of fenced tables on $name', ({ url }) => {
  let template: string

  beforeAll(async () => {
    const scratch = await scratchDatabase(url)
    template = new URL(scratch.url).pathname.slice(1)
    await createSchema(scratch.url, { owners, things, lines, ids }, { versioned: [], tracked: [], fenced })
    return () => scratch.drop()
  })

  async function open(): Promise<Database> {
    const scratch = await scratchDatabase(url, template)
    onTestFinished(() => scratch.drop())
    return openDatabase(scratch.url)
  }

  const enable = (db: Database): Promise<unknown> =>
    db.query(`update plinth.cache_state set state = 'enabled', epoch = gen_random_uuid(), identity = plinth.identity()`)

  test('are noted under their old and new keys, whatever statement changes them', async () => {
    const db = await open()
    expect(await touchedBy(db, () => db.query(`insert into things values (1, 'a'), (2, 'b'), (3, 'c')`))).toEqual([
      'things 1',
      'things 2',
      'things 3',
    ])
    expect(await touchedBy(db, () => db.query('update things set id = 4 where id = 1'))).toEqual(['things 1', 'things 4'])
    expect(await touchedBy(db, () => db.query(`update things set name = 'x' where id < 4`))).toEqual(['things 2', 'things 3'])
    expect(await touchedBy(db, () => db.query('delete from things where id = 4'))).toEqual(['things 4'])
    expect(await touchedBy(db, () => db.query('delete from things where id = 4'))).toEqual([])
    const upsert = `insert into things values (2, 'y'), (5, 'z') on conflict (id) do update set name = excluded.name`
    expect(await touchedBy(db, () => db.query(upsert))).toEqual(['things 2', 'things 5'])
    const merge = `merge into things t using (values (2), (6)) v (id) on t.id = v.id when matched then delete when not matched then insert values (v.id)`
    expect(await touchedBy(db, () => db.query(merge))).toEqual(['things 2', 'things 6'])
  })

  test('are noted by all columns of the key in the order of their names, as PostgreSQL writes the values', async () => {
    const db = await open()
    expect(await touchedBy(db, () => db.query(`insert into lines values (9007199254740993, e'a "b"\\n', 'n')`))).toEqual([
      `lines a "b"\n 9007199254740993`,
    ])
    const id = '0199C1D2-7A3B-7C4D-8E5F-60718293A4B5'
    expect(await touchedBy(db, () => db.query(`insert into "Odd ""ids""" values ($1)`, [id]))).toEqual([`Odd "ids" ${id.toLowerCase()}`])
  })

  test('are noted when a foreign key or a trigger changes them', async () => {
    const db = await open()
    await db.query(`insert into owners values (1), (2); insert into things values (1, 'a', 1), (2, 'b', 2), (3, 'c', 1)`)
    expect(await touchedBy(db, () => db.query('update owners set id = 10 where id = 1'))).toEqual(['things 1', 'things 3'])
    expect(await touchedBy(db, () => db.query('delete from owners where id = 10'))).toEqual(['things 1', 'things 3'])
    await db.query(`create function rename() returns trigger language plpgsql as $$ begin update things set name = 'late'; return null; end $$;
      create constraint trigger rename after insert on owners deferrable initially deferred for each row execute function rename()`)
    expect(await touchedBy(db, () => db.query('insert into owners values (3)'))).toEqual(['things 2'])
  })

  test('of a savepoint that was rolled back are forgotten', async () => {
    const db = await open()
    const touched = await touchedBy(db, async () => {
      await db.query('insert into things values (1)')
      await db.transaction(() => db.query('insert into things values (2)'))
      await db
        .transaction(() => db.query('insert into things values (3)').then(() => Promise.reject(new Error('no'))))
        .catch(() => undefined)
      await db.query('insert into things values (4)')
    })
    expect(touched).toEqual(['things 1', 'things 2', 'things 4'])
  })

  test('are noted as their whole table when there are too many', async () => {
    const db = await open()
    expect(await touchedBy(db, () => db.query('insert into things select generate_series(1, 2000)'))).toHaveLength(2_000)
    expect(await touchedBy(db, () => db.query('insert into things select generate_series(2001, 4001)'))).toEqual(['things'])
    expect(await touchedBy(db, () => db.query('update things set id = id + 10000 where id <= 1001'))).toEqual(['things'])
  })

  test('of very many statements are noted as everything, and no longer one by one', async () => {
    const db = await open()
    const lines: unknown[] = []
    await db.transaction(async () => {
      const write = (from: number, to: number): Promise<unknown> =>
        db.query(`do $$ begin for i in ${from}..${to} loop insert into lines values (i, repeat('x', 100), ''); end loop; end $$`)
      for (const [from, to] of [
        [1, 1_000],
        [1_001, 2_500],
        [2_501, 2_600],
      ] as const) {
        await write(from, to)
        lines.push((await db.query<{ notes: string }>(`select current_setting('plinth.touched') as notes`))[0]?.notes.split('\n').length)
      }
      expect(await db.query('select touched from plinth.fencing()')).toEqual([{ touched: '[0]' }])
    }, fenceOn)
    expect(lines).toEqual([1_000, 1, 1])
  })

  test('are not noted for who does not fence; who does not is refused while the cache is on, and so is TRUNCATE', async () => {
    const db = await open()
    await db.transaction(async () => {
      await db.query('insert into things values (1)')
      expect(await db.query('select touched, state from plinth.fencing()')).toEqual([{ touched: '', state: 'disabled' }])
    })
    await enable(db)
    await expect(db.query('update things set id = 2')).rejects.toMatchObject({
      cause: { code: '55000', hint: expect.stringContaining('open_unfenced') },
    })
    expect(await touchedBy(db, () => db.query('update things set id = 2'))).toEqual(['things 1', 'things 2'])
    await expect(db.transaction(() => db.query('truncate things'), fenceOn)).rejects.toMatchObject({ cause: { code: '55000' } })
  })

  test('fencing reads the state as it is now, after the transaction has its id', async () => {
    const db = await open()
    const [xid, state] = await db.transaction(async () => {
      await db.query('select 1')
      await db.query('select count(*) from things')
      const session = db.openSession()
      await session.query(`update plinth.cache_state set state = 'enabling'`)
      await session.close()
      const [fencing] = await db.query<Fencing>('select * from plinth.fencing()')
      return [fencing?.xid, fencing?.state]
    }, fenceOn)
    expect(state).toBe('enabling')
    expect(await db.query('select pg_xact_status($1::xid8) as status', [xid])).toEqual([{ status: 'committed' }])
  })

  test('the shape of a table tells whether its writes can be trusted to be seen', async () => {
    const db = await open()
    const shape = async (table = 'things'): Promise<unknown> =>
      (await db.query(`select plinth.fence_shape($1::regclass) as shape`, [table]))[0]?.['shape']
    const first = await shape()
    expect(first).toEqual(expect.any(String))
    expect(await shape('lines')).toEqual(expect.any(String))
    expect(await shape('owners')).toBeNull()
    await db.query('alter table things disable trigger plinth_record_update')
    expect(await shape()).toBeNull()
    await db.query('alter table things enable always trigger plinth_record_update')
    expect(await shape()).not.toBe(first)
    const again = await shape()
    await db.query('update things set name = name')
    expect(await shape()).toBe(again)
    await db.query('truncate things')
    expect(await shape()).not.toBe(again)
    await db.query('create table more (extra int) inherits (things)')
    expect(await shape()).toBeNull()
    await db.query(`create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
    await db.query('alter table lines alter column a type text collate loose')
    expect(await shape('lines')).toBeNull()
  })

  test('enabling keeps the shapes of all guarded tables, and a disabling may name the epoch it means', async () => {
    const db = await open()
    const [{ epoch } = { epoch: '' }] = await db.query<{ epoch: string }>('select gen_random_uuid()::text as epoch')
    await db.query(`select plinth.cache_enabling($1, 'run')`, [epoch])
    const [state] = await db.query<{ tables: Record<string, string> }>('select tables from plinth.cache_state')
    expect(Object.keys(state?.tables ?? {})).toHaveLength(fenced.length)
    expect(Object.values(state?.tables ?? {})).toEqual(fenced.map(() => expect.any(String)))
    expect(await db.query('select plinth.cache_disabling(seen => gen_random_uuid()) as epoch')).toEqual([{ epoch: null }])
    expect(await db.query('select plinth.cache_disabling(seen => $1) as epoch', [epoch])).toEqual([{ epoch }])
    expect(await db.query('select plinth.cache_disabled($1) as done', [epoch])).toEqual([{ done: true }])
  })
})

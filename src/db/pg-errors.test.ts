import { describe, expect, test, vi } from 'vitest'
import { freshDatabase, openDatabase } from '../../test/support/database.ts'
import { testDatabase, testDatabases } from '../../test/support/postgres.ts'
import { AppError } from '../core/errors.ts'
import type { Database } from './database.ts'
import { pgProblemOf, toAppError } from './pg-errors.ts'

const schema = `
  create extension btree_gist;
  create table parents (id int primary key);
  create table things (
    id int primary key,
    name varchar(5) not null unique,
    price int check (price > 0),
    parent_id int references parents,
    during tsrange,
    exclude using gist (during with &&)
  );
  create index on things (name);
  insert into parents values (1);
  insert into things values (1, 'one', 1, 1, '[2026-01-01,2026-02-01)');
  create table long (text text);
  create index on long (text);
`

async function refusal(db: Database, text: string, values: (string | null)[] = []): Promise<AppError> {
  const thrown: unknown = await db.write({ text, values }).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(thrown instanceof AppError)) throw new Error(`Expected an AppError, got ${String(thrown)}`)
  return thrown
}

describe.each(testDatabases())('on $name', ({ url }) => {
  test('a refusal has a code and a status, and what PostgreSQL said of it goes along for other rooms', async () => {
    const db = await freshDatabase(url, schema)
    const things = { schema: 'public', table: 'things' }
    const cases = [
      {
        sql: `insert into things (id, name) values (2, 'one')`,
        code: 'DB_UNIQUE',
        status: 409,
        problem: { ...things, constraint: 'things_name_key' },
      },
      {
        sql: `insert into things (id, name, parent_id) values (2, 'two', 9)`,
        code: 'DB_FOREIGN_KEY',
        status: 409,
        problem: { ...things, constraint: 'things_parent_id_fkey' },
      },
      { sql: 'delete from parents', code: 'DB_FOREIGN_KEY', status: 409, problem: { ...things, constraint: 'things_parent_id_fkey' } },
      {
        sql: `insert into things (id, name, price) values (2, 'two', 0)`,
        code: 'DB_CHECK',
        status: 400,
        problem: { ...things, constraint: 'things_price_check' },
      },
      { sql: 'insert into things (id) values (2)', code: 'DB_NOT_NULL', status: 400, problem: { ...things, column: 'name' } },
      {
        sql: `insert into things (id, name, during) values (2, 'two', '[2026-01-15,2026-03-01)')`,
        code: 'DB_EXCLUSION',
        status: 409,
        problem: { ...things, constraint: 'things_during_excl' },
      },
    ]
    for (const { sql, code, status, problem } of cases) {
      const error = await refusal(db, sql)
      expect(error).toMatchObject({ code, status })
      expect(pgProblemOf(error)).toMatchObject(problem)
    }
  })

  test('a value that PostgreSQL cannot take is the caller’s mistake', async () => {
    const db = await freshDatabase(url, schema)
    const cases = [
      ['a NUL byte', 'select $1::text', 'a\0b', '22021', 'DB_INVALID_VALUE'],
      ['a word as a number', 'select $1::int', 'word', '22P02', 'DB_INVALID_VALUE'],
      ['a number beyond its type', 'select $1::int', '3000000000', '22003', 'DB_OUT_OF_RANGE'],
      ['a word as a date', 'select $1::date', 'word', '22007', 'DB_INVALID_VALUE'],
      ['the 45th of May', 'select $1::date', '2026-05-45', '22008', 'DB_OUT_OF_RANGE'],
      ['a name that is too long', 'update things set name = $1', 'too long', '22001', 'DB_TOO_LONG'],
      ['a division by zero', 'select 1 / $1::int', '0', '22012', 'DB_INVALID_VALUE'],
      [
        'a value that no index can hold',
        `insert into long select string_agg(md5(g || $1), '') from generate_series(1, 5000) g`,
        '',
        '54000',
        'DB_TOO_LONG',
      ],
      ['JSON that is nested too deep', `select repeat('[', 100000)::jsonb, $1::text`, '', '54001', 'DB_TOO_LONG'],
    ] as const
    for (const [name, sql, value, sqlstate, code] of cases) {
      const error = await refusal(db, sql, [value])
      expect({ name, code: error.code, status: error.status, sqlstate: pgProblemOf(error)?.sqlstate }).toEqual({
        name,
        code,
        status: 400,
        sqlstate,
      })
    }
  })

  test.each([
    ['08006', 'DB_UNAVAILABLE', 503],
    ['25006', 'DB_READ_ONLY', 503],
    ['25P03', 'DB_TIMEOUT', 503],
    ['28P01', 'DB_UNAVAILABLE', 503],
    ['40001', 'DB_SERIALIZATION', 503],
    ['40P01', 'DB_SERIALIZATION', 503],
    ['53100', 'DB_UNAVAILABLE', 503],
    ['53200', 'DB_UNAVAILABLE', 503],
    ['53300', 'DB_UNAVAILABLE', 503],
    ['55P03', 'DB_LOCKED', 503],
    ['57014', 'DB_TIMEOUT', 503],
    ['57P01', 'DB_UNAVAILABLE', 503],
    ['57P03', 'DB_UNAVAILABLE', 503],
    ['58030', 'DB_UNAVAILABLE', 503],
    ['P0001', 'DB_RAISED', 409],
    ['42P01', 'CORE_INTERNAL', 500],
    ['42601', 'CORE_INTERNAL', 500],
    ['42501', 'DB_NO_PRIVILEGE', 500],
    ['0A000', 'CORE_INTERNAL', 500],
    ['XX000', 'CORE_INTERNAL', 500],
  ])('%s becomes %s, says nothing of what PostgreSQL said, and 503 asks to come back', async (sqlstate, code, status) => {
    const db = await openDatabase(url)
    const error = await refusal(
      db,
      `do $$ begin raise exception 'secret' using errcode = '${sqlstate}', detail = 'secret', hint = 'secret'; end $$`,
    )
    expect(error).toMatchObject({ code, status, headers: status === 503 ? { 'retry-after': '1' } : {} })
    expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain('secret')
    expect(pgProblemOf(error)).toMatchObject({ sqlstate, message: 'secret', detail: 'secret' })
  })

  test('two transactions that wait for each other: one gets 503, the other goes on', async () => {
    const db = await freshDatabase(url, 'create table t (id int primary key); insert into t values (1), (2)')
    let locked = 0
    const touch = async (first: number, second: number): Promise<void> => {
      await db.query('update t set id = id where id = $1', [first])
      locked += 1
      await vi.waitUntil(() => locked === 2, { timeout: 5_000 })
      await db.query('update t set id = id where id = $1', [second])
    }
    const outcomes = await Promise.allSettled([db.transaction(() => touch(1, 2)), db.transaction(() => touch(2, 1))])
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toMatchObject([{ reason: { code: 'DB_SERIALIZATION' } }])
  })
})

test('an AppError that another library has wrapped comes out as it went in', async () => {
  const db = await openDatabase(testDatabase().url)
  const error = await refusal(db, `select 'x'::int`)
  expect(toAppError(new Error('Failed query: select', { cause: error }))).toBe(error)
})

test('what is no database error becomes an internal error', () => {
  expect(toAppError(new TypeError('undefined is not a function'))).toMatchObject({ code: 'CORE_INTERNAL', status: 500 })
})

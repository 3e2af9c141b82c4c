import { sql } from 'drizzle-orm'
import { check, integer, pgTable, serial } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { AppError } from '../core/errors.ts'
import { testDatabases } from '../../test/support/postgres.ts'
import { type Workbench, workbench } from '../../test/support/writers.ts'
import { defineResource } from './define.ts'
import { anyone } from '../auth/policies.ts'

describe.each(testDatabases())('constraints on $name', ({ url }) => {
  let bench: Workbench
  let ada: string

  beforeAll(async () => {
    bench = await workbench(url)
    ada = (await bench.write('authors', { operation: 'create', values: { name: 'Ada', email: 'ada@example.com' } }))?.key[0] ?? ''
    await bench.write('posts', { operation: 'create', values: { title: 'Taken', slug: 'taken', author_id: Number(ada) } })
  })
  afterAll(() => bench.close())

  async function refuse(resource: string, values: Record<string, unknown>): Promise<AppError> {
    const error = await bench.refusal(bench.write(resource, { operation: 'create', values }))
    expect([error.message, error.hint, JSON.stringify(error.details)].join(' ')).not.toMatch(/insert|select|update|\$1|violates/i)
    return error
  }

  test('a constraint of hidden fields is explained without their names', async () => {
    await bench.db.query(`alter table posts alter secret set default 'same', add constraint posts_secret_key unique (secret)`)
    await bench.write('posts', { operation: 'create', values: { title: 'First', slug: 'first' } })
    const error = await refuse('posts', { title: 'Second', slug: 'second' })
    expect(error).toMatchObject({ status: 409, code: 'DB_UNIQUE', field: undefined, details: [] })
    expect(JSON.stringify([error.message, error.hint])).not.toContain('secret')
    await bench.db.query('alter table posts alter secret drop default, drop constraint posts_secret_key')
  })

  test('a constraint of hidden and other fields names the others alone', async () => {
    await bench.db.query(`alter table posts alter secret set default 'same', add constraint posts_secret_title_key unique (secret, title),
      add constraint posts_secret_rating check (secret <> 'same' or rating < 5),
      add constraint posts_title_secret_excl exclude using btree (title with =, secret with =)`)
    const plain = { title: 'Both', slug: 'both' }
    await bench.write('posts', { operation: 'create', values: plain })
    const errors = [await refuse('posts', { ...plain, slug: 'other' }), await refuse('posts', { title: 'Rated', slug: 'rated', rating: 5 })]
    await bench.db.query('alter table posts drop constraint posts_secret_title_key')
    errors.push(await refuse('posts', { ...plain, slug: 'third' }))
    expect(errors.map(({ code, field }) => [code, field])).toEqual([
      ['WRITE_CONFLICT', 'title'],
      ['DB_CHECK', undefined],
      ['WRITE_EXCLUDED', 'title'],
    ])
    expect(JSON.stringify(errors.map(({ message, hint, details }) => [message, hint, details]))).not.toContain('secret')
    await bench.db.query(
      `alter table posts alter secret drop default, drop constraint posts_secret_rating, drop constraint posts_title_secret_excl`,
    )
  })

  test('a check of the model that looks at a hidden field too names the other, and not itself', async () => {
    const table = pgTable('vault', { id: serial().primaryKey(), level: integer(), pin: integer() }, ({ level, pin }) => [
      check('vault_open', sql`${level} < ${pin}`),
    ])
    const definition = defineResource(table, { access: { read: anyone, write: anyone }, hidden: ['pin'] })
    const other = await workbench(
      url,
      [definition],
      'create table vault (id serial primary key, level integer, pin integer default 3, constraint vault_open check (level < pin))',
    )
    onTestFinished(() => other.close())
    const error = await other.refusal(other.write('vault', { operation: 'create', values: { level: 5 } }))
    expect(error).toMatchObject({ code: 'WRITE_CHECK_FAILED', field: 'level', message: 'A check refuses this "level".' })
  })

  test('a value that must be unique is a conflict that names its field', async () => {
    const error = await refuse('authors', { name: 'Eve', email: 'ada@example.com' })
    expect(error).toMatchObject({ status: 409, code: 'WRITE_CONFLICT', field: 'email', message: 'Another record has the same "email".' })
    expect(error.hint).toBe('Choose another value, or change the record that has it.')
  })

  test('a conflict where records may be hidden says that one of them can be restored', async () => {
    expect((await refuse('posts', { title: 'Two', slug: 'taken' })).hint).toContain('restore it')
  })

  test('a primary key that is taken names all of its fields', async () => {
    await bench.write('lines', { operation: 'create', values: { order_id: 1, line: 1, product: 'tea' } })
    const error = await refuse('lines', { order_id: 1, line: 1, product: 'milk' })
    expect(error).toMatchObject({ status: 409, message: 'Another record has the same "order_id", "line".' })
    expect(error.details.map(({ field }) => field)).toEqual(['order_id', 'line'])
  })

  test('a unique index over an expression is a conflict by its name', async () => {
    await bench.db.query('create unique index authors_lower_name on authors (lower(name))')
    expect(await refuse('authors', { name: 'ADA' })).toMatchObject({
      status: 409,
      code: 'WRITE_CONFLICT',
      message: expect.stringContaining('"authors_lower_name"'),
    })
    await bench.db.query('drop index authors_lower_name')
  })

  test('a reference to a record that does not exist names field, value and table', async () => {
    const error = await refuse('posts', { title: 'Orphan', slug: 'orphan', author_id: 4711 })
    expect(error).toMatchObject({
      status: 409,
      code: 'WRITE_MISSING_REFERENCE',
      field: 'author_id',
      message: '"author_id": there is no 4711 in "authors".',
    })
  })

  test('a record that others refer to cannot be deleted, and the answer says who they are', async () => {
    const error = await bench.refusal(bench.write('authors', { operation: 'delete', key: [ada] }))
    expect(error).toMatchObject({ status: 409, code: 'WRITE_STILL_REFERENCED', message: 'Records of "posts" still refer to this one.' })
  })

  test('a reference of a table to itself tells a missing parent from children that remain', async () => {
    await bench.db.query(
      'alter table lines add parent integer, add unique (line), add constraint lines_parent foreign key (order_id) references lines (line)',
    )
    await bench.write('lines', { operation: 'create', values: { order_id: 77, line: 77, product: 'own parent' } })
    await bench.write('lines', { operation: 'create', values: { order_id: 77, line: 78, product: 'child' } })
    const error = await bench.refusal(bench.write('lines', { operation: 'delete', key: ['77', '77'] }))
    expect(error).toMatchObject({ status: 409, code: 'WRITE_STILL_REFERENCED' })
    await bench.db.query('alter table lines drop constraint lines_parent')
  })

  test('a check that fails is named, with the fields it looks at', async () => {
    const error = await refuse('posts', { title: 'Bad', slug: 'bad', rating: 6 })
    expect(error).toMatchObject({ status: 400, code: 'WRITE_CHECK_FAILED', field: 'rating' })
    expect(error.message).toContain('"posts_rating_check"')
  })

  test('a column that must not be null is named, when the model did not know', async () => {
    await bench.db.query('alter table notes alter code set not null')
    expect(await refuse('notes', { note: 'x' })).toMatchObject({ status: 400, code: 'WRITE_NOT_NULL', field: 'code' })
    await bench.db.query('alter table notes alter code drop not null')
  })

  test('an exclusion constraint is a conflict that names its field', async () => {
    await bench.db.query('alter table notes add constraint one_note exclude using btree (note with =)')
    await bench.write('notes', { operation: 'create', values: { note: 'only' } })
    const error = await refuse('notes', { note: 'only' })
    expect(error).toMatchObject({ status: 409, code: 'WRITE_EXCLUDED', field: 'note' })
    expect(error.message).toContain('"one_note"')
  })

  test('a constraint that waits for the commit is explained like one that does not', async () => {
    await bench.db.query('alter table posts alter constraint posts_author_id_fkey deferrable initially deferred')
    const values = { title: 'Late', slug: 'late', author_id: 4712 }
    expect(await refuse('posts', values)).toMatchObject({ status: 409, code: 'WRITE_MISSING_REFERENCE', field: 'author_id' })
    expect(await bench.refusal(bench.bulk('posts', { operation: 'create', items: [values] }))).toMatchObject({
      status: 409,
      code: 'WRITE_MISSING_REFERENCE',
    })
    await bench.db.query('alter table posts alter constraint posts_author_id_fkey not deferrable')
  })

  test('what a trigger refuses on another table keeps the general answer', async () => {
    await bench.db.query(`create table audit (entry text unique); insert into audit values ('x');
      create function audit() returns trigger language plpgsql as $$ begin insert into audit values ('x'); return new; end $$;
      create trigger audit before insert on notes for each row execute function audit()`)
    expect(await refuse('notes', { note: 'audited' })).toMatchObject({ status: 409, code: 'DB_UNIQUE', field: undefined })
    await bench.db.query('drop trigger audit on notes')
  })

  test('a table whose trigger drops the row is a failure of the server, not an answer without a record', async () => {
    await bench.db.query(`create function swallow() returns trigger language plpgsql as 'begin return null; end';
      create trigger swallow before insert on notes for each row execute function swallow()`)
    await expect(bench.write('notes', { operation: 'create', values: {} })).rejects.toThrow('a trigger or rule drops the others')
    await bench.db.query('drop trigger swallow on notes')
  })
})

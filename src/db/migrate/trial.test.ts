import { sql } from 'drizzle-orm'
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../../../test/support/postgres.ts'
import { snapshotOf } from './differ.ts'
import { serverShadow, type Shadow } from './shadow.ts'
import { emptySnapshot, type Snapshot } from './snapshot.ts'
import { tryMigration, type Trial } from './trial.ts'

let shadow: Shadow
let after: Snapshot

beforeAll(async () => {
  const opened = await serverShadow(testDatabase().url)([])
  if (opened === undefined) throw new Error('no shadow')
  shadow = opened
  after = await snapshotOf({ posts: pgTable('posts', { id: serial().primaryKey(), title: text().notNull() }) })
})
afterAll(() => shadow.close())

function trial(up: string, down: string, change: Partial<Trial> = {}): Promise<boolean> {
  return tryMigration(shadow.connection, { before: emptySnapshot, after, files: [{ up, down }], history: [], ...change })
}

const up = 'CREATE TABLE posts (id serial PRIMARY KEY, title text NOT NULL)'

test('SQL that makes the schema and takes it away again passes', async () => {
  expect(await trial(up, 'DROP TABLE posts')).toBe(true)
})

test.each([
  [
    'a way up that forgets something',
    up.replace(' NOT NULL', ''),
    'DROP TABLE posts',
    '(up)',
    'column public.posts.title is text, expected text NOT NULL',
  ],
  ['a way down that leaves something', `${up}; CREATE SEQUENCE s`, 'DROP TABLE posts; ', '(up)', 'sequence public.s should not be there'],
  ['a way down that does nothing', up, '', '(down)', 'table public.posts should not be there'],
  ['a way down that fails', up, 'DROP TABLE post', '(down)', 'table "post" does not exist'],
  [
    'a way up that works only once',
    `CREATE SEQUENCE IF NOT EXISTS once; ${up}; DROP SEQUENCE once`,
    'DROP TABLE posts; CREATE SEQUENCE once',
    '(down)',
    'sequence public.once',
  ],
])('%s is refused with the difference', async (_, upSql, downSql, stage, difference) => {
  const failure = trial(upSql, downSql)
  await expect(failure).rejects.toMatchObject({ code: 'MIGRATE_NOT_REVERSIBLE' })
  await expect(failure).rejects.toThrow(stage)
  await expect(failure).rejects.toThrow(difference)
})

test('models that use what only SQL made are tried after a replay, and a way down that forgets something is still refused', async () => {
  const uses = await snapshotOf({ prices: pgTable('prices', { id: integer().default(sql`one()`) }) })
  const history = [
    {
      revision: '0001_f',
      number: 1,
      up: 'CREATE FUNCTION one() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
      down: '',
      upHash: '',
      downHash: '',
      snapshot: emptySnapshot,
    },
  ]
  const table = 'CREATE TABLE prices (id integer DEFAULT one())'
  expect(await trial(table, 'DROP TABLE prices', { after: uses, history })).toBe(false)
  await expect(trial(table, '', { after: uses, history })).rejects.toMatchObject({ code: 'MIGRATE_NOT_REVERSIBLE' })
  await expect(trial(table, 'DROP TABLE prices', { after: uses })).rejects.toMatchObject({ code: 'MIGRATE_INVALID_MODELS' })
})

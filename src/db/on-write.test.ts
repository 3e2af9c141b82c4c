// Who listens to writes hears of each one that is committed, before its caller does.

import { expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/database.ts'
import { testDatabase } from '../../test/support/postgres.ts'
import type { Database } from './database.ts'

const insert = { text: 'insert into items values ($1::int4) returning id', values: ['1'] }

async function listenedDatabase(): Promise<{ db: Database; heard: unknown[] }> {
  const db = await freshDatabase(testDatabase().url, 'create table items (id int)')
  const heard: unknown[] = []
  db.onWrite((tables) => heard.push(tables))
  return { db, heard }
}

test('a write is told with its tables, plain SQL without, and reads are not told', async () => {
  const { db, heard } = await listenedDatabase()
  await db.write(insert, { tables: ['"items"'] })
  expect(heard).toEqual([['"items"']])
  await db.query('delete from items')
  expect(heard).toEqual([['"items"'], undefined])
  await db.query('select * from items')
  await db.read({ text: 'select 1', values: [] })
  expect(heard).toHaveLength(2)
})

test('a write that failed is not told', async () => {
  const { db, heard } = await listenedDatabase()
  await expect(db.write({ text: 'insert into items values (1 / 0)', values: [] })).rejects.toThrow()
  expect(heard).toEqual([])
})

test('writes of a transaction are told when it has committed, and never after a rollback', async () => {
  const { db, heard } = await listenedDatabase()
  await db.transaction(async () => {
    await db.write(insert, { tables: ['"items"'] })
    expect(heard).toEqual([])
  })
  expect(heard).toEqual([['"items"']])
  const failed = db.transaction(async () => {
    await db.write(insert, { tables: ['"items"'] })
    throw new Error('changed my mind')
  })
  await expect(failed).rejects.toThrow('changed my mind')
  expect(heard).toHaveLength(1)
})

test('a write that nobody waits for is told with the commit of its transaction', async () => {
  const { db, heard } = await listenedDatabase()
  let floating: Promise<unknown> = Promise.resolve()
  await db.transaction(async () => {
    floating = db.write(insert, { tables: ['"items"'] })
  })
  expect(heard).toEqual([['"items"']])
  await floating
  expect(await db.query('select * from items')).toHaveLength(1)
})

test('being in a transaction is known inside of it and nowhere else', async () => {
  const { db } = await listenedDatabase()
  expect(db.isInTransaction()).toBe(false)
  await db.transaction(async () => expect(db.isInTransaction()).toBe(true))
  expect(db.isInTransaction()).toBe(false)
})

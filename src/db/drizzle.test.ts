import { defineRelations, eq, sql } from 'drizzle-orm'
import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { freshDatabase } from '../../test/support/database.ts'
import { testDatabase, testDatabases } from '../../test/support/postgres.ts'
import { drizzleOn } from './drizzle.ts'
import { pgProblemOf, toAppError } from './pg-errors.ts'

const notes = pgTable('notes', { id: integer().primaryKey(), text: text(), at: timestamp({ withTimezone: true }) })
const relations = defineRelations({ notes })
const schema = 'create table notes (id int primary key, text text, at timestamptz)'

describe.each(testDatabases())('on $name', ({ url }) => {
  test('Drizzle queries read and write the same database as statements do', async () => {
    const db = await freshDatabase(url, schema)
    const orm = drizzleOn(db, relations)
    const at = new Date('2026-01-02T03:04:05.600Z')
    expect(await orm.insert(notes).values({ id: 1, text: 'é', at }).returning()).toEqual([{ id: 1, text: 'é', at }])
    expect(await orm.query.notes.findFirst({ where: { id: 1 } })).toEqual({ id: 1, text: 'é', at })
    expect(await db.query('select text from notes')).toEqual([{ text: 'é' }])
  })

  test('within a transaction of the database Drizzle is part of it', async () => {
    const db = await freshDatabase(url, schema)
    const orm = drizzleOn(db)
    const run = db.transaction(async () => {
      await orm.insert(notes).values({ id: 1 })
      expect(await db.query('select id from notes')).toEqual([{ id: 1 }])
      throw new Error('no')
    })
    await expect(run).rejects.toThrow('no')
    expect(await orm.select().from(notes)).toEqual([])
  })

  test('a transaction of Drizzle is one of the database: statements join it, effects wait, nesting makes savepoints', async () => {
    const db = await freshDatabase(url, schema)
    const orm = drizzleOn(db)
    const happened: string[] = []
    await orm.transaction(
      async (tx) => {
        await tx.insert(notes).values({ id: 1 })
        db.afterCommit(() => void happened.push('committed'))
        await db.write({ text: `insert into notes values (2)`, values: [] })
        await tx
          .transaction(async (inner) => {
            db.afterCommit(() => void happened.push('never'))
            await inner.insert(notes).values({ id: 3 })
            inner.rollback()
          })
          .catch(() => undefined)
        expect(await tx.execute(sql`select current_setting('transaction_isolation') as isolation`)).toMatchObject({
          rows: [{ isolation: 'repeatable read' }],
        })
        expect(happened).toEqual([])
      },
      { isolationLevel: 'repeatable read' },
    )
    expect(await orm.select({ id: notes.id }).from(notes).orderBy(notes.id)).toEqual([{ id: 1 }, { id: 2 }])
    expect(happened).toEqual(['committed'])
  })
})

test('a refusal inside of Drizzle is found again as an error of ours', async () => {
  const db = await freshDatabase(testDatabase().url, `${schema}; insert into notes values (1)`)
  const thrown: unknown = await drizzleOn(db)
    .insert(notes)
    .values({ id: 1 })
    .catch((error: unknown) => error)
  expect(toAppError(thrown)).toMatchObject({ code: 'DB_UNIQUE', status: 409 })
  expect(pgProblemOf(thrown)).toMatchObject({ sqlstate: '23505', table: 'notes' })
})

test('a query that was built outside of a transaction runs in the one it is awaited in', async () => {
  const db = await freshDatabase(testDatabase().url, schema)
  const orm = drizzleOn(db)
  const count = orm.$count(notes, eq(notes.id, 1))
  const counted = db.transaction(async () => {
    await db.write({ text: 'insert into notes values (1)', values: [] })
    expect(await count).toBe(1)
    throw new Error('no')
  })
  await expect(counted).rejects.toThrow('no')
})

// Which table says who belongs to what, where several look like it.

import { type PgTable } from 'drizzle-orm/pg-core'
import { integer, pgTable, serial, softDelete, sql, timestamp, unique, uniqueIndex } from 'plinth/db'
import { expect, test } from 'vitest'
import { readTable } from '../../model/read-table.ts'
import { membershipOf } from './membership.ts'

const users = pgTable('users', { id: serial().primaryKey() })
const teams = pgTable('teams', { id: serial().primaryKey() })
const notes = pgTable('notes', { id: serial().primaryKey(), team_id: integer().references(() => teams.id) })
const both = () => ({
  id: serial().primaryKey(),
  team_id: integer().references(() => teams.id),
  user_id: integer().references(() => users.id),
})

const blocked = pgTable('blocked', both(), (table) => [unique().on(table.team_id, table.user_id)])
const living = pgTable('living', { ...both(), ...softDelete }, (table) => [
  uniqueIndex()
    .on(table.team_id, table.user_id)
    .where(sql`${table.deleted_at} is null`),
])
const plain = pgTable('plain', { ...both(), ...softDelete }, (table) => [
  uniqueIndex()
    .on(table.team_id, table.user_id)
    .where(sql`deleted_at is null`),
])
const stays = pgTable('stays', { ...both(), left_at: timestamp() }, (table) => [
  uniqueIndex()
    .on(table.team_id, table.user_id)
    .where(sql`${table.left_at} is null`),
])

function found(tables: readonly PgTable[], more: object = {}): string {
  const models = [users, teams, notes, ...tables].map((table) => readTable(table))
  const way = membershipOf({ field: 'team_id', ...more }, readTable(notes), models, 'users')
  return 'problem' in way ? way.problem : way.model.name
}

test('a unique index over those that are not deleted makes a table of members', () => {
  expect(found([living])).toBe('living')
  expect(found([plain])).toBe('plain')
  expect(found([blocked])).toBe('blocked')
})

test('a table is not taken for the only one because the unique index of the other is partial', () => {
  for (const other of [living, stays]) {
    expect(found([blocked, other])).toContain(`several ways could be meant, over "blocked", "${other === living ? 'living' : 'stays'}".`)
    expect(found([blocked, other], { through: 'blocked' })).toBe('blocked')
  }
})

test('a unique index over some other part of the rows says not who is a member: the table is to be named', () => {
  expect(found([stays])).toMatch(/a user is in "stays" once only where .*left_at.* is null, and every row of it would make a member/)
  expect(found([stays], { through: 'stays' })).toBe('stays')
})

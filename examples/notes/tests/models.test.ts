import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testApp } from 'plinth/testing'
import { plinth } from '../../../test/support/cli.ts'
import { scratchDatabase } from '../../../test/support/postgres.ts'
import definition from '../api/app.ts'

const cwd = join(import.meta.dirname, '..')

test('the migrations make what the models say', async () => {
  expect(await plinth(['db', 'migrate', '--check'], { cwd })).toMatchObject({ code: 0, stdout: 'Models and migrations agree.\n' })
})

test('migrations and seed fill an empty database, may run again, and can be taken back', async () => {
  const scratch = await scratchDatabase()
  onTestFinished(() => scratch.drop())
  const db = async (...args: string[]) =>
    (await plinth(['db', ...args], { cwd, env: { DATABASE_URL: scratch.url, LOG_LEVEL: 'silent' } })).stdout
  expect(await db('upgrade')).toMatch(/^applied +0001_create_notes +\d+ ms\n$/)
  expect(await db('seed')).toBe('Seeded.\n')
  expect(await db('seed')).toBe('Seeded.\n')
  expect(await db('downgrade', 'base')).toMatch(/^taken back +0001_create_notes /)
})

test('the seed makes two organizations, each with a note for everybody in it and one for its author', async () => {
  const app = await testApp(definition)
  onTestFinished(() => app.close())
  await app.seed()
  await app.seed()
  const count = async (name: string) => (await app.app.resource(name).list({ count: 'exact' })).total
  expect(await Promise.all(['organizations', 'members', 'notes', 'tags', 'note_tags'].map(count))).toEqual([2, 3, 4, 2, 2])
})

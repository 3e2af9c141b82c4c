// Definitions that contradict themselves: every mistake at once, each with its file, its resource and the near name.

import { boolean, integer, pgTable, pgView, serial, text } from 'drizzle-orm/pg-core'
import { expect, test } from 'vitest'
import { readTable } from '../model/read-table.ts'
import { compileResources } from './compile.ts'
import { defineResource, type ResourceDefinition } from './define.ts'
import { anyone, nobody } from '../auth/policies.ts'

const open = { read: anyone, write: anyone }
const books = pgTable('books', {
  id: serial().primaryKey(),
  title: text().notNull(),
  pages: integer(),
  lent: boolean(),
  labels: text().array(),
})
const log = pgTable('log', { line: text() })
const titles = pgView('titles', { title: text() }).existing()

function compile(...definitions: readonly ResourceDefinition[]) {
  const declarations = definitions.map((definition) => ({ definition, model: readTable(definition.table) }))
  return compileResources(declarations, [...new Set(declarations.map(({ model }) => model))])
}

/** Mistakes that TypeScript would point out in an editor too. */
function wrong(table: typeof books | typeof log, options: object): ResourceDefinition {
  return defineResource(table, options as never)
}

function problems(...definitions: readonly ResourceDefinition[]): string {
  try {
    compile(...definitions)
  } catch (error) {
    expect(error).toMatchObject({ code: 'RESOURCE_INVALID_DEFINITION' })
    return (error as Error).message
  }
  return ''
}

test('all mistakes of all resources are reported together, each with file and resource', () => {
  const message = problems(
    wrong(books, { access: open, hidden: ['tilte'], readOnly: ['id', 'pgaes'], search: ['pages', 'titel'], sort: '-titel' }),
    wrong(log, { name: 'Log Lines', operations: ['get', 'lst'] }),
  )
  expect(message).toMatch(/^The definition has \d+ mistakes:/)
  for (const line of [
    'src/resource/check.test.ts: resource "books": hidden: "tilte" is not a field of "books". Perhaps you meant "title".',
    'resource "books": readOnly: "pgaes" is not a field of "books". Perhaps you meant "pages".',
    'resource "books": search: "titel" is not a field of "books". Perhaps you meant "title".',
    'resource "books": search: "pages" is not text.',
    'resource "books": sort: "titel" is not a field of "books". Perhaps you meant "title".',
    'resource "Log Lines": "Log Lines" cannot be a path.',
    'resource "Log Lines": nothing says who may use it. Add access: { read: anyone, write: anyone }.',
    'resource "Log Lines": operations: "get" is not possible. "log" has no primary key.',
    'resource "Log Lines": operations: "lst" is not an operation. Perhaps you meant "list".',
  ]) {
    expect(message).toContain(line)
  }
})

test('two resources of one name are refused with a way out', () => {
  expect(problems(defineResource(books, { access: open }), defineResource(books, { access: open }))).toContain('are both named "books"')
})

test.each<[string, object, string]>([
  ['an access that opens nothing', { access: { read: nobody } }, 'every operation is closed'],
  ['restore without deleted_at', { access: open, operations: ['restore'] }, '"books" has no column deleted_at.'],
  ['a page size above the maximum', { access: open, page: { size: 50, max: 20 } }, 'page.size is larger than page.max.'],
  ['a page size that is no number', { access: open, page: { size: 0 } }, 'page.size is a whole number above 0.'],
  ['a search in a list', { access: open, search: ['labels'] }, 'search: "labels" is not text.'],
  [
    'a search language that is no name',
    { access: open, search: { fields: ['title'], language: "english'; drop" } },
    'is not the name of a text search configuration',
  ],
  ['a relation that no foreign key makes', { access: open, relations: { author: 'books_author_fk' } }, 'books_author_fk'],
])('%s is refused', (_what, options, line) => {
  expect(problems(wrong(books, options))).toContain(line)
})

test('a sort that leads through a relation that is not there is refused too', () => {
  expect(problems(wrong(books, { access: open, sort: 'author.name' }))).toContain(
    'resource "books": sort: "author" is not a relation of "books".',
  )
})

test('a table without a primary key can only be listed, a view too, and what access closes does not exist', () => {
  const { resources } = compile(
    defineResource(log, { access: open }),
    defineResource(titles, { access: open }),
    defineResource(books, { access: { read: anyone, delete: nobody, write: anyone } }),
  )
  expect([...(resources.get('log')?.operations ?? [])]).toEqual(['list'])
  expect([...(resources.get('titles')?.operations ?? [])]).toEqual(['list'])
  expect([...(resources.get('books')?.operations ?? [])]).toEqual(['list', 'get', 'create', 'replace', 'patch'])
})

test('a serialize hook that is async is a mistake, because nobody waits for it', () => {
  const definition = defineResource(books, { access: open, hooks: { serialize: async (row) => row } })
  expect(problems(definition)).toContain('resource "books": hooks.serialize cannot be async')
})

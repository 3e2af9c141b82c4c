import { expect, test } from 'vitest'
import { orderProblems, roomOrder } from './check-order.ts'
import { parseSource } from './source-files.ts'

const rooms = ['core', 'db', 'http']

function problems(files: Record<string, string>): string[] {
  return orderProblems(
    Object.entries(files).map(([path, text]) => parseSource(path, text)),
    rooms,
  )
}

test('the order of the rooms is read from the table, several rooms in one row included', () => {
  const text =
    '# A\n\n| room | in charge of | owns |\n|---|---|---|\n| support | helpers | |\n| storage · mail | files | x |\n\nGlossary | of | words\n'
  expect(roomOrder(text)).toEqual(['support', 'storage', 'mail'])
})

test('imports of rooms above, of owned libraries and of types of any library are in order', () => {
  const text = `import { Pool } from 'pg'\nimport { readFile } from 'node:fs/promises'\nimport type { FastifyInstance } from 'fastify'\nimport { a } from '../core/a.ts'`
  expect(problems({ 'src/db/pool.ts': text, 'src/core/a.ts': 'export const a = 1' })).toEqual([])
})

test.each([
  ['a value', `import { a } from '../http/a.ts'`],
  ['a type', `import type { A } from '../http/a.ts'`],
  ['a type in place', `export type A = import('../http/a.ts').A`],
  ['a later import', `export const a = () => import('../http/a.ts')`],
  ['a re-export', `export { a } from '../http/a.ts'`],
])('a room that imports %s from a room below is named with its line', (_, text) => {
  expect(problems({ 'src/db/pool.ts': `\n${text}` })).toEqual([
    'src/db/pool.ts:2 "db" stands above "http" and may not import src/http/a.ts.',
  ])
})

test('a room that imports a door, by path or by name, is refused, and a door that imports a room is not', () => {
  expect(problems({ 'src/db/pool.ts': `import { a } from '../errors.ts'` })).toEqual([
    'src/db/pool.ts:1 A room imports no door: src/errors.ts.',
  ])
  expect(problems({ 'src/db/pool.ts': `import { a } from 'plinth/errors'` })).toEqual([
    'src/db/pool.ts:1 A room imports no door: plinth/errors.',
  ])
  expect(problems({ 'src/db.ts': `export { a } from './db/pool.ts'` })).toEqual([])
})

test('a library used outside its owner room, or without an owner, is refused', () => {
  expect(problems({ 'src/http/a.ts': `import { Pool } from 'pg'` })).toEqual([
    'src/http/a.ts:1 "pg" belongs to db: use what that room exports.',
  ])
  expect(problems({ 'src/http/a.ts': `import x from '@some/where/deep'` })).toEqual([
    'src/http/a.ts:1 "@some/where" has no owner in tools/library-owners.ts.',
  ])
})

test('a folder that is not in the table is refused', () => {
  expect(problems({ 'src/attic/a.ts': `import 'node:fs'` })).toEqual([
    'src/attic/a.ts:1 The room "attic" is not in the table of ARCHITECTURE.md.',
  ])
})

test('a ring of values is refused; a ring that only types or later imports close is not', () => {
  const ring = {
    'src/db/a.ts': `import { b } from './b.ts'\nexport const a = b`,
    'src/db/b.ts': `import { a } from './a.ts'\nexport const b = a`,
  }
  expect(problems(ring)).toEqual(['A ring of imports: src/db/a.ts → src/db/b.ts → src/db/a.ts'])
  expect(problems({ ...ring, 'src/db/b.ts': `import type { A } from './a.ts'\nexport const b = () => import('./a.ts')` })).toEqual([])
})

test.each(['const x = process.env.HOME', `const x = process['env']`, 'const { env } = process', `import { env } from 'node:process'`])(
  'reading the environment by %s is for core/env.ts alone',
  (text) => {
    expect(problems({ 'src/db/a.ts': text })).toEqual(['src/db/a.ts:1 Only src/core/env.ts reads the environment.'])
    expect(problems({ 'src/core/env.ts': text })).toEqual([])
  },
)

test('other parts of process may be used anywhere', () => {
  expect(problems({ 'src/db/a.ts': `import { pid } from 'node:process'\nconst { exit } = process\nexit(process.pid - pid)` })).toEqual([])
})

test('export * and default exports are refused', () => {
  expect(problems({ 'src/db/a.ts': `export * from './b.ts'` })).toEqual([
    'src/db/a.ts:1 "export *" hides what is public: name each export.',
  ])
  expect(problems({ 'src/db/a.ts': 'export default 1' })).toEqual(['src/db/a.ts:1 A default export has no name to search for: name it.'])
})

test('a test may reach into any room, and code in a string is not an import', () => {
  expect(problems({ 'src/db/a.test.ts': `import { a } from '../http/a.ts'` })).toEqual([])
  expect(problems({ 'src/db/a.ts': 'export const text = `\nimport { a } from "../http/a.ts"\n`' })).toEqual([])
})

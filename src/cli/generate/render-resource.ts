// The files of a new resource as text: model, resource, test.

import type { GeneratedColumn } from './field-words.ts'

export interface GeneratedFile {
  /** Relative to the application's folder. */
  readonly path: string
  readonly content: string
}

export function renderResource(table: string, columns: readonly GeneratedColumn[]): readonly GeneratedFile[] {
  return [
    { path: `api/models/${table}.ts`, content: renderModel(table, columns) },
    { path: `api/resources/${table}.ts`, content: renderDefinition(table, columns) },
    { path: `api/tests/${table}.test.ts`, content: renderTest(table, columns) },
  ]
}

function renderModel(table: string, columns: readonly GeneratedColumn[]): string {
  const builders = [...new Set(['pgTable', 'serial', 'timestamps', ...columns.map(({ builder }) => builder)])].toSorted()
  const referred = [
    ...new Set(columns.flatMap(({ references }) => (references === undefined || references === table ? [] : [references]))),
  ].toSorted()
  return `import { ${builders.join(', ')} } from 'plinth/db'
${referred.map((name) => `import { ${name} } from './${name}.ts'\n`).join('')}
export const ${table} = pgTable('${table}', {
  id: serial().primaryKey(),
${columns.map((column) => `  ${column.name}: ${renderColumn(column)},\n`).join('')}  ...timestamps,
})
`
}

function renderColumn({ call, nullable, unique, references }: GeneratedColumn): string {
  const foreign = references === undefined ? '' : `.references(() => ${references}.id)`
  return `${call}${nullable ? '' : '.notNull()'}${unique ? '.unique()' : ''}${foreign}`
}

function renderDefinition(table: string, columns: readonly GeneratedColumn[]): string {
  const search = columns.filter(({ searchable }) => searchable).map(({ name }) => `'${name}'`)
  return `import { anyone, defineResource } from 'plinth'
import { ${table} } from '../models/${table}.ts'

export default defineResource(${table}, {
  access: { read: anyone, write: anyone },
${search.length === 0 ? '' : `  search: [${search.join(', ')}],\n`}})
`
}

/** References need a record to point to, which only the author of the test knows: such a resource is tested empty. */
function renderTest(table: string, columns: readonly GeneratedColumn[]): string {
  const standsAlone = columns.every(({ references, nullable }) => references === undefined || nullable)
  return `import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import definition from '../app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition)
})
afterAll(() => app.close())

${standsAlone ? createTest(table, columns) : listTest(table)}`
}

function createTest(table: string, columns: readonly GeneratedColumn[]): string {
  const values = columns
    .filter(({ references }) => references === undefined)
    .map(({ name, sample }) => `${name}: ${sample}`)
    .join(', ')
  return `test('what is created in ${table} can be read', async () => {
  const created = await app.post('/api/${table}', { ${values} })
  expect(created.status).toBe(201)
  expect((await app.get(String(created.headers['location']))).status).toBe(200)
})
`
}

function listTest(table: string): string {
  return `test('${table} can be listed', async () => {
  expect((await app.get('/api/${table}')).status).toBe(200)
})
`
}

// The files of a new resource as text: model, resource, test.

import type { GeneratedColumn } from './field-words.ts'
import type { Reference, ResolvedColumns } from './references.ts'

export interface GeneratedFile {
  /** Relative to the application's folder. */
  readonly path: string
  readonly content: string
}

/** @param prefix  of the application's resources: `/api` */
export function renderResource(table: string, resolved: ResolvedColumns, prefix: string): readonly GeneratedFile[] {
  const { columns } = resolved
  return [
    { path: `api/models/${table}.ts`, content: renderModel(table, resolved) },
    { path: `api/resources/${table}.ts`, content: renderDefinition(table, columns) },
    { path: `api/tests/${table}.test.ts`, content: renderTest(table, columns, `${prefix}/${table}`) },
  ]
}

function renderModel(table: string, { columns, references }: ResolvedColumns): string {
  const own = references.filter(({ imported }) => imported === undefined)
  const builders = ['pgTable', 'serial', 'timestamps', ...columns.map(({ builder }) => builder)]
  if (references.length > 0) builders.push('index')
  if (own.length > 0) builders.push('foreignKey')
  const fields = columns.map((column) => `${column.name}: ${renderColumn(column, references)},`)
  return `import { ${[...new Set(builders)].toSorted().join(', ')} } from 'plinth/db'
${renderImports(references)}
${renderTable(table, ['id: serial().primaryKey(),', ...fields, '...timestamps,'], renderExtras(references, own))}`
}

function renderImports(references: readonly Reference[]): string {
  const lines = references.flatMap(({ imported }) =>
    imported === undefined ? [] : [`import { ${imported.name} } from '${imported.from}'\n`],
  )
  return [...new Set(lines)].toSorted().join('')
}

function renderTable(table: string, fields: readonly string[], extras: readonly string[]): string {
  const lines = (indent: string): string => fields.map((field) => `${indent}${field}\n`).join('')
  if (extras.length === 0) return `export const ${table} = pgTable('${table}', {\n${lines('  ')}})\n`
  return `export const ${table} = pgTable(\n  '${table}',\n  {\n${lines('    ')}  },\n  (table) => [${extras.join(', ')}],\n)\n`
}

function renderColumn({ name, call, nullable, unique }: GeneratedColumn, references: readonly Reference[]): string {
  const reference = references.find(({ column }) => column === name)
  const foreign = reference?.imported === undefined ? '' : `.references(() => ${reference.imported.name}.${reference.target})`
  return `${call}${nullable ? '' : '.notNull()'}${unique ? '.unique()' : ''}${foreign}`
}

/** Foreign keys are followed in both directions, so they are indexed. One to the table itself cannot be said at the column in TypeScript. */
function renderExtras(references: readonly Reference[], own: readonly Reference[]): string[] {
  return [
    ...references.map(({ column }) => `index().on(table.${column})`),
    ...own.map(({ column, target }) => `foreignKey({ columns: [table.${column}], foreignColumns: [table.${target}] })`),
  ]
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

function renderTest(table: string, columns: readonly GeneratedColumn[], path: string): string {
  return `import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApp, type TestApp } from 'plinth/testing'
import definition from '../app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp(definition)
})
afterAll(() => app.close())

${standsAlone(columns) ? createTest(table, columns, path) : listTest(table, path)}`
}

/** A required reference needs a record to point to, which only the author of the test knows: such a resource is tested empty. */
function standsAlone(columns: readonly GeneratedColumn[]): boolean {
  return columns.every(({ references, nullable }) => references === undefined || nullable)
}

function createTest(table: string, columns: readonly GeneratedColumn[], path: string): string {
  const given = columns.filter(({ references }) => references === undefined).map(({ name, sample }) => `${name}: ${sample}`)
  return `test('what is created in ${table} can be read', async () => {
  const created = await app.post('${path}', {${given.length === 0 ? '' : ` ${given.join(', ')} `}})
  expect(created.status).toBe(201)
  expect((await app.get(String(created.headers['location']))).status).toBe(200)
})
`
}

function listTest(table: string, path: string): string {
  return `test('${table} can be listed', async () => {
  expect((await app.get('${path}')).status).toBe(200)
})
`
}

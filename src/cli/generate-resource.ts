// Writes a new resource into an application, and the migration that makes its table.

import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readModels } from '../app/models.ts'
import { plural } from '../model/names.ts'
import { parseColumns } from './generate/field-words.ts'
import { resolveReferences } from './generate/references.ts'
import { type GeneratedFile, renderResource } from './generate/render-resource.ts'
import { loadApp } from './load-app.ts'
import { note, print, UsageError } from './output.ts'
import { runPlinth } from './run-plinth.ts'

/** Names that mean something else in a generated file. */
const taken = new Set(['timestamps', 'arguments'])

export async function generateResource(name: string, fields: readonly string[], withMigration: boolean): Promise<void> {
  const table = tableName(name)
  const columns = parseColumns(fields)
  const { definition, root } = await loadApp()
  const { options } = definition
  const files = renderResource(table, resolveReferences(columns, table, options, root), options.prefix ?? '/api')
  refuseClash(table, files, root, new Set(readModels(options).models.map((model) => model.name)))
  for (const file of files) await writeNew(root, file)
  const added = [
    await addToIndex(root, 'api/models/index.ts', `export * from './${table}.ts'`),
    await addToIndex(root, 'api/resources/index.ts', `export { default as ${table} } from './${table}.ts'`),
  ]
  const command = `plinth db migrate -m "create ${table}"`
  if (added.includes(false)) print(`Give model and resource to defineApp in api/app.ts, then: ${command}`)
  else if (withMigration) await writeMigration(root, table, command)
  else print(`Then: ${command}`)
}

function tableName(name: string): string {
  const table = plural(name)
  if (!/^[a-z][a-z0-9_]*$/.test(name) || taken.has(table))
    throw new UsageError(`"${name}" cannot be the name of a resource. Write small letters, digits and "_": order_item`)
  return table
}

function refuseClash(table: string, files: readonly GeneratedFile[], root: string, tables: ReadonlySet<string>): void {
  const present = files.map(({ path }) => path).filter((path) => existsSync(join(root, path)))
  if (present.length > 0) throw new UsageError(`Nothing was written, because this is there already: ${present.join(', ')}`)
  if (tables.has(table)) throw new UsageError(`Nothing was written, because there is a table "${table}" already.`)
}

async function writeNew(root: string, { path, content }: GeneratedFile): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content, { flag: 'wx' })
  print(`  new      ${path}`)
}

/**
 * The index files are what `api/app.ts` imports, so that a new file takes part without touching it.
 *
 * @returns false when there is no such file: the application is put together in another way
 */
async function addToIndex(root: string, path: string, line: string): Promise<boolean> {
  const file = join(root, path)
  if (!existsSync(file)) return false
  const content = await readFile(file, 'utf8')
  await writeFile(file, `${content.trimEnd()}\n${line}\n`.trimStart())
  print(`  changed  ${path}`)
  return true
}

/** In a process of its own, which imports the new files. */
async function writeMigration(root: string, table: string, command: string): Promise<void> {
  process.exitCode = await runPlinth(root, ['db', 'migrate', '-m', `create ${table}`])
  if (process.exitCode !== 0) note(`The files are written, the migration is not. Try again: ${command}`)
}
